"""Whose deposits are treated next: each sender's in the order of receipt, fairly between senders.

The rule is that of the virtual clock (Zhang, *VirtualClock: a new traffic control algorithm*, SIGCOMM 1990):
every deposit has a turn, which is its receipt, or the turn of the one its sender deposited before if that is
later, and then what it may cost. Whoever has the earliest turn comes next. So who deposits much waits for
itself and nobody else for it, and nobody waits for ever, for a turn is a moment and does not move. It is
told from the queue alone: gateways that share a queue agree without a word.

The largest have a lane of their own, so that small ones go on beside one that takes a while. On the day of a
cut-off what it is for counts a quarter, and so comes earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from gateway import names
from gateway.deadlines.count import published
from gateway.deadlines.table import Kind

DEPOSIT = timedelta(milliseconds=50)
MEGABYTE = timedelta(seconds=1)
"""What a deposit may cost, and each million of its bytes: more than it does, so that a queue stays fair."""
URGENT = 4
"""What is due today costs this part of it."""
LARGE = 1_000_000
"""Bytes from which a deposit is treated in the lane of the large ones."""
GROUP_DEPOSITS = 64
GROUP_BYTES = 8_000_000
"""The most of a group."""
BUNDLE_DEPOSITS = 8
BUNDLE_BYTES = 100_000
"""The most of what is concluded in one transaction, for which everybody else who writes waits."""


class Lane(StrEnum):
    """Where a deposit is treated; a gateway treats one group of each at a time."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Queued:
    """A deposit that could be treated now.

    Attributes:
        number: its place in the order of receipt.
        sender: the member.
        name: of its file, which tells the procedure.
        size: in bytes.
        received: when.
    """

    number: int
    sender: str
    name: str
    size: int
    received: datetime

    @property
    def lane(self) -> Lane:
        """Where it is treated."""
        return Lane.LARGE if self.size >= LARGE else Lane.SMALL


def group(queue: Iterable[Queued], lane: Lane, day: date) -> list[int]:
    """The numbers of the deposits that are treated next in a lane, in that order; none when it is empty.

    A large one alone; of the small ones as many as a group takes. No deposit comes before an earlier one of
    its sender, in whichever lane that is.

    Args:
        queue: in the order of receipt.
        day: in Luxembourg, whose cut-offs count.
    """
    found: list[int] = []
    total = 0
    for one in _turns(queue, lane, day):
        total += one.size
        if found and (lane is Lane.LARGE or total > GROUP_BYTES or len(found) == GROUP_DEPOSITS):
            break
        found.append(one.number)
    return found


def bundles(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """The deposits of a group, in their order, as they are concluded: several small ones in one transaction.

    Args:
        sizes: number and bytes of each.
    """
    bundle: list[int] = []
    total = 0
    for number, size in sizes:
        if bundle and (total + size > BUNDLE_BYTES or len(bundle) == BUNDLE_DEPOSITS):
            yield bundle
            bundle, total = [], 0
        bundle.append(number)
        total += size
    if bundle:
        yield bundle


def _turns(queue: Iterable[Queued], lane: Lane, day: date) -> Iterator[Queued]:
    """The deposits of a lane by their turns; of each sender up to the first one of the other lane."""
    clocks: dict[str, datetime] = {}
    closed: set[str] = set()
    turns: list[tuple[datetime, int, Queued]] = []
    for one in queue:
        start = max(one.received, clocks.get(one.sender, one.received))
        clocks[one.sender] = start + _cost(one, day)
        if one.lane is not lane:
            closed.add(one.sender)
        elif one.sender not in closed:
            turns.append((clocks[one.sender], one.number, one))
    return (one for _, _, one in sorted(turns, key=lambda turn: turn[:2]))


def _cost(one: Queued, day: date) -> timedelta:
    cost = DEPOSIT + MEGABYTE * (one.size / 1_000_000)
    return cost / URGENT if is_urgent(one.name, day) else cost


def is_urgent(name: str, day: date) -> bool:
    """Whether a file of this name is for a cut-off of that day, as the calendar of the year publishes it."""
    cut_offs = _cut_offs(day.year).get(day)
    if not cut_offs:
        return False
    try:
        procedure = names.parse(name).type
    except ValueError:
        return False
    return any(procedure in _COUNTS[kind] for kind in cut_offs)


@lru_cache(maxsize=4)
def _cut_offs(year: int) -> Mapping[date, Sequence[Kind]]:
    found: dict[date, list[Kind]] = {}
    for one in published(year):
        if one.kind in _COUNTS:
            found.setdefault(one.last, []).append(one.kind)
    return found


_WAGES = frozenset({"DECSAL", "PAYROLL"})
_COUNTS: Mapping[Kind, frozenset[str]] = {
    Kind.WAGE: _WAGES,
    Kind.REMINDER: _WAGES,
    Kind.STATEMENT: _WAGES,
    Kind.WAGE_NOTICES: _WAGES,
    Kind.BILLING: _WAGES | {"DECAFF", "DECMAL"},
    Kind.INCAPACITY: frozenset({"DECMAL", "PAYROLL"}),
    Kind.DECLARATION_NOTICES: frozenset({"DECAFF", "PAYROLL"}),
}
"""The procedures whose deposits count for a cut-off when they come in time."""
