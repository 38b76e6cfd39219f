"""What a handler answers: how each record fared, and which returns go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.batch import Anomaly, Record
from gateway.billing.differences import Comparison
from gateway.moments import Period
from gateway.registers import Affiliation, Mandate

if TYPE_CHECKING:  # what judges certificates takes long to load, and senders' commands judge none
    from signing.certificates import Evidence


class Verdict(StrEnum):
    """The verdict on a whole file, as it stands in the acknowledgement."""

    ACCEPTED = "accepted"
    """Every record took effect or is on hold."""
    PARTIAL = "partial"
    """Some records took effect or are on hold, others were rejected."""
    REJECTED = "rejected"
    """No record took effect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was refused, with all its anomalies (at least one)."""

    record: Record
    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The number found or made for one record that asks for one (DEMMAT, DEMUTI)."""

    record: Record
    matricule: str
    existing: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a mandate stands after the record that entered or changed it (DEMMAN)."""

    record: Record
    mandate: Mandate


@dataclass(frozen=True, slots=True)
class Income:
    """What was declared for one insured and month with one employer, or for a part-period of it.

    Amounts in cents, hours in whole hours. `first` and `last` are the days of the part-period, inclusive;
    None for the whole month.
    """

    period: Period
    base_wage: int
    supplements: int
    overtime_pay: int
    gratuities: int
    unemployment_pay: int
    hours: int
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is certified to the record that asked for it (DEMCER).

    Attributes:
        record: the request.
        affiliations: those that touch the months asked for, by entry.
        incomes: the months with declared wages, or their part-periods, in order; none when affiliation alone
            was asked for.
    """

    record: Record
    affiliations: Sequence[Affiliation]
    incomes: Sequence[Income]


Answers = Sequence[Assignment] | Sequence[Settlement] | Sequence[Certificate] | Sequence[Comparison]
"""What is given to records that were not refused: by the procedure, one of these."""


@dataclass(frozen=True, slots=True)
class Return:
    """A business return to post with the acknowledgement: its code and its content.

    `content` is what the `write` of `gateway/returns/<code>.py` takes.
    """

    code: str
    content: Sequence[Refusal] | Answers


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch fared, record by record.

    Attributes:
        accepted: number of records that took effect.
        held: number of records kept until they can be judged.
        refusals: the records refused, in order.
        returns: business returns beside the acknowledgement.
        hints: what should be looked at in records that took effect or wait, under codes of level `hint`.
    """

    accepted: int
    held: int = 0
    refusals: Sequence[Refusal] = ()
    returns: Sequence[Return] = ()
    hints: Sequence[Anomaly] = ()

    @property
    def rejected(self) -> int:
        return len(self.refusals)

    @property
    def verdict(self) -> Verdict:
        if not self.refusals:
            return Verdict.ACCEPTED
        return Verdict.PARTIAL if self.accepted or self.held else Verdict.REJECTED


def together(parts: Sequence[Outcome]) -> Outcome:
    """The outcome of a file whose parts were treated one after the other."""
    return Outcome(
        accepted=sum(part.accepted for part in parts),
        held=sum(part.held for part in parts),
        refusals=[refusal for part in parts for refusal in part.refusals],
        returns=[answer for part in parts for answer in part.returns],
        hints=[hint for part in parts for hint in part.hints],
    )


class Rejected(Exception):
    """The sender's fault with a whole file: it becomes a signed answer, with all its anomalies.

    Anything else that is raised while a batch is processed is ours: rolled back and retried.

    Attributes:
        anomalies: what is wrong.
        judged: on what its signer's certificate was judged, as far as the checks came.
    """

    def __init__(self, *anomalies: Anomaly, judged: Evidence | None = None) -> None:
        super().__init__(", ".join(anomaly.code for anomaly in anomalies))
        self.anomalies = anomalies
        self.judged = judged


class NotYet(Exception):
    """A check that cannot be made yet, such as a revocation list that is away.

    Neither yes nor no: the deposit waits and is tried again; the sender is not blamed.
    """
