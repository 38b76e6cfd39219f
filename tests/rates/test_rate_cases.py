"""The worked examples of the YAML files of this folder, written for people of law."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from gateway.contributions import (
    Allowance,
    Ceiling,
    Classification,
    Group,
    HealthService,
    Insurance,
    Line,
    Month,
    Pay,
    Policy,
    Rounding,
    Schedule,
    Sickness,
    contribution,
    schedule_of,
    year,
)
from gateway.moments import Period
from gateway.money import cents_of, euro, round_half_up
from gateway.parameters import Confidence, Parameter, law


class Case(TypedDict, total=False):
    title: str
    because: str
    origin: str
    period: str
    pay: dict[str, str]
    insured: dict[str, str]
    employer: dict[str, str]
    policy: str
    lines: dict[str, dict[str, str]]
    totals: dict[str, str]


class YearMonth(TypedDict, total=False):
    month: str
    pay: dict[str, str]
    insured: dict[str, str]
    affiliated: str
    lines: dict[str, dict[str, str]]


class Year(TypedDict, total=False):
    title: str
    because: str
    origin: str
    policy: str
    ended: str
    employer: dict[str, str]
    months: list[YearMonth]


class Known(TypedDict):
    title: str
    because: str
    origin: str
    law: dict[str, str]
    pay: dict[str, str]
    employer: dict[str, str]
    line: str
    side: str
    months: dict[str, dict[str, str]]


def written(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


CASES: list[Case] = yaml.safe_load(written("cases.yaml"))
GROUPS: list[Case] = yaml.safe_load(written("groups.yaml"))
POLICIES: list[Case] = yaml.safe_load(written("policies.yaml"))
YEARS: list[Year] = yaml.safe_load(written("years.yaml"))
KNOWN: list[Known] = yaml.safe_load(written("known.yaml"))
MONTHS = [*CASES, *GROUPS, *POLICIES]


def pay_of(texts: dict[str, str]) -> Pay:
    elements = {name: cents_of(text) for name, text in texts.items() if name != "hours"}
    return Pay(**elements, hours=Decimal(texts.get("hours", "0")))


def insurance_of(texts: dict[str, str]) -> Insurance:
    age = int(texts["age"]) if "age" in texts else None
    return Insurance(age, Group(texts.get("group", "employee")))


def employer_of(texts: dict[str, str]) -> Classification:
    return Classification(
        None if texts["mde_class"] == "none" else int(texts["mde_class"]),
        int(Decimal(texts["accident_factor"]) * 100),
        public=texts.get("public") == "yes",
        health_service=HealthService(texts.get("health_service", "stm")),
    )


def amounts(line: Line) -> dict[str, str]:
    return {
        "base": euro(round_half_up(line.base)),
        "employee": euro(line.employee),
        "employer": euro(line.employer),
    }


@pytest.mark.parametrize("case", MONTHS, ids=[case["title"] for case in MONTHS])
def test_a_case_comes_out_to_the_cent(case: Case) -> None:
    due = contribution(
        pay_of(case["pay"]),
        insurance_of(case.get("insured", {})),
        employer_of(case["employer"]),
        schedule_of(Period.parse(case["period"])),
        policy=Policy.parse(case["policy"]) if "policy" in case else Policy(),
    )
    lines = {line.branch: amounts(line) for line in due.lines}
    assert list(lines.items()) == list(case["lines"].items())
    totals = {"employee": due.employee_total, "employer": due.employer_total, "total": due.total}
    assert {name: euro(cents) for name, cents in totals.items()} == case["totals"]


@pytest.mark.parametrize("case", YEARS, ids=[case["title"] for case in YEARS])
def test_a_year_comes_out_to_the_cent_and_explains_itself(case: Year) -> None:
    months = [
        Month(
            Period.parse(month["month"]),
            pay_of(month["pay"]),
            insurance_of(month.get("insured", {})),
            affiliated=month.get("affiliated") != "no",
        )
        for month in case["months"]
    ]
    due = year(
        months,
        employer_of(case["employer"]),
        policy=Policy.parse(case["policy"]),
        ended=case.get("ended") == "yes",
    )
    for month, computed in zip(case["months"], due, strict=True):
        lines = {str(line.branch): {**amounts(line), "formula": line.formula} for line in computed.lines}
        for branch, expected in month.get("lines", {}).items():
            assert lines[branch] == expected, f"{month['month']} {branch}"


@pytest.mark.parametrize("case", KNOWN, ids=[case["title"] for case in KNOWN])
def test_a_month_is_computed_as_the_law_was_known(case: Known) -> None:
    name, since = case["law"]["parameter"], date.fromisoformat(case["law"]["since"])
    value = Parameter(
        name,
        Decimal(case["law"]["value"]),
        since,
        ("own-choice",),
        Confidence.ASSUMED,
        known=date.fromisoformat(case["law"]["known"]),
    )
    values = sorted((*law().numbers[name], value), key=lambda one: one.since)
    invented = replace(law(), numbers={**law().numbers, name: values})
    for month, shares in case["months"].items():
        for day, share in shares.items():
            schedule = Schedule.of(invented.as_known(date.fromisoformat(day)), Period.parse(month))
            due = contribution(pay_of(case["pay"]), Insurance(), employer_of(case["employer"]), schedule)
            line = next(line for line in due.lines if line.branch == case["line"])
            computed = {"employee": line.employee, "employer": line.employer}[case["side"]]
            assert euro(computed) == share, (month, day)


def test_the_illustrations_are_among_the_cases() -> None:
    totals = [case["totals"]["total"] for case in CASES[:3]]
    assert totals == ["986.95", "316.36", "1867.69"]


def test_every_case_says_why_and_from_where() -> None:
    assert all(case["because"] and case["origin"] for case in (*MONTHS, *YEARS, *KNOWN))


def test_every_group_has_a_case() -> None:
    assert {insurance_of(case.get("insured", {})).group for case in MONTHS} == set(Group)


def test_every_choice_has_a_case() -> None:
    named = [Policy.parse(case["policy"]) for case in (*POLICIES, *YEARS)]
    assert {policy.rounding for policy in named} == set(Rounding)
    assert {policy.sickness for policy in named} == set(Sickness)
    assert {policy.ceiling for policy in named} == set(Ceiling)
    assert {policy.allowance for policy in named} == set(Allowance)
