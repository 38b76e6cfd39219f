"""Law that becomes known after it took effect: any month as known on any day."""

from __future__ import annotations

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import gateway.parameters
from gateway.contributions import (
    NOTHING,
    Branch,
    Classification,
    Contribution,
    Insurance,
    Pay,
    Schedule,
    contribution,
    schedule_of,
)
from gateway.moments import Period
from gateway.money import euro
from gateway.parameters import Law, NoParametersError, law, read

SHIPPED = Path(gateway.parameters.__file__).parent
PAY = Pay(base_wage=381_240, hours=Decimal(173))
EMPLOYER = Classification(2, 100)
RATE = '{value: "0.0140", source: [css-376, uel-2020, uel-2025], confidence: official}'
DEPENDENCY = f'      "2020-01-01": {RATE}\n'
MDE_2023 = """    "2023-01-01":
      value: "0.0122"
      source: [lpg-2023, open-calculator]
      confidence: weak
      note: "one unverified source; lpg-2023 confirms class 1 only"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files."""
    for path in SHIPPED.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def changed(folder: Path, file: str, old: str, new: str) -> Law:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return read(folder)


def due(law: Law, period: str) -> Contribution:
    return contribution(PAY, Insurance(), EMPLOYER, Schedule.of(law, Period.parse(period)))


def employee(law: Law, period: str, branch: Branch) -> str:
    return euro(next(line.employee for line in due(law, period).lines if line.branch is branch))


def employer(law: Law, period: str, branch: Branch) -> str:
    return euro(next(line.employer for line in due(law, period).lines if line.branch is branch))


@pytest.fixture
def since_2018(folder: Path) -> Path:
    """The shipped files as if what holds since 2020 held since 2018."""
    for path in folder.glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace('"2020-01-01"', '"2018-01-01"'), "utf-8")
    return folder


@pytest.fixture
def five_years_back(since_2018: Path) -> Law:
    """A law of 12 July 2023 that lowers the dependency contribution from 2018 on."""
    lower = RATE.replace("0.0140", "0.0120").replace("confidence", 'known: "2023-07-12", confidence')
    before = DEPENDENCY.replace("2020-01-01", "2018-01-01")
    return changed(since_2018, "rates.yaml", before, f'      "2018-01-01": [{RATE}, {lower}]\n')


def test_a_law_five_years_back_holds_in_all_its_months_once_it_is_known(five_years_back: Law) -> None:
    """3812.40 - 535.50 = 3276.90: 1.40 % are 45.88, 1.20 % are 39.32."""
    before, after = (five_years_back.as_known(day) for day in (date(2023, 7, 11), date(2023, 7, 12)))
    for month in ("2018-01", "2019-06", "2020-12"):
        assert employee(before, month, Branch.DEPENDENCY) == "45.88"
        assert employee(after, month, Branch.DEPENDENCY) == "39.32"
    assert employee(before, "2026-07", Branch.DEPENDENCY) == "43.67"
    assert employee(after, "2026-07", Branch.DEPENDENCY) == "37.43"
    with pytest.raises(NoParametersError):
        due(after, "2017-12")


def test_as_known_before_it_nothing_is_different_from_the_law_without_it(
    five_years_back: Law, since_2018: Path
) -> None:
    path = since_2018 / "rates.yaml"
    path.write_text(
        re.sub(r"\[(\{.*\}), \{.*\}\]", r"\1", path.read_text(encoding="utf-8")), encoding="utf-8"
    )
    before, without = five_years_back.as_known(date(2023, 7, 11)), read(since_2018)
    for month in ("2018-01", "2023-06", "2026-07"):
        assert due(before, month) == due(without, month)


def test_the_version_differs_with_what_is_known(five_years_back: Law) -> None:
    versions = [
        five_years_back.as_known(date(2023, 1, 1)).version,
        five_years_back.as_known(date(2023, 7, 11)).version,
        five_years_back.as_known(date(2023, 7, 12)).version,
    ]
    assert versions[0] == versions[1] != versions[2] == five_years_back.version != law().version
    assert len(versions[0]) == 12
    assert five_years_back.as_known(date(2026, 1, 1)) is five_years_back


def test_a_line_says_when_its_rate_became_known(five_years_back: Law) -> None:
    dependency = due(five_years_back, "2020-01").lines[3]
    assert dependency.source.startswith("css-376, uel-2020, uel-2025 (2018-01-01, known 2023-07-12)")
    assert dependency.formula == "(3812.40 − 535.50) × 1.20 %"


def test_a_credit_that_starts_back_within_the_year(folder: Path) -> None:
    """A law of 26 July 2023 lowers class 2 of the mutuality to 0.50 % from April 2023 on."""
    credited = '{value: "0.0050", source: [own-choice], confidence: assumed, known: "2023-07-26"}'
    credit = changed(folder, "mutuality.yaml", MDE_2023, f'{MDE_2023}    "2023-04-01": {credited}\n')
    months = ("2023-03", "2023-04", "2023-12")
    before, after = credit.as_known(date(2023, 7, 25)), credit.as_known(date(2023, 7, 26))
    assert [employer(before, month, Branch.MDE) for month in months] == ["46.51"] * 3
    assert [employer(after, month, Branch.MDE) for month in months] == ["46.51", "19.06", "19.06"]
    reversal = due(before, "2023-04").reversed().total + due(after, "2023-04").total
    assert reversal == 1906 - 4651


def test_a_rate_corrected_twice_is_as_it_was_last_known(folder: Path) -> None:
    second, third = (
        RATE.replace("0.0140", rate).replace("confidence", f'known: "{day}", confidence')
        for rate, day in (("0.0150", "2021-02-01"), ("0.0130", "2022-02-01"))
    )
    versions = "".join(f"        - {version}\n" for version in (RATE, second, third))
    corrected = changed(folder, "rates.yaml", DEPENDENCY, f'      "2020-01-01":\n{versions}')
    known = {
        day: corrected.as_known(date.fromisoformat(day)).number("rates.dependency.employee", Period(2020, 1))
        for day in ("2021-01-31", "2021-02-01", "2022-01-31", "2022-02-01")
    }
    assert [str(rate.value) for rate in known.values()] == ["0.0140", "0.0150", "0.0150", "0.0130"]
    assert corrected.number("rates.dependency.employee", Period(2020, 1)).value == Decimal("0.0130")


def test_before_anything_was_known_nothing_can_be_computed(folder: Path) -> None:
    late = DEPENDENCY.replace("confidence", 'known: "2021-01-01", confidence')
    unknown = changed(folder, "rates.yaml", DEPENDENCY, late).as_known(date(2020, 6, 1))
    with pytest.raises(NoParametersError, match=r"rates\.dependency\.employee no value was known yet"):
        due(unknown, "2020-06")


def test_our_law_is_kept_for_a_month_and_a_day() -> None:
    month = Period(2026, 7)
    assert schedule_of(month) is schedule_of(month)
    assert schedule_of(month, date(2026, 9, 1)) is schedule_of(month, date(2026, 9, 1))
    assert schedule_of(month, date(2026, 9, 1)).version == law().as_known(date(2026, 9, 1)).version
    assert contribution(PAY, Insurance(), EMPLOYER, schedule_of(month), room=NOTHING) == contribution(
        PAY, Insurance(), EMPLOYER, schedule_of(month, date(2026, 12, 31))
    )
