"""What a proposal says to an employer, in French, German and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.deadlines import Kind
from gateway.lateness import Proposal, State
from gateway.moments import Period
from gateway.money import euro


@dataclass(frozen=True, slots=True)
class _Words:
    """The sentences of one language; names in braces are filled in.

    Attributes:
        day, month: how these are written.
        subjects: what was to be declared.
        late, missing: that it came late, or has not come.
        fine, order_fine: a fine whose amount is known, or is not.
        discharge: that the fine falls.
        curable: that it falls when cured in time.
        opposition: that there is no right to cure, and until when to object.
        basis: where it is written.
    """

    day: Callable[[date], str]
    month: Callable[[Period], str]
    subjects: Mapping[Kind, str]
    late: str
    missing: str
    fine: str
    order_fine: str
    discharge: str
    curable: str
    opposition: str
    basis: str


_FRENCH = _Words(
    day=lambda day: f"{day:%d/%m/%Y}",
    month=lambda month: f"{month.month:02d}/{month.year}",
    subjects={
        Kind.ENTRY: "La déclaration d'entrée au {event}",
        Kind.EXIT: "La déclaration de sortie au {event}",
        Kind.CHANGE: "La déclaration du changement intervenu le {event}",
        Kind.WAGE: "La déclaration des salaires du mois {event}",
    },
    late="{subject} pour l'assuré {insured} devait être reçue le {due} au plus tard ; elle a été reçue le "
    "{received} (jours de retard : {days}).",
    missing="{subject} pour l'assuré {insured} devait être reçue le {due} au plus tard ; elle n'a pas encore "
    "été reçue (jours de retard : {days}).",
    fine="Amende proposée : {amount} EUR.",
    order_fine="Une amende d'ordre est proposée, dont le montant reste à fixer.",
    discharge="Comme il s'agit du premier constat en douze mois et que la déclaration a été faite dans le "
    "délai d'opposition, qui court jusqu'au {last_day}, la décharge est proposée ; une opposition n'est pas "
    "nécessaire.",
    curable="Comme il s'agit du premier constat en douze mois, vous avez droit à la décharge si la "
    "déclaration est faite le {last_day} au plus tard.",
    opposition="Une régularisation n'ouvre pas droit à la décharge ; une opposition est possible jusqu'au "
    "{last_day}.",
    basis="Base légale : {basis}.",
)
_GERMAN = _Words(
    day=lambda day: f"{day:%d.%m.%Y}",
    month=lambda month: f"{month.month:02d}/{month.year}",
    subjects={
        Kind.ENTRY: "Die Eintrittsmeldung zum {event}",
        Kind.EXIT: "Die Austrittsmeldung zum {event}",
        Kind.CHANGE: "Die Meldung der Änderung vom {event}",
        Kind.WAGE: "Die Lohnmeldung für {event}",
    },
    late="{subject} für den Versicherten {insured} musste spätestens am {due} eingehen; sie ist am "
    "{received} eingegangen (Tage Verspätung: {days}).",
    missing="{subject} für den Versicherten {insured} musste spätestens am {due} eingehen; sie ist noch "
    "nicht eingegangen (Tage Verspätung: {days}).",
    fine="Vorgeschlagene Geldbuße: {amount} EUR.",
    order_fine="Es wird eine Ordnungsstrafe vorgeschlagen, deren Höhe noch festzusetzen ist.",
    discharge="Da es die erste Feststellung innerhalb von zwölf Monaten ist und die Meldung innerhalb der "
    "Einspruchsfrist, die bis zum {last_day} läuft, erfolgt ist, wird die Entlastung vorgeschlagen; ein "
    "Einspruch ist nicht nötig.",
    curable="Da es die erste Feststellung innerhalb von zwölf Monaten ist, haben Sie Anspruch auf "
    "Entlastung, wenn die Meldung spätestens am {last_day} erfolgt.",
    opposition="Eine nachträgliche Meldung gibt keinen Anspruch auf Entlastung; Einspruch ist bis zum "
    "{last_day} möglich.",
    basis="Rechtsgrundlage: {basis}.",
)
_ENGLISH = _Words(
    day=lambda day: f"{day.day} {day:%B %Y}",
    month=lambda month: f"{month.first:%B %Y}",
    subjects={
        Kind.ENTRY: "The declaration of the entry on {event}",
        Kind.EXIT: "The declaration of the exit on {event}",
        Kind.CHANGE: "The declaration of the change on {event}",
        Kind.WAGE: "The declaration of wages for {event}",
    },
    late="{subject} for the insured {insured} was due by {due}; it was received on {received} "
    "(days late: {days}).",
    missing="{subject} for the insured {insured} was due by {due}; it has not been received yet "
    "(days late: {days}).",
    fine="Proposed fine: EUR {amount}.",
    order_fine="An order fine is proposed, whose amount remains to be set.",
    discharge="As this is the first finding within twelve months and the declaration was made within the "
    "time to object, which ends on {last_day}, a discharge is proposed; no opposition is needed.",
    curable="As this is the first finding within twelve months, you have the right to a discharge if the "
    "declaration is made by {last_day}.",
    opposition="A later declaration gives no right to a discharge; an opposition is possible until "
    "{last_day}.",
    basis="Legal basis: {basis}.",
)
LANGUAGES: Mapping[str, _Words] = {"fr": _FRENCH, "de": _GERMAN, "en": _ENGLISH}


def text(proposal: Proposal, language: str) -> str:
    """What a proposal says: what is late, what is proposed, the right to cure and its last day, and the law.

    Args:
        language: `fr`, `de` or `en`.
    """
    words = LANGUAGES[language]
    event = proposal.event
    given = {
        "insured": proposal.insured,
        "due": words.day(proposal.due),
        "received": words.day(proposal.received.day) if proposal.received else "",
        "days": str(proposal.days_late),
        "amount": "" if proposal.amount is None else euro(proposal.amount),
        "last_day": words.day(proposal.last_day),
        "basis": proposal.basis,
    }
    written = words.month(event) if isinstance(event, Period) else words.day(event)
    subject = words.subjects[proposal.kind].format(event=written)
    return " ".join(sentence.format(subject=subject, **given) for sentence in _sentences(proposal, words))


def _sentences(proposal: Proposal, words: _Words) -> list[str]:
    known = words.late if proposal.received else words.missing
    if proposal.state is State.DISCHARGE:
        return [known, words.discharge, words.basis]
    fine = words.order_fine if proposal.amount is None else words.fine
    right = words.curable if proposal.right_to_cure else words.opposition
    return [known, fine, right, words.basis]
