"""Whose deposits are treated next: `gateway.turns`, and the same in a whole gateway."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import turns
from gateway.deadlines.count import published
from gateway.deadlines.table import Kind
from gateway.turns import GROUP_BYTES, GROUP_DEPOSITS, LARGE, Lane, Queued
from tests.house import MEMBER

NOON = datetime(2026, 8, 3, 10, tzinfo=UTC)
DAY = date(2026, 8, 3)


def queued(number: int, sender: str, size: int = 2_000, *, after: float = 0.0, name: str = "x") -> Queued:
    return Queued(number, sender, name, size, NOON + timedelta(seconds=after))


deposits = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from([1_000, 900_000, 3_000_000, LARGE]), st.floats(0, 9)),
    max_size=90,
).map(
    lambda found: [
        queued(number, sender, size, after=after)
        for number, (sender, size, after) in enumerate(sorted(found, key=lambda one: one[2]), 1)
    ]
)


@given(deposits)
def test_nobody_overtakes_an_earlier_deposit_of_the_same_sender(queue: list[Queued]) -> None:
    by_number = {one.number: one for one in queue}
    for lane in Lane:
        taken = [by_number[number] for number in turns.group(queue, lane, DAY)]
        assert all(one.lane is lane for one in taken)
        for sender, its in groupby(sorted(taken, key=lambda one: one.sender), key=lambda one: one.sender):
            numbers = [one.number for one in its]
            assert numbers == [one.number for one in queue if one.sender == sender][: len(numbers)]


@given(deposits)
def test_the_two_lanes_never_have_the_same_sender(queue: list[Queued]) -> None:
    by_number = {one.number: one.sender for one in queue}
    small, large = ({by_number[number] for number in turns.group(queue, lane, DAY)} for lane in Lane)
    assert not small & large


@given(deposits)
def test_a_group_is_bounded_and_empty_only_when_its_lane_is(queue: list[Queued]) -> None:
    first = {one.sender: one for one in reversed(queue)}
    sizes = {one.number: one.size for one in queue}
    for lane in Lane:
        taken = turns.group(queue, lane, DAY)
        assert bool(taken) == any(one.lane is lane for one in first.values())
        assert len(taken) <= (1 if lane is Lane.LARGE else GROUP_DEPOSITS)
        assert len(taken) <= 1 or sum(sizes[number] for number in taken) <= GROUP_BYTES


@given(deposits)
def test_everything_is_treated_in_the_end(queue: list[Queued]) -> None:
    left = list(queue)
    while left:
        taken = {number for lane in Lane for number in turns.group(left, lane, DAY)}
        assert taken
        left = [one for one in left if one.number not in taken]


def test_who_deposits_much_waits_for_itself() -> None:
    """A thousand of one sender came first; one of each of ten others is treated before nearly all of them."""
    queue = [queued(number, "MANY") for number in range(1, 1001)]
    queue += [queued(1000 + number, f"FEW{number}", after=1.0) for number in range(10)]
    first = turns.group(queue, Lane.SMALL, DAY)
    assert {1000 + number for number in range(10)} <= set(first)


def test_who_waits_is_not_overtaken_for_ever() -> None:
    """However many come later, a turn that has come is the next."""
    old = queued(1, "SLOW", 900_000)
    later = [queued(number, f"S{number}", after=2.0 + number / 100) for number in range(2, 500)]
    assert turns.group([old, *later], Lane.SMALL, DAY)[0] == 1


def test_the_order_of_turns_is_that_of_receipt_when_all_are_alike() -> None:
    queue = [queued(number, f"S{number}", after=number) for number in range(1, 30)]
    assert turns.group(queue, Lane.SMALL, DAY) == list(range(1, 30))


@pytest.mark.parametrize("code", ["DECSAL", "DECMAL"])
def test_what_a_cut_off_is_for_comes_first_on_its_day(code: str) -> None:
    kind = {"DECSAL": Kind.WAGE, "DECMAL": Kind.INCAPACITY}[code]
    day = next(one.last for one in published(2026) if one.kind is kind)
    due = f"SECU.{code}.20260803-10000000.{MEMBER}.CCSS.XML"
    other = f"SECU.DECREC.20260803-10000000.{MEMBER}.CCSS.XML"
    queue = [queued(1, "A", 600_000, name=other), queued(2, "B", 700_000, name=due)]
    assert turns.group(queue, Lane.SMALL, day) == [2, 1]
    assert turns.group(queue, Lane.SMALL, day - timedelta(days=1)) == [1, 2]
    assert not turns.is_urgent("no name at all", day)
