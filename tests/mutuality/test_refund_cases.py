"""The cases of `refunds.yaml`, written for people of law."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from gateway.contributions import Classification
from gateway.moments import Period
from gateway.money import euro
from gateway.mutuality import Refund, RefundPart
from gateway.parameters import Branch
from tests.mutuality.cases import CLASSED, FULL_TIME, affiliation, declared_wage, due


class Case(TypedDict, total=False):
    title: str
    origin: str
    because: str
    period: str
    known: str
    exempt: bool
    policy: dict[str, str]
    affiliation: dict[str, str]
    wage: dict[str, object] | None
    quarantines: list[list[str]]
    absences: list[tuple[str, str, str, int]]
    parts: list[list[object]]
    left_out: list[list[object]]
    held: int
    total: str | None


CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("refunds.yaml").read_text(encoding="utf-8"))


def computed(case: Case) -> Refund | None:
    period, wage = Period.parse(case["period"]), case.get("wage", dict(FULL_TIME))
    return due(
        period,
        [(k, date.fromisoformat(f), date.fromisoformat(t), hours) for k, f, t, hours in case["absences"]],
        [] if wage is None else [declared_wage(period, wage)],
        insured=affiliation(**case.get("affiliation", {})),
        employer=Classification(None, 100) if case.get("exempt") else CLASSED,
        quarantines=[
            (date.fromisoformat(first), date.fromisoformat(last))
            for first, last in case.get("quarantines", [])
        ],
        known=date.fromisoformat(case["known"]) if "known" in case else None,
        policy=case.get("policy"),
    )


def written(part: RefundPart) -> list[object]:
    """A part as the cases write it."""
    shares = (part.shares.get(branch) for branch in (Branch.CARE, Branch.CASH, Branch.PENSION))
    return [
        part.hours,
        part.ground.value,
        str(part.rate),
        euro(part.pay_continued),
        euro(part.pay_refund),
        *(None if share is None else euro(share) for share in shares),
        part.days_counted,
        euro(part.total),
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_refund_comes_out_to_the_cent(case: Case) -> None:
    found = computed(case)
    if case["total"] is None:
        assert found is None
        return
    assert found is not None
    assert [written(part) for part in found.parts] == case.get("parts", [])
    left_out = [[one.first.isoformat(), one.hours, one.reason.value] for one in found.left_out]
    assert left_out == case.get("left_out", [])
    assert len(found.held) == case.get("held", 0)
    assert euro(found.total) == case["total"]


def test_every_case_says_where_it_comes_from() -> None:
    assert all(case["origin"] and case["because"] for case in CASES)
    assert len({case["title"] for case in CASES}) == len(CASES)


def test_the_formula_can_be_followed_with_a_pencil() -> None:
    by_title = {case["title"]: case for case in CASES}
    ordinary, capped = (computed(by_title[title]) for title in ("sickness: 80 %", "above the ceiling"))
    assert ordinary is not None
    assert ordinary.parts[0].formula == (
        "3812.40 / 173 h x 40 h = 881.48; x 0.80 = 705.18;"
        " on the refund: care 2.8 %, cash 0.25 %, pension 8.5 %"
    )
    assert capped is not None
    assert capped.parts[0].formula.startswith("13856.63 (ceiling; pay 20000.00) / 173 h x 40 h = 3203.85;")
    assert ordinary.policy == "declared-hours+capped+on-the-refund"
    assert "odoo-lu" in ordinary.parts[0].source
    assert "mde-statutes (2020-01-01)" in ordinary.parts[0].source


def test_what_is_left_out_says_why_in_words() -> None:
    by_title = {case["title"]: case for case in CASES}
    cut = computed(by_title["more hours than the wage has: the later absence is cut"])
    limit = computed(by_title["the month after the 77th day is paid by the health fund"])
    assert cut is not None
    assert limit is not None
    assert cut.left_out[0].detail == "60 h are claimed, 40 h are left of the 160 h declared"
    assert limit.left_out[0].detail == (
        "paid by the health fund: 92 days of sickness in the 18 months before, of 77"
    )
