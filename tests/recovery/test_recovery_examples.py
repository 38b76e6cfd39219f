"""Recovery as a person of law reads it: see `cases.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.ledger import Dispute, DisputeOutcome, Instalment, Plan
from gateway.ledger import entries as book
from gateway.money import cents_of
from gateway.recovery import Event, Happened, Rules, Step, cases, rules_on, steps
from tests.ledger.histories import EMPLOYER, History, moment

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
LIST = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def history_of(case: Mapping[str, Any]) -> tuple[History, dict[str, int]]:
    """The account of a case, and the numbers of its items."""
    history, items = History(), {}
    for name, text in case["charges"].items():
        due = date.fromisoformat(text)
        history.day = due - timedelta(10)
        items[name] = history.charge({"CNS": 10_000}, due=due)
    for name, text in case.get("fines", {}).items():
        due = date.fromisoformat(text)
        history.day = due - timedelta(40)
        fine = book.fine(EMPLOYER, day=history.day, due=due, amount=10_000, reference="F", booked=moment(due))
        (items[name],) = history.enter(fine)
    for text, amount in case.get("payments", {}).items():
        history.day = date.fromisoformat(text)
        history.pay(cents_of(amount))
    if plan := case.get("plan"):
        granted = date.fromisoformat(plan["granted"])
        parts = (Instalment(date.fromisoformat(day), cents_of(n)) for day, n in plan["instalments"].items())
        covered = frozenset(items[one] for one in plan["items"])
        history.plans.append(Plan(1, EMPLOYER, granted, "board", covered, tuple(parts), moment(granted)))
    if dispute := case.get("dispute"):
        opened = date.fromisoformat(dispute["opened"])
        item, amount = items[dispute["item"]], cents_of(dispute["amount"])
        one = Dispute(1, EMPLOYER, item, amount, opened, "C", moment(opened))
        if "closed" in dispute:
            one = one.decided(DisputeOutcome.REJECTED, date.fromisoformat(dispute["closed"]))
        history.disputes.append(one)
    return history, items


def played(case: Mapping[str, Any]) -> tuple[list[Step], list[Happened], dict[str, int]]:
    """All steps that were due on the days of a case, and what was entered."""
    history, items = history_of(case)
    found: list[Step] = []
    done: list[Happened] = []
    for text in case["days"]:
        day = date.fromisoformat(text)
        due = steps(done, history.position(day), rules_of(case, day))
        found += due
        done += [one.happened() for one in due if not one.is_proposal]
        if text in case.get("constrained", ()):
            done.append(due[-1].happened("board"))
    return found, done, items


def rules_of(case: Mapping[str, Any], day: date) -> Rules:
    return replace(rules_on(day), reminders=case.get("reminders", True))


@LIST
def test_case(case: Mapping[str, Any]) -> None:
    found, done, items = played(case)
    names = {number: name for name, number in items.items()}
    told = [
        (
            str(one.day),
            one.event.name.lower(),
            {names[claim.item]: claim.amount for claim in one.claims},
            one.last_day and str(one.last_day),
        )
        for one in found
    ]
    wanted = [
        (
            one["day"],
            one["what"],
            {name: cents_of(text) for name, text in one.get("asks", {}).items()},
            one.get("until"),
        )
        for one in case["steps"]
    ]
    assert told == wanted
    assert [one.state for one in cases(done)] == case["states"]


@LIST
def test_every_step_says_why_and_what_to_do(case: Mapping[str, Any]) -> None:
    for one in played(case)[0]:
        assert one.reason.endswith(".")
        assert one.remedy.endswith(".")
        assert bool(one.basis) == bool(one.claims)


def test_every_case_has_a_name_of_its_own_and_an_origin() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["origin"] for case in CASES)


def test_a_wrong_expectation_is_noticed() -> None:
    """The control: a term that is a day longer is another one."""
    wrong = [{**CASES[0]["steps"][0], "until": "2026-06-16"}, *CASES[0]["steps"][1:]]
    with pytest.raises(AssertionError):
        test_case({**CASES[0], "steps": wrong})


def test_interest_goes_along_for_what_is_not_disputed() -> None:
    """0.60 for June on 100.00, of which 40.00 are disputed: 0.36 are asked for."""
    history, items = history_of({"charges": {"a": "2026-05-25"}})
    history.day = date(2026, 6, 30)
    history.book_interest()
    opened = moment(history.day)
    history.disputes.append(Dispute(1, EMPLOYER, items["a"], 4_000, history.day, "C", opened))
    (one,) = steps([], history.position(date(2026, 7, 1)), rules_on(date(2026, 7, 1)))
    assert (one.event, one.amount, one.interest) == (Event.REMINDER, 6_000, 36)


def test_told_later_the_term_runs_from_there_and_what_was_paid_since_is_not_asked_for() -> None:
    history, _ = history_of({"charges": {"a": "2026-05-25"}, "payments": {"2026-06-10": "30.00"}})
    day = date(2026, 6, 4)
    (one,) = steps([], history.position(day), rules_on(day), now=history.position(date(2026, 8, 3)))
    assert (one.day, one.last_day, one.amount) == (day, date(2026, 8, 13), 7_000)
    history.pay(7_000)
    assert steps([], history.position(day), rules_on(day), now=history.position(date(2026, 8, 3))) == []


def test_the_published_figure_is_four_and_nobody_knows_the_others() -> None:
    found = rules_on(date(2026, 1, 1))
    assert found == Rules(True, 10, 10, 4, 1)
