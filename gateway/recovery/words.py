"""What an employer is told of recovery and of fines, in French, German and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.money import euro

LANGUAGES = ("fr", "de", "en")


class Kind(StrEnum):
    """What an employer is told."""

    REMINDER = "reminder"
    SUMMONS = "summons"
    CONSTRAINT = "constraint"
    FINE = "fine"
    """A fine was imposed."""
    DISCHARGE = "discharge"
    """A fine was lifted, or a part of one."""
    CONFIRMATION = "confirmation"
    """An opposition to a fine was rejected."""


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences on one thing, by language; names in braces are filled in.

    Attributes:
        texts: what is told.
        remedies: what to do about it.
        replies: how to be heard.
    """

    texts: Mapping[str, str]
    remedies: Mapping[str, str]
    replies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """The same in one language, filled in."""

    text: str
    remedy: str
    reply: str


_DAYS: Mapping[str, Callable[[date], str]] = {
    "fr": lambda day: f"{day:%d/%m/%Y}",
    "de": lambda day: f"{day:%d.%m.%Y}",
    "en": lambda day: f"{day.day} {day:%B %Y}",
}


def told(kind: Kind, *, amount: int, interest: int, last_day: date | None, language: str) -> Told:
    """What is told of something.

    Args:
        amount, interest: cents.
        last_day: to pay and, of a fine, to object; None where the words name none.
        language: one of `LANGUAGES`.
    """
    words = WORDS[kind]
    given = {
        "total": euro(amount + interest),
        "interest": euro(interest),
        "last_day": _DAYS[language](last_day) if last_day else "",
    }
    text, remedy, reply = (
        said[language].format(**given) for said in (words.texts, words.remedies, words.replies)
    )
    return Told(text, remedy, reply)


def _said(fr: str, de: str, en: str) -> Mapping[str, str]:
    return {"fr": fr, "de": de, "en": en}


_CONTEST = _said(
    "Vous pouvez contester par écrit tout ou partie de ces montants. Le montant contesté n’est pas recouvré "
    "avant la décision ; le reste demeure à payer.",
    "Sie können diese Beträge schriftlich ganz oder teilweise bestreiten. Der bestrittene Betrag wird bis "
    "zur Entscheidung nicht beigetrieben; der Rest bleibt zu zahlen.",
    "You may contest all or part of these amounts in writing. What is contested is not recovered before the "
    "decision; the rest remains to be paid.",
)
_NOTHING_TO_REPLY = _said(
    "Une réponse n’est pas nécessaire.",
    "Eine Antwort ist nicht nötig.",
    "No reply is needed.",
)

