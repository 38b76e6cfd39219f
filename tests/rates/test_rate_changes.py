"""Each dated value of the law has a case in `changes.yaml`, and takes effect in its first month."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from gateway.contributions import (
    Branch,
    Classification,
    HealthService,
    Insurance,
    Pay,
    contribution,
    schedule_of,
)
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Confidence, NoParametersError, law


class Changes(TypedDict):
    shares_of_10000: dict[str, dict[str, str]]
    minimum_wage: dict[str, dict[str, str]]


CHANGES: Changes = yaml.safe_load(Path(__file__).with_name("changes.yaml").read_text(encoding="utf-8"))
SHARES = [
    (name, month, share)
    for name, shares in CHANGES["shares_of_10000"].items()
    for month, share in shares.items()
]
STEPS = list(CHANGES["minimum_wage"].items())


def share_of_10000(name: str, period: Period) -> int:
    """What the side named by a parameter pays, in cents, for 10000.00 EUR and no hours."""
    subject, group, *side = name.split(".")
    branch, mde_class = (Branch.MDE, int(group[-1])) if subject == "mutuality" else (Branch(group), 1)
    service = HealthService.STI if side == ["employer_sti"] else HealthService.STM
    employer = Classification(mde_class, 100, public=True, health_service=service)
    due = contribution(Pay(base_wage=1_000_000), Insurance(), employer, schedule_of(period))
    line = next(line for line in due.lines if line.branch is branch)
    return line.employee if side == ["employee"] else line.employer


@pytest.mark.parametrize(("name", "month", "share"), SHARES)
def test_a_rate_takes_effect_in_its_first_month(name: str, month: str, share: str) -> None:
    assert euro(share_of_10000(name, Period.parse(month))) == share


@pytest.mark.parametrize("name", CHANGES["shares_of_10000"])
def test_a_rate_holds_until_the_month_before_the_next(name: str) -> None:
    shares = list(CHANGES["shares_of_10000"][name].items())
    for (_, share), (following, _) in pairwise(shares):
        assert euro(share_of_10000(name, Period.parse(following).plus(-1))) == share


def test_every_dated_rate_has_a_case() -> None:
    dated = {
        (name, f"{value.since:%Y-%m}")
        for name, values in law().numbers.items()
        if name.startswith(("rates.", "mutuality."))
        for value in values
    }
    assert dated == {(name, month) for name, month, _ in SHARES}


@pytest.mark.parametrize(("month", "step"), STEPS)
def test_one_chain_gives_every_amount_to_the_cent(month: str, step: dict[str, str]) -> None:
    """Index and minimum wage at index 100 give all else, rounded once, half-up, from the exact product."""
    exact = Decimal(step["at_100"]) * Decimal(step["index"]) / 100
    derived = {
        "minimum_wage.unskilled_18_plus": exact,
        "minimum_wage.skilled_18_plus": exact * Decimal("1.2"),
        "minimum_wage.age_17": exact * Decimal("0.8"),
        "minimum_wage.age_15_16": exact * Decimal("0.75"),
        "bases.ceiling_monthly": exact * law().number("bases.ceiling_multiple", Period.parse(month)).value,
        "bases.dependency_allowance": exact
        * law().number("bases.allowance_fraction", Period.parse(month)).value,
    }
    for name, amount in derived.items():
        rounded = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert law().number(name, Period.parse(month)).value == rounded, name


@pytest.mark.parametrize(("month", "step"), STEPS)
def test_the_law_says_what_the_table_says(month: str, step: dict[str, str]) -> None:
    names = {
        "index": "minimum_wage.index",
        "at_100": "minimum_wage.index_100",
        "adult": "minimum_wage.unskilled_18_plus",
        "skilled": "minimum_wage.skilled_18_plus",
        "ceiling": "bases.ceiling_monthly",
        "allowance": "bases.dependency_allowance",
    }
    assert {key: str(law().number(name, Period.parse(month)).value) for key, name in names.items()} == step


@pytest.mark.parametrize(("month", "step"), STEPS)
def test_floor_ceiling_and_allowance_take_effect_in_their_first_month(
    month: str, step: dict[str, str]
) -> None:
    floor, ceiling, allowance = limits(Period.parse(month))
    assert (floor, ceiling, allowance) == (
        Decimal(step["adult"]),
        Decimal(step["ceiling"]),
        Decimal(step["allowance"]),
    )
    if Period.parse(month) > Period(2020, 1):
        before = limits(Period.parse(month).plus(-1))
        assert before[0] < floor
        assert before[1] < ceiling
        assert before[2] < allowance


def limits(period: Period) -> tuple[Decimal, Decimal, Decimal]:
    """Floor, ceiling and allowance, seen from the bases of no pay and of too much pay."""
    employer, month = Classification(1, 100), schedule_of(period)
    nothing = contribution(Pay(hours=Decimal(173)), Insurance(), employer, month)
    much = contribution(Pay(base_wage=cents_of("20000.00"), hours=Decimal(173)), Insurance(), employer, month)
    bases = {line.branch: line.base for line in much.lines}
    return nothing.lines[0].base, bases[Branch.PENSION], 20000 - bases[Branch.DEPENDENCY]


def test_every_step_of_the_minimum_wage_has_a_case() -> None:
    for name in ("minimum_wage.unskilled_18_plus", "bases.ceiling_monthly", "bases.dependency_allowance"):
        assert [f"{value.since:%Y-%m}" for value in law().numbers[name]] == [month for month, _ in STEPS]


def test_before_2020_nothing_can_be_computed() -> None:
    schedule_of(Period(2020, 1))
    with pytest.raises(NoParametersError, match=r"no parameters are known for 2019-12: .* 2020-01-01"):
        schedule_of(Period(2019, 12))


def test_a_value_of_the_middle_of_a_month_holds_from_the_next_month_on() -> None:
    name = "collection.late_interest_with_granted_delay"
    assert law().number(name, Period(2021, 1)).value == 0
    with pytest.raises(NoParametersError):
        law().number(name, Period(2020, 12))


def test_a_value_brings_its_sources_and_how_sure_it_is() -> None:
    pension = law().number("rates.pension.employee", Period(2026, 7))
    assert (pension.value, f"{pension.since}", pension.confidence) == (
        Decimal("0.085"),
        "2026-01-01",
        Confidence.SECOND_HAND,
    )
    assert pension.sources == ("law-2025-12-18", "fedil-2026-01", "open-2026")
    assert pension.confidence.doubtful
    assert not law().number("rates.pension.employee", Period(2025, 12)).confidence.doubtful


def test_every_value_quotes_sources_with_an_address_or_a_description() -> None:
    origins = [(value.sources, value.confidence) for values in law().numbers.values() for value in values] + [
        (value.sources, value.confidence) for values in law().words.values() for value in values
    ]
    quoted = {source for sources, _ in origins for source in sources}
    assert quoted == law().sources.keys()
    without_address = {source for source in quoted if "://" not in law().sources[source]}
    assert without_address == {"ccss-report-2023", "open-2026", "open-calculator", "own-choice"}
    assert all(confidence.doubtful for sources, confidence in origins if set(sources) <= without_address)
