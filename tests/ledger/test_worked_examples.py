"""Late interest and the order of settlement, as a person of law reads them: see `cases.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

from gateway.ledger import Dispute, DisputeOutcome, Instalment, Plan
from gateway.ledger import entries as book
from gateway.ledger.policy import Imputation, InterestRounding, Policy, Suspension
from gateway.moments import Period
from gateway.money import cents_of
from tests.ledger.histories import EMPLOYER, History, holders, moment

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
CHOICES = {"imputation": Imputation, "rounding": InterestRounding, "suspension": Suspension}


def history_of(case: Mapping) -> tuple[History, dict[str, int]]:
    """What happened in a case, and the numbers of its items."""
    chosen = {name: CHOICES.get(name, bool)(value) for name, value in case.get("policy", {}).items()}
    history = History(Policy(**chosen))
    history.day = date.fromisoformat(case["as_of"])
    items: dict[str, int] = {}
    for statement, charge in enumerate(case["charges"], 1):
        shares = {name: cents_of(text) for name, text in charge.items() if name.isupper()}
        negative = sum(shares.values()) < 0
        write = book.correction if negative or charge.get("correction") else book.contributions
        issued = date.fromisoformat(charge["issued"])
        (items[charge["item"]],) = history.enter(
            write(
                EMPLOYER,
                statement=statement,
                issued=issued,
                due=date.fromisoformat(charge["due"]),
                period=Period.parse(charge.get("period", "2025-01")),
                by_institution=shares,
                booked=moment(issued),
            )
        )
    statements = {charge["item"]: n for n, charge in enumerate(case["charges"], 1)}
    for payment in case.get("payments", ()):
        day = date.fromisoformat(payment["day"])
        history.pay(cents_of(payment["amount"]), day, statements.get(payment.get("for")))
    if "plan" in case:
        history.plans.append(_plan(case["plan"], items))
    if "dispute" in case:
        history.disputes.append(_dispute(case["dispute"], items))
    return history, items


def _plan(plan: Mapping, items: Mapping[str, int]) -> Plan:
    granted = date.fromisoformat(plan["granted"])
    instalments = (Instalment(date.fromisoformat(d), cents_of(n)) for d, n in plan["instalments"].items())
    covered = frozenset(items[one] for one in plan["items"])
    return Plan(1, EMPLOYER, granted, "board", covered, tuple(instalments), moment(granted))


def _dispute(dispute: Mapping, items: Mapping[str, int]) -> Dispute:
    opened = date.fromisoformat(dispute["opened"])
    one = Dispute(
        1, EMPLOYER, items[dispute["item"]], cents_of(dispute["amount"]), opened, "C", moment(opened)
    )
    if "closed" not in dispute:
        return one
    return one.decided(DisputeOutcome(dispute["outcome"]), date.fromisoformat(dispute["closed"]))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    history, items = history_of(case)
    names = {number: name for name, number in items.items()}
    found = history.book_interest()
    if "interest" in case:
        assert [(names[one.about], str(one.period), one.amount) for one in found] == [
            (one["item"], one["month"], cents_of(one["amount"])) for one in case["interest"]
        ]
        for one, wanted in zip(found, case["interest"], strict=True):
            shares = {name: cents_of(text) for name, text in wanted.items() if name.isupper()}
            assert not shares or holders(one.shares) == shares
    standing = history.position()
    assert standing.interest_owed == cents_of(case["owed"])
    if "open" in case:
        assert {names[one.number]: one.open for one in standing.items} == {
            name: cents_of(text) for name, text in case["open"].items()
        }


def test_every_case_has_a_name_of_its_own_and_an_origin():
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["origin"] for case in CASES)


def test_a_wrong_expectation_is_noticed():
    """The control: with one cent more expected the first example fails."""
    case = {**CASES[0], "owed": "6.01"}
    with pytest.raises(AssertionError):
        test_case(case)


def test_the_unpaid_part_of_interest_stays_when_the_payment_is_small():
    history, _ = history_of(CASES[0])
    history.book_interest()
    history.day = date(2025, 7, 5)
    history.pay(400)
    standing = history.position()
    assert standing.interest_owed == 200
    assert standing.balance == 100_000 + 600 - 400