WORDS: Mapping[Kind, Words] = {
    Kind.REMINDER: Words(
        _said(
            "Rappel : le délai de paiement des montants ci-dessus est expiré. Il reste à payer {total} EUR, "
            "dont {interest} EUR d’intérêts de retard. Ce rappel est gratuit.",
            "Mahnung: Die Zahlungsfrist der obigen Beträge ist abgelaufen. Zu zahlen bleiben {total} EUR, "
            "davon {interest} EUR Verzugszinsen. Diese Mahnung ist kostenlos.",
            "Reminder: the time to pay the amounts above is over. EUR {total} remain to be paid, of which "
            "EUR {interest} are late interest. This reminder is free of charge.",
        ),
        _said(
            "Payez ce total au plus tard le {last_day} en indiquant votre matricule, ou demandez un plan de "
            "paiement. Si vous avez payé entre-temps, considérez ce rappel comme sans objet.",
            "Zahlen Sie diese Summe spätestens am {last_day} unter Angabe Ihrer Matrikelnummer, oder "
            "beantragen Sie einen Zahlungsplan. Haben Sie inzwischen gezahlt, ist diese Mahnung "
            "gegenstandslos.",
            "Pay this total by {last_day}, quoting your matricule, or ask for a payment plan. If you have "
            "paid in the meantime, please disregard this reminder.",
        ),
        _CONTEST,
    ),
    Kind.SUMMONS: Words(
        _said(
            "Mise en demeure : vous êtes sommé de payer {total} EUR, dont {interest} EUR d’intérêts de "
            "retard, au plus tard le {last_day}. À défaut, le recouvrement forcé par voie de contrainte "
            "peut être ordonné.",
            "Zahlungsaufforderung (mise en demeure): Sie werden aufgefordert, {total} EUR, davon {interest} "
            "EUR Verzugszinsen, spätestens am {last_day} zu zahlen. Andernfalls kann die Zwangsbeitreibung "
            "durch Zwangsbefehl (contrainte) angeordnet werden.",
            "Summons (mise en demeure): you are called upon to pay EUR {total}, of which EUR {interest} are "
            "late interest, by {last_day}. Failing this, forced recovery by a constraint (contrainte) may "
            "be ordered.",
        ),
        _said(
            "Payez ce total en indiquant votre matricule, ou demandez un plan de paiement avant cette date "
            ": tant qu’un plan accordé est respecté, rien n’est recouvré.",
            "Zahlen Sie diese Summe unter Angabe Ihrer Matrikelnummer, oder beantragen Sie vor diesem Tag "
            "einen Zahlungsplan: Solange ein gewährter Plan eingehalten wird, wird nichts beigetrieben.",
            "Pay this total, quoting your matricule, or ask for a payment plan before that day: while a "
            "plan that was granted is kept, nothing is recovered.",
        ),
        _CONTEST,
    ),
    Kind.CONSTRAINT: Words(
        _said(
            "Contrainte : le délai de la mise en demeure est expiré. Un huissier de justice est chargé de "
            "recouvrer {total} EUR, dont {interest} EUR d’intérêts de retard.",
            "Zwangsbefehl (contrainte): Die Frist der Zahlungsaufforderung ist abgelaufen. Ein "
            "Gerichtsvollzieher ist beauftragt, {total} EUR, davon {interest} EUR Verzugszinsen, "
            "beizutreiben.",
            "Constraint (contrainte): the term of the summons has ended. A bailiff is charged with "
            "recovering EUR {total}, of which EUR {interest} are late interest.",
        ),
        _said(
            "Payez ce total sans tarder en indiquant votre matricule : ce qui est payé n’est plus recouvré.",
            "Zahlen Sie diese Summe unverzüglich unter Angabe Ihrer Matrikelnummer: Was gezahlt ist, wird "
            "nicht mehr beigetrieben.",
            "Pay this total without delay, quoting your matricule: what is paid is not recovered any more.",
        ),
        _CONTEST,
    ),
    Kind.FINE: Words(
        _said(
            "Une amende d’ordre de {total} EUR vous est infligée.",
            "Gegen Sie wird eine Ordnungsstrafe von {total} EUR verhängt.",
            "An order fine of EUR {total} is imposed on you.",
        ),
        _said(
            "Payez l’amende au plus tard le {last_day} en indiquant votre matricule.",
            "Zahlen Sie die Strafe spätestens am {last_day} unter Angabe Ihrer Matrikelnummer.",
            "Pay the fine by {last_day}, quoting your matricule.",
        ),
        _said(
            "Vous pouvez former opposition par écrit au plus tard le {last_day}. L’amende n’est pas "
            "recouvrée avant la décision sur l’opposition.",
            "Sie können spätestens am {last_day} schriftlich Einspruch einlegen. Bis zur Entscheidung über "
            "den Einspruch wird die Strafe nicht beigetrieben.",
            "You may object in writing by {last_day}. The fine is not recovered before the decision on the "
            "opposition.",
        ),
    ),
    Kind.DISCHARGE: Words(
        _said(
            "Décharge : {total} EUR de l’amende ci-dessus sont annulés.",
            "Entlastung: Von der obigen Ordnungsstrafe werden {total} EUR aufgehoben.",
            "Discharge: EUR {total} of the fine above are lifted.",
        ),
        _said(
            "Vous n’avez rien à faire. Ce que vous avez déjà payé est porté à votre crédit.",
            "Sie müssen nichts tun. Was Sie schon gezahlt haben, wird Ihnen gutgeschrieben.",
            "There is nothing for you to do. What you have paid already is credited to you.",
        ),
        _NOTHING_TO_REPLY,
    ),
    Kind.CONFIRMATION: Words(
        _said(
            "Votre opposition est rejetée : l’amende ci-dessus est maintenue pour {total} EUR.",
            "Ihr Einspruch ist zurückgewiesen: Die obige Ordnungsstrafe bleibt in Höhe von {total} EUR "
            "bestehen.",
            "Your opposition is rejected: the fine above stands, for EUR {total}.",
        ),
        _said(
            "Payez sans tarder ce qui n’est pas encore payé, en indiquant votre matricule.",
            "Zahlen Sie unverzüglich, was noch nicht gezahlt ist, unter Angabe Ihrer Matrikelnummer.",
            "Pay without delay what is not paid yet, quoting your matricule.",
        ),
        _said(
            "Les voies de recours contre la décision sont indiquées dans la décision elle-même.",
            "Die Rechtsmittel gegen die Entscheidung stehen in der Entscheidung selbst.",
            "The remedies against the decision are stated in the decision itself.",
        ),
    ),
}
