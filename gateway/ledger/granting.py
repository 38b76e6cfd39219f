"""What may be granted, contested or asked for on an account, judged by how it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.ledger.arrangements import Dispute, Instalment, Plan, RefundRequest
from gateway.ledger.position import Position
from gateway.moments import Received
from gateway.money import euro


class NotGranted(ValueError):
    """Why a plan, a dispute or a request does not fit the account."""


def grant_plan(
    standing: Position,
    items: Collection[int],
    instalments: Iterable[Instalment],
    *,
    granted_by: str,
    entered: Received,
) -> Plan:
    """A plan over open items, or all of them, with the interest booked on them; from the day of the position.

    Args:
        items: numbers of entries; all open items that no plan covers when empty.

    Raises:
        NotGranted: when an item is not open or under a plan already, or when the instalments are not
            together what is open.
    """
    free = {one.number: one.open for one in standing.items if one.plan is None}
    covered = frozenset(items or free)
    if covered - free.keys():
        raise NotGranted(f"not open, or under a plan already: {sorted(covered - free.keys())}")
    owed = sum(free[item] for item in covered)
    owed += sum(one.open for one in standing.interest if one.item in covered)
    given = tuple(sorted(instalments))
    if sum(one.amount for one in given) != owed:
        asked = sum(one.amount for one in given)
        raise NotGranted(f"the instalments are {euro(asked)} together, but {euro(owed)} is open")
    try:
        return Plan(None, standing.employer, standing.day, granted_by, covered, given, entered)
    except ValueError as error:
        raise NotGranted(str(error)) from error


def contest(standing: Position, item: int, amount: int | None, *, reason: str, entered: Received) -> Dispute:
    """A dispute over an open item, or over a part of it, from the day of the position.

    Args:
        amount: cents; all that is open and not disputed yet when None.

    Raises:
        NotGranted: when the item is not open, or not so much of it is open and undisputed.
    """
    found = next((one for one in standing.items if one.number == item), None)
    if found is None:
        raise NotGranted(f"entry {item} is no open item of {standing.employer}")
    free = found.open - found.disputed
    contested = free if amount is None else amount
    if not 0 < contested <= free:
        raise NotGranted(f"{euro(free)} of it is open and not disputed")
    return Dispute(None, standing.employer, item, contested, standing.day, reason, entered)


def ask_refund(
    standing: Position, amount: int | None, asked: Iterable[RefundRequest], *, entered: Received
) -> RefundRequest:
    """A request for the credit balance, or for a part of it.

    Args:
        amount: cents; the whole credit that nobody asked for yet when None.
        asked: requests that are not paid yet, of any employer.

    Raises:
        NotGranted: when there is no credit, or not so much.
    """
    waiting = sum(one.amount for one in asked if one.employer == standing.employer)
    free = standing.credit - waiting
    wanted = free if amount is None else amount
    if not 0 < wanted <= free:
        raise NotGranted(f"{euro(max(free, 0))} can be paid out")
    return RefundRequest(None, standing.employer, wanted, standing.day, entered)
