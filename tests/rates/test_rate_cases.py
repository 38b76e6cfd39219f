"""The cases of `cases.yaml`, written for people of law."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from gateway.contributions import Classification, Insurance, Pay, contribution, schedule_of
from gateway.moments import Period
from gateway.money import cents_of, euro, round_half_up


class Case(TypedDict, total=False):
    title: str
    because: str
    period: str
    pay: dict[str, str]
    insured: dict[str, str]
    employer: dict[str, str]
    lines: dict[str, dict[str, str]]
    totals: dict[str, str]


CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_case_comes_out_to_the_cent(case: Case) -> None:
    elements = {name: cents_of(text) for name, text in case["pay"].items() if name != "hours"}
    insured = case.get("insured", {})
    due = contribution(
        Pay(**elements, hours=Decimal(case["pay"]["hours"])),
        Insurance(int(insured["age"]) if "age" in insured else None, insured.get("pupil") == "yes"),
        Classification(
            int(case["employer"]["mde_class"]), int(Decimal(case["employer"]["accident_factor"]) * 100)
        ),
        schedule_of(Period.parse(case["period"])),
    )
    lines = {
        line.branch: {
            "base": euro(round_half_up(line.base)),
            "employee": euro(line.employee),
            "employer": euro(line.employer),
        }
        for line in due.lines
    }
    assert list(lines.items()) == list(case["lines"].items())
    totals = {"employee": due.employee_total, "employer": due.employer_total, "total": due.total}
    assert {name: euro(cents) for name, cents in totals.items()} == case["totals"]


def test_the_illustrations_are_among_the_cases() -> None:
    totals = [case["totals"]["total"] for case in CASES[:3]]
    assert totals == ["986.95", "316.36", "1867.69"]
