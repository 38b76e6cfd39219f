"""What each reason of a difference means and what can be done about it, in three languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.billing.differences import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a reason.

    Attributes:
        titles, texts, remedies: by language, `fr`, `de` and `en`.
    """

    titles: Mapping[str, str]
    texts: Mapping[str, str]
    remedies: Mapping[str, str]


def _said(fr: str, de: str, en: str) -> Mapping[str, str]:
    return {"fr": fr, "de": de, "en": en}


WORDS: Mapping[Reason, Words] = {
    Reason.MISSING_WAGE: Words(
        _said("Salaire manquant", "Fehlender Lohn", "Missing wage"),
        _said(
            "Vous avez calculé des cotisations pour cette personne, mais aucun salaire déclaré ne compte "
            "pour ce mois : rien n’est facturé.",
            "Sie haben für diese Person Beiträge berechnet, aber für diesen Monat zählt kein gemeldeter "
            "Lohn: Es wird nichts berechnet.",
            "You computed contributions for this person, but no wage declared counts for this month: "
            "nothing is charged.",
        ),
        _said(
            "Déclarez le salaire du mois par DECSAL, ou retirez la personne de votre calcul si elle n’a "
            "rien touché.",
            "Melden Sie den Lohn des Monats mit DECSAL, oder nehmen Sie die Person aus Ihrer Berechnung, "
            "wenn sie nichts bezogen hat.",
            "Declare the wage of the month by DECSAL, or take the person out of your computation if "
            "nothing was paid.",
        ),
    ),
    Reason.LATE_ENTRY: Words(
        _said("Entrée ou salaire tardif", "Späte Anmeldung oder später Lohn", "Late entry or wage"),
        _said(
            "Un salaire est déclaré pour cette personne, mais il n’est pas encore facturé : il attend la "
            "déclaration d’entrée, ou il est arrivé après l’extrait de compte du mois.",
            "Für diese Person ist ein Lohn gemeldet, aber noch nicht berechnet: Er wartet auf die "
            "Anmeldung, oder er ist nach dem Kontoauszug des Monats eingegangen.",
            "A wage is declared for this person, but not charged yet: it waits for the entry declaration, "
            "or it came after the account statement of the month.",
        ),
        _said(
            "Envoyez la déclaration d’entrée (DECAFF) si elle manque. Sinon, il n’y a rien à faire : le "
            "salaire sera facturé avec un prochain extrait.",
            "Senden Sie die Anmeldung (DECAFF), falls sie fehlt. Sonst ist nichts zu tun: Der Lohn wird mit "
            "einem der nächsten Auszüge berechnet.",
            "Send the entry declaration (DECAFF) if it is missing. Otherwise there is nothing to do: the "
            "wage will be charged with one of the next statements.",
        ),
    ),
    Reason.NOT_OWN: Words(
        _said("Absent de votre calcul", "Nicht in Ihrer Berechnung", "Not in your computation"),
        _said(
            "Des cotisations sont facturées pour cette personne, que votre calcul ne contient pas.",
            "Für diese Person werden Beiträge berechnet; Ihre Berechnung enthält sie nicht.",
            "Contributions are charged for this person, whom your computation does not contain.",
        ),
        _said(
            "Vérifiez si un salaire a été déclaré par erreur, ou si la personne manque dans votre calcul.",
            "Prüfen Sie, ob ein Lohn irrtümlich gemeldet wurde oder ob die Person in Ihrer Berechnung fehlt.",
            "Check whether a wage was declared by mistake, or whether the person is missing in your "
            "computation.",
        ),
    ),
    Reason.CORRECTION: Words(
        _said("Rectification", "Berichtigung", "Correction"),
        _said(
            "Votre montant est celui d’un calcul antérieur du même mois, extourné depuis : le montant "
            "facturé tient compte d’une rectification.",
            "Ihr Betrag ist der einer früheren Berechnung desselben Monats, die inzwischen storniert wurde: "
            "Der berechnete Betrag berücksichtigt eine Berichtigung.",
            "Your amount is that of an earlier computation of the same month, reversed since: the amount "
            "charged takes a correction into account.",
        ),
        _said(
            "Reprenez dans votre calcul la rectification, dont le motif figure dans CALCUL.",
            "Übernehmen Sie die Berichtigung in Ihre Berechnung; ihr Grund steht in CALCUL.",
            "Take the correction over into your computation; its reason stands in CALCUL.",
        ),
    ),
    Reason.CLASS: Words(
        _said("Classe ou service", "Klasse oder Dienst", "Class or service"),
        _said(
            "Votre montant correspond à une autre classe de la Mutualité des employeurs ou à un autre "
            "service de santé au travail que ceux de l’année.",
            "Ihr Betrag entspricht einer anderen Klasse der Mutualité des employeurs oder einem anderen "
            "arbeitsmedizinischen Dienst als denen des Jahres.",
            "Your amount fits another class of the Mutualité des employeurs or another occupational health "
            "service than those of the year.",
        ),
        _said(
            "Comparez avec la décision de classement de l’année et corrigez votre programme, ou demandez "
            "la rectification du classement.",
            "Vergleichen Sie mit dem Einstufungsbescheid des Jahres und berichtigen Sie Ihr Programm, oder "
            "beantragen Sie eine Berichtigung der Einstufung.",
            "Compare with the classing decision of the year and correct your program, or ask for the class "
            "to be corrected.",
        ),
    ),
    Reason.FACTOR: Words(
        _said("Facteur bonus-malus", "Bonus-Malus-Faktor", "Bonus-malus factor"),
        _said(
            "Votre montant correspond à un autre facteur bonus-malus de l’assurance accident que celui de "
            "l’année.",
            "Ihr Betrag entspricht einem anderen Bonus-Malus-Faktor der Unfallversicherung als dem des "
            "Jahres.",
            "Your amount fits another bonus-malus factor of the accident insurance than that of the year.",
        ),
        _said(
            "Reprenez le facteur notifié par l’Association d’assurance accident pour l’année.",
            "Übernehmen Sie den Faktor, den die Association d’assurance accident für das Jahr mitgeteilt "
            "hat.",
            "Use the factor that the Association d’assurance accident has notified for the year.",
        ),
    ),
    Reason.RATE: Words(
        _said("Taux d’un autre mois", "Satz eines anderen Monats", "Rate of another month"),
        _said(
            "Votre montant correspond au taux de cotisation d’un autre mois.",
            "Ihr Betrag entspricht dem Beitragssatz eines anderen Monats.",
            "Your amount fits the contribution rate of another month.",
        ),
        _said(
            "Mettez à jour les taux de votre programme : ceux du mois de salaire s’appliquent.",
            "Aktualisieren Sie die Sätze Ihres Programms: Es gelten die des Lohnmonats.",
            "Update the rates of your program: those of the wage month apply.",
        ),
    ),
    Reason.CEILING: Words(
        _said("Maximum cotisable", "Beitragsbemessungsgrenze", "Ceiling"),
        _said(
            "Votre montant a été calculé sans le maximum cotisable, ou avec un autre. Le maximum est "
            "cumulé sur l’année civile et par employeur (CSS art. 241).",
            "Ihr Betrag wurde ohne die Bemessungsgrenze oder mit einer anderen berechnet. Die Grenze wird "
            "über das Kalenderjahr und je Arbeitgeber zusammengezählt (CSS Art. 241).",
            "Your amount was computed without the ceiling, or with another one. The ceiling is added up "
            "over the calendar year and for each employer (CSS art. 241).",
        ),
        _said(
            "Vérifiez le maximum du mois et l’assiette déjà utilisée depuis janvier.",
            "Prüfen Sie die Grenze des Monats und die seit Januar bereits verbrauchte Bemessungsgrundlage.",
            "Check the ceiling of the month and the base used since January.",
        ),
    ),
    Reason.FLOOR: Words(
        _said("Minimum cotisable", "Mindestbemessungsgrundlage", "Floor"),
        _said(
            "Votre montant a été calculé sans le minimum cotisable, ou avec un autre. Le minimum est le "
            "salaire social minimum de l’âge, au prorata des heures sur 173 (CSS art. 241).",
            "Ihr Betrag wurde ohne die Mindestbemessungsgrundlage oder mit einer anderen berechnet. Sie ist "
            "der soziale Mindestlohn des Alters, anteilig nach Stunden von 173 (CSS Art. 241).",
            "Your amount was computed without the floor, or with another one. The floor is the minimum wage "
            "of the age, in proportion of the hours to 173 (CSS art. 241).",
        ),
        _said(
            "Vérifiez les heures déclarées et le salaire social minimum du mois.",
            "Prüfen Sie die gemeldeten Stunden und den sozialen Mindestlohn des Monats.",
            "Check the hours declared and the minimum wage of the month.",
        ),
    ),
    Reason.ALLOWANCE: Words(
        _said("Abattement dépendance", "Freibetrag der Pflegeversicherung", "Dependency allowance"),
        _said(
            "Votre contribution dépendance a été calculée avec un autre abattement. Il est entier à partir "
            "de 150 heures, sinon réduit aux heures sur 173.",
            "Ihr Beitrag zur Pflegeversicherung wurde mit einem anderen Freibetrag berechnet. Er gilt ab "
            "150 Stunden ganz, sonst anteilig nach Stunden von 173.",
            "Your dependency contribution was computed with another allowance. It is whole from 150 hours "
            "on, otherwise reduced to the hours out of 173.",
        ),
        _said(
            "Vérifiez l’abattement du mois et les heures déclarées.",
            "Prüfen Sie den Freibetrag des Monats und die gemeldeten Stunden.",
            "Check the allowance of the month and the hours declared.",
        ),
    ),
    Reason.GROUP: Words(
        _said("Autre affiliation", "Andere Versicherung", "Insured otherwise"),
        _said(
            "Votre montant correspond à un autre genre d’affiliation, avec d’autres branches ou sans "
            "minimum cotisable.",
            "Ihr Betrag entspricht einer anderen Art der Versicherung, mit anderen Zweigen oder ohne "
            "Mindestbemessungsgrundlage.",
            "Your amount fits another kind of affiliation, with other branches or without a floor.",
        ),
        _said(
            "Vérifiez le type de contrat et le régime déclarés ; une erreur se corrige par DECAFF.",
            "Prüfen Sie die gemeldete Vertragsart und das Versicherungssystem; ein Fehler wird mit DECAFF "
            "berichtigt.",
            "Check the contract type and the scheme declared; a mistake is corrected by DECAFF.",
        ),
    ),
    Reason.BASE: Words(
        _said("Autre salaire", "Anderer Lohn", "Another pay"),
        _said(
            "Votre montant correspond à un autre salaire que celui qui a été déclaré, ou un élément du "
            "salaire entre chez vous dans d’autres assiettes.",
            "Ihr Betrag entspricht einem anderen Lohn als dem gemeldeten, oder ein Lohnbestandteil geht bei "
            "Ihnen in andere Bemessungsgrundlagen ein.",
            "Your amount fits another pay than the one declared, or you count an element of the pay in other "
            "bases.",
        ),
        _said(
            "Comparez le salaire déclaré, élément par élément, avec votre livre de paie ; déclarez toute "
            "erreur par DECSAL.",
            "Vergleichen Sie den gemeldeten Lohn Bestandteil für Bestandteil mit Ihrer Lohnbuchhaltung; "
            "melden Sie jeden Fehler mit DECSAL.",
            "Compare the wage declared, element by element, with your payroll; declare any mistake by "
            "DECSAL.",
        ),
    ),
    Reason.HOURS: Words(
        _said("Autres heures", "Andere Stunden", "Other hours"),
        _said(
            "Votre montant correspond à d’autres heures que celles qui ont été déclarées : elles décident "
            "du minimum cotisable et de l’abattement dépendance.",
            "Ihr Betrag entspricht anderen Stunden als den gemeldeten: Sie entscheiden über die "
            "Mindestbemessungsgrundlage und den Freibetrag der Pflegeversicherung.",
            "Your amount fits other hours than those declared: they decide about the floor and the "
            "dependency allowance.",
        ),
        _said(
            "Vérifiez les heures déclarées, heures inactives comprises ; déclarez toute erreur par DECSAL.",
            "Prüfen Sie die gemeldeten Stunden, auch die nicht gearbeiteten; melden Sie jeden Fehler mit "
            "DECSAL.",
            "Check the hours declared, inactive hours included; declare any mistake by DECSAL.",
        ),
    ),
    Reason.ROUNDING: Words(
        _said("Arrondi", "Rundung", "Rounding"),
        _said(
            "La différence ne tient qu’à l’arrondi : chaque part de chaque branche est arrondie au cent par "
            "elle-même, un demi-cent vers le haut (CSS art. 428).",
            "Der Unterschied liegt nur an der Rundung: Jeder Anteil jedes Zweiges wird für sich auf den Cent "
            "gerundet, ein halber Cent nach oben (CSS Art. 428).",
            "The difference is one of rounding only: each share of each branch is rounded to the cent by "
            "itself, half a cent upwards (CSS art. 428).",
        ),
        _said(
            "Arrondissez de la même façon ; un cent d’écart peut rester sans suite.",
            "Runden Sie ebenso; ein Cent Unterschied kann auf sich beruhen.",
            "Round in the same way; a cent apart may be left as it is.",
        ),
    ),
    Reason.UNKNOWN: Words(
        _said("Motif inconnu", "Grund unbekannt", "Reason unknown"),
        _said(
            "Aucune des variantes essayées ne donne votre montant.",
            "Keine der geprüften Varianten ergibt Ihren Betrag.",
            "None of the variations tried gives your amount.",
        ),
        _said(
            "Comparez votre calcul avec la formule donnée dans CALCUL. Si les assiettes manquent dans votre "
            "envoi, ajoutez-les : elles aident à trouver le motif.",
            "Vergleichen Sie Ihre Berechnung mit der Formel in CALCUL. Fehlen in Ihrer Sendung die "
            "Bemessungsgrundlagen, so fügen Sie sie hinzu: Sie helfen, den Grund zu finden.",
            "Compare your computation with the formula given in CALCUL. If you left out the bases, add them: "
            "they help to find the reason.",
        ),
    ),
}
"""The words of every reason."""
