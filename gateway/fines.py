"""Fines: imposed by the operator alone, opposed, upheld or lifted.

A proposal (`gateway.lateness`) becomes a fine only when somebody imposes it, and not while the missing
declaration can still be made in time to have it lifted. The last day to pay a fine is the last day to object
(assumed). An opposition is a dispute over all of the fine: recovery of it waits, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.deadlines import Kind, Outage
from gateway.deadlines import due as due_of
from gateway.lateness import Proposal, State
from gateway.ledger import Dispute, Entry, EntryKind
from gateway.ledger import entries as book
from gateway.moments import Period, Received
from gateway.money import euro

LONGEST_REFERENCE = 140
"""Characters of a reference, as many as an account statement shows."""


class NotDone(ValueError):
    """Why a fine is not imposed, opposed, decided or lifted."""


@dataclass(frozen=True, slots=True)
class Fine:
    """A fine, as it stands now.

    Attributes:
        entry: its booking; `due` is the last day to pay and to object.
        lifted: cents of it that were lifted.
        opposition: the latest dispute over it, None without one.
    """

    entry: Entry
    lifted: int
    opposition: Dispute | None

    @property
    def number(self) -> int:
        """By which it is named: the number of its booking."""
        assert self.entry.number is not None
        return self.entry.number

    @property
    def stands(self) -> int:
        """Cents of it that are not lifted."""
        return self.entry.amount - self.lifted

    @property
    def is_opposed(self) -> bool:
        """Whether an opposition to it is not decided yet."""
        return self.opposition is not None and self.opposition.outcome is None

    @property
    def last_day(self) -> date:
        """To pay and to object."""
        return self.entry.due or self.entry.day


def fines(entries: Iterable[Entry], disputes: Sequence[Dispute]) -> list[Fine]:
    """The fines of an employer, in the order in which they were imposed."""
    known = list(entries)
    found = []
    for one in known:
        if one.kind is EntryKind.FINE:
            lifted = -sum(
                each.amount for each in known if each.kind is EntryKind.DISCHARGE and each.about == one.number
            )
            over = [each for each in disputes if each.item == one.number]
            found.append(Fine(one, lifted, over[-1] if over else None))
    return found


def reference_of(proposal: Proposal) -> str:
    """By which a fine from a proposal can be found: what came late, for when and for whom."""
    return f"{proposal.kind} {proposal.event} {proposal.insured}"


def of_proposal(proposal: Proposal, amount: int | None, day: date) -> int:
    """The cents that a fine from a proposal is about.

    Args:
        amount: what the operator sets, in cents; that of the proposal when None.
        day: of imposing it.

    Raises:
        NotDone: when no fine is proposed, it can still be cured, or no amount is known.
    """
    if proposal.state is not State.FINE:
        raise NotDone(f"what is proposed is {proposal.state}, not a fine")
    if day < proposal.notice:
        raise NotDone(f"notice is given on {proposal.notice}, not before")
    cents = proposal.amount if amount is None else amount
    if cents is None:
        raise NotDone("the proposal states no amount")
    return cents


def impose(
    employer: str,
    known: Iterable[Fine],
    *,
    amount: int,
    reference: str,
    period: Period | None,
    outages: Sequence[Outage],
    now: Received,
) -> Entry:
    """The booking of a fine.

    Args:
        known: the fines of that employer so far.
        amount: cents.
        reference: by which it can be found; never a person's name.
        period: month that it is about, if any.

    Raises:
        NotDone: when the amount is not above zero, the reference is not of 1 to 140 characters, or a fine
            of that reference was imposed before.
    """
    if not 0 < len(reference) <= LONGEST_REFERENCE or not reference.isprintable():
        raise NotDone(f"a reference has 1 to {LONGEST_REFERENCE} printable characters")
    if amount <= 0:
        raise NotDone("a fine is above zero")
    before = next((one for one in known if one.entry.reference == reference), None)
    if before is not None:
        raise NotDone(f"fine {before.number} has the reference {reference} already")
    return book.fine(
        employer,
        day=now.day,
        due=due_of(Kind.OPPOSITION, now.day, outages).last,
        amount=amount,
        reference=reference,
        booked=now,
        period=period,
    )


def oppose(fine: Fine, received: date, *, reason: str, now: Received) -> Dispute:
    """The opposition to a fine, from the day on which it came in.

    Args:
        reason: reference of the letter; never a person's name.

    Raises:
        NotDone: when it came too late or before the fine, lies ahead or is one too many, or when nothing of
            the fine stands.
    """
    if fine.opposition is not None:
        raise NotDone(f"fine {fine.number} was opposed on {fine.opposition.opened} already")
    if not fine.stands:
        raise NotDone(f"fine {fine.number} was lifted")
    if received > now.day or received < fine.entry.day:
        raise NotDone(f"an opposition to it comes in from {fine.entry.day} to today")
    if received > fine.last_day:
        raise NotDone(f"the last day to object was {fine.last_day}")
    return Dispute(None, fine.entry.employer or "", fine.number, fine.stands, received, reason, entered=now)


def open_opposition(fine: Fine) -> int:
    """The number of the dispute by which a fine is opposed.

    Raises:
        NotDone: when no opposition to it is open.
    """
    if not fine.is_opposed or fine.opposition is None or fine.opposition.number is None:
        raise NotDone(f"no opposition to fine {fine.number} is open")
    return fine.opposition.number


def lift(fine: Fine, amount: int | None, *, reference: str, now: Received) -> Entry:
    """The booking by which a fine, or a part of it, is lifted.

    Args:
        amount: cents; all that stands when None.

    Raises:
        NotDone: when not so much of it stands.
    """
    cents = fine.stands if amount is None else amount
    if not 0 < cents <= fine.stands:
        raise NotDone(f"EUR {euro(fine.stands)} of fine {fine.number} stand")
    return book.discharge(fine.entry, day=now.day, reference=reference, booked=now, amount=cents)
