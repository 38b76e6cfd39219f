"""Whatever happens to an account, recovery keeps its promises to the employer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger import Dispute, Instalment, Plan, Position
from gateway.recovery import (
    Event,
    Happened,
    LaterDay,
    Rules,
    State,
    Step,
    cases,
    rules_on,
    standings,
    steps,
)
from tests.ledger import histories
from tests.ledger.histories import EMPLOYER, History, moment

RULES = replace(rules_on(histories.FIRST), statements=2)
rules = st.builds(
    Rules,
    reminders=st.sampled_from((True, True, True, False)),
    reminder_after_days=st.integers(0, 20),
    reminder_term_days=st.integers(1, 20),
    statements=st.integers(1, 3),
    summons_term_months=st.integers(1, 2),
)
happenings = st.tuples(
    st.sampled_from((*["charge"] * 16, "dispute", "decision", "plan", "late news", *histories.KINDS)),
    st.integers(3, 35),
    histories.amounts,
    histories.owed,
    histories.differences,
)
months = st.lists(st.tuples(happenings, st.booleans()), min_size=6, max_size=24)
"""What happens to an account, and whether the operator orders what is proposed then."""


@dataclass
class Told:
    """A step, and how the account stood when it was due."""

    step: Step
    standing: Position


@dataclass
class Story:
    """An account that is looked at after each thing that happens to it."""

    rules: Rules = RULES
    history: History = field(default_factory=History)
    done: list[Happened] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def look(self, *, constrain: bool) -> None:
        standing = self.history.position()
        assert not (standing.credit and standing.items)  # who owes nothing need not be looked at
        due = steps(self.done, standing, self.rules)
        assert steps(self.done, standing, self.rules) == due
        for one in due:
            if not one.is_proposal or constrain:
                self.told.append(Told(one, standing))
                self.done.append(one.happened("board" if one.is_proposal else ""))
        again = steps(self.done, standing, self.rules)
        assert again == [one for one in due if one.is_proposal and not constrain] or constrain
        if not standing.overdue:
            assert all(one.state is State.CLOSED for one in cases(self.done))


def told(happening: Sequence[tuple[Any, bool]], given_rules: Rules) -> Story:
    story = Story(given_rules)
    for (kind, pause, amount, shares, changes), constrain in happening:
        story.history.happen(kind, pause, amount, shares, changes)
        story.look(constrain=constrain)
    return story


def check_order(done: Sequence[Happened]) -> None:
    """No constraint without a summons whose term has passed, and never for more than was summoned."""
    for place, one in enumerate(done):
        if one.event is Event.CONSTRAINT:
            before = [each for each in done[:place] if (each.case, each.event) == (one.case, Event.SUMMONS)]
            assert before
            assert before[-1].last_day is not None
            assert before[-1].last_day < one.day
            assert all(cents <= before[-1].amounts[item] for item, cents in one.amounts.items())
            assert one.by


def check_claims(story: Story) -> None:
    """Only what is overdue, undisputed and under no plan that is kept is asked for."""
    for one in story.told:
        items = {item.number: item for item in one.standing.items}
        for claim in one.step.claims:
            item = items[claim.item]
            assert item.due < one.standing.day
            assert item.plan is None
            assert 0 < claim.amount <= item.open - item.disputed
            assert 0 <= claim.interest <= one.standing.interest_owed
        if one.step.event is Event.SUMMONS:
            named = {claim.statement for claim in one.step.claims} - {None}
            assert len(named) >= story.rules.statements


@given(months, rules)
@settings(max_examples=120, deadline=None)
def test_recovery_keeps_its_order_and_asks_for_nothing_else(happening: Any, given_rules: Rules) -> None:
    story = told(happening, given_rules)
    check_order(story.done)
    check_claims(story)
    assert given_rules.reminders or all(one.event is not Event.REMINDER for one in story.done)
    standing = story.history.position()
    for case in standings(story.done, standing):
        assert 0 <= case.free <= case.unpaid
    unpaid = sum(case.unpaid for case in standings(story.done, standing))
    assert unpaid <= sum(one.open for one in standing.overdue)


@given(months, rules, histories.amounts)
@settings(max_examples=60, deadline=None)
def test_paid_in_full_everything_is_closed(happening: Any, given_rules: Rules, extra: int) -> None:
    story = told(happening, given_rules)
    balance = story.history.position().balance
    story.history.day += timedelta(1)
    story.history.pay(max(balance, 0) + extra)
    story.look(constrain=False)
    due_later = [one for one in story.history.position().items if one.due >= story.history.day]
    assert due_later or story.history.position().items == ()
    assert all(one.state is State.CLOSED for one in cases(story.done))


@given(st.integers(1, 5), st.integers(0, 300))
@settings(max_examples=40, deadline=None)
def test_nothing_happens_while_a_plan_over_all_of_it_is_kept(statements: int, pause: int) -> None:
    story = unpaid(statements)
    day = story.history.day
    total = sum(one.open for one in story.history.position().items)
    items = frozenset(one.number for one in story.history.position().items)
    later = (Instalment(day + timedelta(301), total),)
    story.history.plans.append(Plan(1, EMPLOYER, day, "board", items, later, moment(day)))
    before = len(story.done)
    for wait in (0, pause):
        story.history.day = day + timedelta(wait)
        story.look(constrain=True)
    assert {one.event for one in story.done[before:]} <= {Event.SUSPENSION}
    story.history.day = day + timedelta(302)
    story.look(constrain=False)
    assert {one.event for one in story.done[before:]} & {Event.RESUMPTION, Event.REMINDER}


@given(st.integers(1, 5), st.integers(0, 300))
@settings(max_examples=40, deadline=None)
def test_what_is_disputed_whole_is_never_asked_for(statements: int, pause: int) -> None:
    story = unpaid(statements)
    day = story.history.day
    for number, one in enumerate(story.history.position().items, 1):
        story.history.disputes.append(Dispute(number, EMPLOYER, one.number, one.open, day, "C", moment(day)))
    before = len(story.done)
    for wait in (0, pause):
        story.history.day = day + timedelta(wait)
        story.look(constrain=True)
    assert not any(one.amounts for one in story.done[before:])


def unpaid(statements: int) -> Story:
    """So many unpaid statements, a month apart, looked at each month; the last one fifteen days late."""
    story = Story()
    for _ in range(statements):
        story.history.charge(histories.CHARGE, due=story.history.day + timedelta(10))
        story.history.day += timedelta(30)
        story.look(constrain=False)
    return story


def test_an_account_that_is_never_paid_comes_to_a_constraint() -> None:
    """The control of the properties: the stories do get that far."""
    story = unpaid(4)
    story.history.day += timedelta(60)
    story.look(constrain=True)
    assert story.done[-1].event is Event.CONSTRAINT
    check_order(story.done)
    (case,) = standings(story.done, story.history.position())
    assert case.unpaid == case.free == sum(story.done[-1].amounts.values())


@pytest.mark.parametrize("flaw", ["no summons", "term not passed", "more than summoned", "nobody"])
def test_a_constraint_that_comes_too_early_or_asks_too_much_is_noticed(flaw: str) -> None:
    story = unpaid(4)
    story.history.day += timedelta(60)
    story.look(constrain=True)
    *before, last = story.done
    (summons,) = (one for one in before if one.event is Event.SUMMONS)
    assert summons.last_day is not None
    wrong = {
        "no summons": [*(one for one in before if one is not summons), last],
        "term not passed": [*before, replace(last, day=summons.last_day)],
        "more than summoned": [
            *before,
            replace(last, amounts={item: cents + 1 for item, cents in last.amounts.items()}),
        ],
        "nobody": [*before, replace(last, by="")],
    }
    with pytest.raises(AssertionError):
        check_order(wrong[flaw])


def test_an_earlier_day_than_the_last_one_is_refused() -> None:
    story = unpaid(2)
    assert story.done
    with pytest.raises(LaterDay):
        steps(story.done, story.history.position(date(2025, 1, 2)), RULES)
