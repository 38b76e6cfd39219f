"""What makes the contributions of a month differ from those of another one, insured by insured.

Every insured is in exactly one group, so that the groups together are the whole difference, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.billing.charges import Charge


class Why(StrEnum):
    """Why the contributions for an insured are not those of the month before."""

    JOINED = "joined"
    """Nothing was charged the month before."""
    LEFT = "left"
    """Nothing is charged any more."""
    PAY = "pay"
    """Another pay or other hours."""
    OTHERWISE = "otherwise"
    """The same pay: another rate, class or factor, or the ceiling of the year."""


@dataclass(frozen=True, slots=True)
class Difference:
    """All insured of one reason.

    Attributes:
        insured: how many.
        amount: by how much more is charged for them, both shares, in cents.
    """

    why: Why
    insured: int
    amount: int


@dataclass(frozen=True, slots=True)
class MonthToMonth:
    """From the contributions of one month to those of another one. Amounts in cents.

    Attributes:
        before, now: contributions, both shares.
        differences: one of each `Why`, in its order; those without anybody too.
    """

    before: int
    now: int
    differences: tuple[Difference, ...]


def compare(before: Iterable[Charge], now: Iterable[Charge]) -> MonthToMonth:
    """What lies between the contributions of two months.

    Args:
        before, now: the charges of each month, without reversals.
    """
    then, after = _by_insured(before), _by_insured(now)
    counts, amounts = dict.fromkeys(Why, 0), dict.fromkeys(Why, 0)
    for insured in then.keys() | after.keys():
        old, new = then.get(insured, ()), after.get(insured, ())
        more = _total(new) - _total(old)
        why = _why(old, new)
        if more or why in (Why.JOINED, Why.LEFT):
            counts[why] += 1
            amounts[why] += more
    return MonthToMonth(
        before=sum(map(_total, then.values())),
        now=sum(map(_total, after.values())),
        differences=tuple(Difference(why, counts[why], amounts[why]) for why in Why),
    )


def _by_insured(charges: Iterable[Charge]) -> dict[str, tuple[Charge, ...]]:
    found: dict[str, tuple[Charge, ...]] = {}
    for one in charges:
        found[one.key.insured] = (*found.get(one.key.insured, ()), one)
    return found


def _why(old: tuple[Charge, ...], new: tuple[Charge, ...]) -> Why:
    if not old:
        return Why.JOINED
    if not new:
        return Why.LEFT
    return Why.OTHERWISE if _pays(old) == _pays(new) else Why.PAY


def _pays(charges: tuple[Charge, ...]) -> list[tuple[object, ...]]:
    return sorted((one.key.group.value, repr(one.basis.pay)) for one in charges)


def _total(charges: tuple[Charge, ...]) -> int:
    return sum(one.total for one in charges)
