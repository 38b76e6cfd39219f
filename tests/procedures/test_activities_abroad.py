"""DEMDET: the limits of the law, day by day, and what stands after several deposits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Anomaly, Batch, Record
from gateway.memory import MemoryActivities
from gateway.moments import Received, months_after
from gateway.procedures.abroad import demdet
from gateway.procedures.held import release, waits_until
from gateway.procedures.lists import COUNTRIES, ListError, abroad
from gateway.registers import Affiliation, Registers
from gateway.rejections import REJECTIONS
from tests.procedures.vector_files import WORLDS, World

WORLD = WORLDS["DEMDET"]
GOOD: Mapping[str, str] = WORLD.content["good"]
TELEWORK = {
    **{name: text for name, text in GOOD.items() if name != "HostCountry"},
    "Procedure": "multi-state",
    "Telework": "true",
    "TeleworkShare": "40.00",
}
EVE = date(2024, 6, 30)
"""The last day on which a request may reach back twelve months."""

days = st.dates(date(2023, 7, 1), date(2026, 12, 31))


def at_noon(day: date) -> World:
    """The world on a day."""
    received = Received(datetime(day.year, day.month, day.day, 10, 0, tzinfo=UTC))
    return replace(WORLD, received=received)


def found(fields: Mapping[str, str], world: World = WORLD) -> list[str]:
    """The codes of one record alone, hints left out."""
    outcome = demdet.handle(world.batch(in_order(fields)), world.context(world.registers()))
    return sorted(anomaly.code for refusal in outcome.refusals for anomaly in refusal.anomalies)


def in_order(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in demdet.FORM.fields if name in fields}


# The limits of the law


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_telework_is_covered_from_a_quarter_to_below_a_half(hundredths: int) -> None:
    share = f"{hundredths // 100}.{hundredths % 100:02d}"
    covered = Decimal(25) <= Decimal(share) < Decimal(50)
    assert found({**TELEWORK, "TeleworkShare": share}) == ([] if covered else ["DETRET-TELEWORK-SHARE"])


@settings(deadline=None)
@given(day=days, back=st.integers(-400, 400))
def test_a_request_reaches_back_three_months_and_twelve_in_the_first_year(day: date, back: int) -> None:
    months = 12 if day <= EVE else 3
    first = day - timedelta(back)
    codes = found({**TELEWORK, "First": str(first), "Last": str(first)}, at_noon(day))
    assert ("DETRET-TELEWORK-RETRO" in codes) == (first < months_after(day, -months))
    assert ("DETRET-TELEWORK-STATE" in codes) == (first < date(2023, 7, 1))
    assert ("DETRET-6" in codes) == (first > months_after(day, 12))


@settings(deadline=None)
@given(first=st.dates(date(2026, 6, 1), date(2027, 8, 3)), length=st.integers(1000, 1200))
def test_a_request_is_for_three_years_at_the_most(first: date, length: int) -> None:
    last = first + timedelta(length)
    codes = found({**TELEWORK, "First": str(first), "Last": str(last)})
    # The day before the third anniversary; of a leap day, which has none, before 28 February.
    leap_day = (first.month, first.day) == (2, 29)
    anniversary = first.replace(year=first.year + 3, day=28 if leap_day else first.day)
    assert codes == (["DETRET-TELEWORK-DURATION"] if last >= anniversary else [])


@pytest.mark.parametrize(
    ("state", "first"),
    [each for each in sorted(abroad.law(WORLD.received).signatories.items()) if each[0] != "LU"],
)
def test_telework_is_asked_for_from_the_first_day_of_its_state(state: str, first: date) -> None:
    world = at_noon(first)
    world = replace(world, content={**WORLD.content, "residences": {}})
    record = {**TELEWORK, "ResidenceCountry": state, "Last": str(first)}
    assert found({**record, "First": str(first)}, world) == []
    before = found({**record, "First": str(first - timedelta(1))}, world)
    assert before == ["DETRET-TELEWORK-STATE"]


@settings(deadline=None)
@given(st.sampled_from(sorted(COUNTRIES)))
def test_every_country_belongs_to_one_kind_of_posting(country: str) -> None:
    posted = found({**GOOD, "HostCountry": country})
    beyond = found({**GOOD, "HostCountry": country, "Procedure": "third-country"})
    coordinated = country in abroad.law(WORLD.received).coordinated - {"LU"}
    assert posted == ([] if coordinated else ["DETRET-COUNTRY"])
    assert beyond == (["DETRET-COUNTRY"] if coordinated or country == "LU" else [])


@settings(deadline=None)
@given(st.integers(0, 9_999_999))
def test_a_ship_number_has_a_check_digit(number: int) -> None:
    digits = f"{number:07d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(7, 1, -1), strict=False))
    record = {**GOOD, "Procedure": "civil-servant-seafarer-aircrew", "Imo": digits}
    assert found(record) == ([] if total % 10 == int(digits[6]) else ["DETRET-10"])


def test_code_12_is_given_from_the_day_of_the_schema_that_brought_it() -> None:
    assert REJECTIONS["DETRET-12"].since == date(2025, 3, 17)
    long = {**GOOD, "Procedure": "third-country", "HostCountry": "CN", "Last": "2033-01-01"}
    for day, codes in ((date(2025, 3, 16), []), (date(2025, 3, 17), ["DETRET-12"])):
        assert found({**long, "First": str(day)}, at_noon(day)) == codes


# The data


def test_the_law_is_whole_on_every_day_of_the_last_years() -> None:
    for day in (date(2019, 1, 1), date(2023, 6, 30), EVE, EVE + timedelta(1), date(2040, 1, 1)):
        law = abroad.law(at_noon(day).received)
        assert len(law.coordinated) == 27 + 3 + 1 + 1
        assert not law.agreement_months.keys() & law.coordinated
        assert law.signatories.keys() <= law.coordinated
        assert law.earliest < law.oldest or day.year < 2016
    assert len(abroad.law(WORLD.received).signatories) == 23


def test_the_texts_of_the_codes_name_the_limits_of_the_data() -> None:
    """They are written out there: who changes the data changes them as well."""
    law, day = abroad.law(WORLD.received), WORLD.received.day
    assert (law.share_least, law.share_below, law.telework_months, law.posting_months) == (25, 50, 36, 24)
    assert (law.oldest, law.latest) == (day.replace(year=day.year - 5), day.replace(year=day.year + 1))
    assert (law.earliest, max(law.agreement_months.values())) == (date(2010, 5, 1), 60)
    for code, said in {
        "DETRET-6": ["five years", "one year", "1 May 2010"],
        "DETRET-LONG": ["24 months"],
        "DETRET-TELEWORK-SHARE": ["25 %", "50 %"],
        "DETRET-TELEWORK-RETRO": ["three months", "twelve months", "30 June 2024"],
        "DETRET-TELEWORK-DURATION": ["three years"],
    }.items():
        assert all(words in REJECTIONS[code].texts["en"] for words in said)
    assert "five years" in REJECTIONS["DETRET-12"].remedies["en"]


@pytest.mark.parametrize(
    "row",
    [
        {"months": 3, "source": "s"},
        {"months": 3, "source": "s", "confidence": "certain"},
        {"months": "3", "source": "s", "confidence": "assumed"},
        {"months": -3, "source": "s", "confidence": "assumed"},
        {"months": 3, "source": 7, "confidence": "assumed"},
        {"months": 3, "source": "s", "confidence": "assumed", "colour": "red"},
    ],
)
def test_a_bad_entry_is_refused(row: object) -> None:
    with pytest.raises(ListError):
        abroad._dated([row], {"months"}, abroad._months)


def test_two_values_for_one_day_are_refused() -> None:
    entry = {"months": 3, "source": "s", "confidence": "assumed"}
    twice = abroad._dated([entry, entry], {"months"}, abroad._months)
    with pytest.raises(ListError, match="2 values count on 2026-08-03"):
        abroad._holding(twice, WORLD.received)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2026-05-31", -3, "2026-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-08-03", 0, "2026-08-03"),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_last(day: str, months: int, expected: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(expected)


@given(days)
def test_what_waits_for_an_affiliation_waits_a_month(day: date) -> None:
    assert 28 <= (waits_until(at_noon(day).received) - day).days <= 31


# Several deposits


def declared(registers: Registers, deposit: int, *records: Mapping[str, str]) -> tuple[int, int, list[str]]:
    """How many were accepted and held, and the codes of the others."""
    batch = WORLD.batch(*map(in_order, records))
    outcome = demdet.handle(batch, WORLD.context(registers, deposit))
    codes = [anomaly.code for refusal in outcome.refusals for anomaly in refusal.anomalies]
    return outcome.accepted, outcome.held, codes


def states(registers: Registers) -> list[tuple[int, int, str]]:
    """Deposit, record and state of what the deposits declared."""
    assert isinstance(registers.activities, MemoryActivities)
    entered = ((one.deposit, one.record, state.value) for one, state in registers.activities.all())
    return sorted(found for found in entered if found[0])


def test_a_rectification_takes_the_place_of_what_it_names() -> None:
    registers = WORLD.registers()
    assert declared(registers, 1, {**GOOD, "Reference": "A"}) == (1, 0, [])
    longer = {**GOOD, "Kind": "rectification", "Previous": "A", "First": "2026-08-03", "Reference": "B"}
    assert declared(registers, 2, longer) == (1, 0, [])
    assert declared(registers, 3, longer) == (0, 0, ["DETRET-NONE"])
    assert declared(registers, 4, {**GOOD, "First": "2026-08-03", "Last": "2026-08-04"})[2] == [
        "DETRET-KNOWN"
    ]
    assert declared(registers, 5, {**GOOD, "Kind": "cancellation", "First": "2026-08-03"}) == (1, 0, [])
    assert declared(registers, 6, {**GOOD, "First": "2026-08-03", "Last": "2026-08-04"}) == (1, 0, [])
    assert states(registers) == [(1, 1, "replaced"), (2, 1, "cancelled"), (6, 1, "current")]


def test_a_held_one_is_released_by_the_affiliation_of_its_first_day_only() -> None:
    registers = WORLD.registers()
    employer, insured = GOOD["Employer"], "1894050600302"
    assert declared(registers, 1, {**GOOD, "Insured": insured}) == (0, 1, [])
    late = Affiliation(employer, insured, date(2026, 8, 11), None, "I", "03")
    registers.affiliations.open(late)
    release([(employer, insured)], registers)
    assert states(registers) == [(1, 1, "held")]
    registers.affiliations.replace(late, late._replace(entry=date(2026, 8, 10)))
    release([(employer, insured)], registers)
    assert states(registers) == [(1, 1, "current")]


def test_of_a_malformed_record_only_what_is_certain_is_told() -> None:
    fields = in_order({**TELEWORK, "Countries": "BE", "TeleworkShare": "10.00"})
    for illegible, expected in (
        ("Kind", set()),
        ("ResidenceCountry", {"DETRET-TELEWORK-SHARE"}),
        ("Telework", set()),
        ("Last", {"DETRET-TELEWORK-SHARE", "DETRET-TELEWORK-OTHER"}),
        ("First", {"DETRET-TELEWORK-SHARE", "DETRET-TELEWORK-OTHER"}),
        ("Procedure", set()),
    ):
        formal = Anomaly("DETRET-99", 1, illegible)
        batch = Batch(WORLD.batch().header, [], [Record(1, 10, {**fields, illegible: "?"})], [formal])
        (refusal,) = demdet.handle(batch, WORLD.context(WORLD.registers())).refusals
        assert {one.code for one in refusal.anomalies} == expected | {"DETRET-99"}, illegible


def test_a_file_that_declares_one_person_over_and_over_stays_quick() -> None:
    first = date(2022, 1, 1)
    spans = [first + timedelta(2 * n) for n in range(700)]
    records = [
        in_order({**GOOD, "First": str(day), "Last": str(day), "Reference": "SAME"}) for day in spans * 5
    ]
    before = process_time()
    outcome = demdet.handle(WORLD.batch(*records), WORLD.context(WORLD.registers()))
    assert process_time() - before < 10
    assert (outcome.accepted, outcome.rejected) == (700, 2800)
