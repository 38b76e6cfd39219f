"""What holds for every handler, whatever the form lets through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.batch import Batch, Record
from gateway.contributions import Group
from gateway.outcome import Outcome, Refusal
from gateway.procedures import PROCEDURES, procedure
from gateway.procedures.abroad import demdet
from gateway.procedures.billing import owncal
from gateway.procedures.lists import COUNTRIES, OCCUPATIONS
from gateway.rejections import REJECTIONS, Level
from tests.procedures.vector_files import VECTORS, WORLDS

CODES = [one.code for one in PROCEDURES]


def pattern(text: str) -> st.SearchStrategy[str]:
    return st.from_regex(text, fullmatch=True)


def mostly(*likely: str, form: str) -> st.SearchStrategy[str]:
    """Values that lead far into the rules, beside all that the form allows."""
    return st.sampled_from(likely) | pattern(form)


EMPLOYERS = mostly("2099990001299", "2099990002099", "2099990003999", "2099990001399", form="[0-9]{13}")
INSURED = mostly("1893120105732", "1895022801278", "1894050600302", "1899010100188", form="[0-9]{13}")
AMOUNTS = mostly("0.00", "3812.40", "19399.31", form=r"(0|[1-9][0-9]{0,8})\.[0-9]{2}")
HOURS = mostly("0", "173", form="(0|[1-9][0-9]{0,2})")
DAYS = mostly("01", "15", "30", "31", form="(0[1-9]|[12][0-9]|3[01])")
DATE = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DATES = mostly(
    "2023-01-01",
    "2023-06-30",
    "2024-03-01",
    "2026-08-01",
    "2024-02-29",
    form=DATE,
)
COUNTRY = st.sampled_from(sorted(COUNTRIES)) | pattern("[A-Z]{2}")
LINES = pattern("[!-~]{1,10}( [!-~]{1,10})?")
POSTCODE = "[0-9A-Z]{1,6}([ -][0-9A-Z]{1,4})?"
POSTCODES = mostly("1471", "L-1471", form=POSTCODE)
NAMES = mostly("MULLER", "WEBER", form="[A-Z][A-Z']{0,5}([ -][A-Z]{1,5})?")
SCHEMES = mostly("01", "03", "05", "10", form="[0-9]{2}")
REFERENCES = pattern("[ -:<-~]{1,40}")

PEOPLE = ("Insured", "Surname", "Name")
"""Fields that tell whom a record is about: a person or a company."""

FIELDS: Mapping[str, tuple[Mapping[str, st.SearchStrategy[str]], Mapping[str, st.SearchStrategy[str]]]] = {
    "DECSAL": (
        {
            "Employer": EMPLOYERS,
            "Insured": INSURED,
            "Period": mostly("2026-07", "2026-02", "2019-01", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
            "BaseWage": AMOUNTS,
            "WorkHours": HOURS,
        },
        {
            "Supplements": AMOUNTS,
            "OvertimePay": AMOUNTS,
            "OvertimeHours": pattern("(0|[1-9][0-9]{0,4})"),
            "Gratuities": AMOUNTS,
            "UnemploymentPay": AMOUNTS,
            "InactiveHours": HOURS,
            "NonPensionable": AMOUNTS,
            "FirstDay": DAYS,
            "LastDay": DAYS,
            "Capped": st.just("Y"),
            "Reference": REFERENCES,
        },
    ),
    "DECREC": (
        {
            "Employer": mostly("2099990001299", "2099990005599", "2099990037300", form="[0-9]{13}"),
            "Period": mostly("2026-07", "2026-06", "2026-08", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
        },
        {"Reference": REFERENCES},
    ),
    "DECMAL": (
        {
            "Kind": st.sampled_from(["declaration", "cancellation"]),
            "Employer": EMPLOYERS,
            "Insured": INSURED,
            "Period": mostly("2026-07", "2026-02", "2026-05", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
        },
        {
            "IncapacityType": pattern("[0-9]"),
            "Start": mostly("2026-07-01", "2026-05-12", form=DATE),
            "End": mostly("2026-07-31", "2026-02-30", form=DATE),
            "Hours": HOURS,
        },
    ),
    "DECAFF": (
        {
            "Kind": st.sampled_from(["entry", "exit", "change", "cancellation"]),
            "Employer": EMPLOYERS,
            "Insured": INSURED,
        },
        {
            "Country": COUNTRY,
            "Postcode": POSTCODES,
            "Town": LINES,
            "Occupation": LINES,
            "OccupationCode": st.sampled_from(sorted(OCCUPATIONS)) | pattern("[0-9]{4}"),
            "Scheme": SCHEMES,
            "WeeklyHours": mostly("40.00", form=r"(0|[1-9][0-9]?)\.[0-9]{2}"),
            "ContractType": mostly(*"IDAESO", form="[A-Z]"),
            "Entry": DATES,
            "Exit": DATES,
            "TrialEnd": DATES,
            "WorkplaceCountry": COUNTRY,
            "WorkplacePostcode": POSTCODES,
            "WorkplaceTown": LINES,
            "Share": mostly("100.00", form=r"(0|[1-9][0-9]?)\.[0-9]{2}"),
            "ExitReason": pattern("[0-9]{1,2}"),
            "PreviousEntry": DATES,
            "PreviousExit": DATES,
            "SchemeControl": SCHEMES,
            "Reference": REFERENCES,
        },
    ),
    "DEMDET": (
        {
            "Kind": st.sampled_from(["creation", "rectification", "cancellation"]),
            "Employer": EMPLOYERS,
            "Insured": INSURED,
            "Procedure": st.sampled_from([way.value for way in demdet.Way]),
            "First": mostly("2026-01-01", "2026-08-10", "2026-02-30", form=DATE),
            "Last": mostly("2026-03-31", "2026-12-31", "2032-08-10", form=DATE),
            "ResidenceCountry": st.sampled_from(["FR", "LU", "DK"]) | COUNTRY,
        },
        {
            "MemberMatricule": mostly("2099990005599", form="[0-9]{13}"),
            "MemberNumber": mostly("123456", form="[0-9]{6}"),
            "HouseNumber": LINES,
            "Street": LINES,
            "Postcode": POSTCODES,
            "Town": LINES,
            "HostCountry": st.sampled_from(["DE", "US", "LU"]) | COUNTRY,
            "HostName": LINES,
            "HostTown": LINES,
            "Countries": pattern("(BE|FR|GB|LU|US)( (BE|DE|FR|GB)){0,4}"),
            "Telework": st.sampled_from(["true", "false"]),
            "TeleworkShare": mostly("24.99", "25.00", "50.00", form=r"(0|[1-9][0-9]?)\.[0-9]{2}"),
            "EmployerSeat": COUNTRY,
            "Imo": mostly("9319466", form="[0-9]{7}"),
            "Occupation": LINES,
            "Previous": st.sampled_from(["P-1", "T-1", "D-1"]),
            "Reference": st.just("D-1") | REFERENCES,
        },
    ),
    "DEMEMP": (
        {"Kind": st.sampled_from(["registration", "name"]), "Name": mostly("Example", form="[!-~]{1,10}")},
        {
            "NationalNumber": mostly("20999900063", "20999900055", "20999900071", form="[0-9]{11}"),
            "Employer": EMPLOYERS,
            "LegalForm": mostly("99", form="[0-9]{2}"),
            "HouseNumber": LINES,
            "Street": LINES,
            "Postcode": POSTCODES,
            "Town": LINES,
            "Country": COUNTRY,
            "Activity": pattern("[0-9]{4}"),
            "Started": mostly("2026-08-01", "2025-12-31", form=DATE),
            "Reference": REFERENCES,
        },
    ),
    "DEMMAN": (
        {
            "Kind": st.sampled_from(["request", "grant", "confirm", "end"]),
            "Employer": mostly("2099990005599", "2099990002099", "2099990001299", form="[0-9]{13}"),
        },
        {
            "Member": mostly("2099990020999200002", "2099990005599123456", form="[0-9]{19}"),
            "Procedures": mostly("DECSAL", "DECAFF CALCUL", form="[A-Z]{6}( [A-Z]{6})?"),
            "First": mostly("2026-08-03", "2026-12-01", form=DATE),
            "Last": mostly("2026-08-03", "2026-08-31", form=DATE),
            "Number": mostly(*"12345678", form="[1-9][0-9]{0,17}"),
            "Reference": REFERENCES,
        },
    ),
    "OWNCAL": (
        {
            "Employer": EMPLOYERS,
            "Insured": INSURED,
            "Period": mostly("2026-07", "2026-06", "2026-08", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
        },
        {
            "Group": st.sampled_from(Group).map(str),
            **dict.fromkeys(owncal.FORM.fields[4:-1], AMOUNTS),
            "Reference": REFERENCES,
        },
    ),
    "DEMCER": (
        {
            "Kind": st.sampled_from(["affiliation", "income"]),
            "Employer": EMPLOYERS,
            "Insured": INSURED,
            "First": mostly("2026-01", "2025-06", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
            "Last": mostly("2026-07", "2026-08", form="[12][0-9]{3}-(0[1-9]|1[0-2])"),
        },
        {"Reference": REFERENCES},
    ),
    "DEMUTI": (
        {
            "Employer": EMPLOYERS,
            "Name": LINES,
            "HouseNumber": LINES,
            "Street": LINES,
            "Country": st.sampled_from(["BE", "DE", "FR", "LU"]) | COUNTRY,
            "Postcode": mostly("6700", "57000", form=POSTCODE),
            "Town": LINES,
        },
        {"Reference": REFERENCES},
    ),
    "DECINT": (
        {
            "Kind": st.sampled_from(["mission", "entry", "exit", "change", "cancellation"]),
            "Employer": EMPLOYERS,
            "Insured": INSURED,
        },
        {
            "User": mostly("2099990002099", "2099990001299", "2025990007800", form="[0-9]{13}"),
            "Country": COUNTRY,
            "Postcode": POSTCODES,
            "Town": LINES,
            "Occupation": LINES,
            "OccupationCode": st.sampled_from(sorted(OCCUPATIONS)) | pattern("[0-9]{4}"),
            "Manual": st.sampled_from(["true", "false"]),
            "Scheme": SCHEMES,
            "WeeklyHours": mostly("40.00", form=r"(0|[1-9][0-9]?)\.[0-9]{2}"),
            "ContractType": mostly(*"IDAESO", form="[A-Z]"),
            "Entry": DATES,
            "Exit": DATES,
            "WorkplaceCountry": COUNTRY,
            "WorkplacePostcode": POSTCODES,
            "WorkplaceTown": LINES,
            "Posting": COUNTRY,
            "PreviousEntry": DATES,
            "PreviousExit": DATES,
            "Reference": REFERENCES,
        },
    ),
    "DEMMAT": (
        {
            "Employer": EMPLOYERS,
            "Surname": NAMES,
            "FirstName": NAMES,
            "BirthDate": DATES,
            "Nationality": COUNTRY,
            "HouseNumber": LINES,
            "Street": LINES,
            "Country": COUNTRY,
            "Postcode": POSTCODES,
            "Town": LINES,
        },
        {"Reference": REFERENCES},
    ),
}
"""For each procedure, the fields that the form requires and those it allows, by their patterns."""


def in_form_order(code: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in procedure(code).form.fields if name in fields}


def any_record(code: str) -> st.SearchStrategy[dict[str, str]]:
    required, optional = FIELDS[code]
    whole = st.fixed_dictionaries(dict(required), optional=dict(optional))
    vectors = [
        dict(case.fields) for one in VECTORS if one.procedure == code and not one.form for case in one.cases
    ]
    return (whole | st.sampled_from(vectors)).map(lambda fields: in_form_order(code, fields))


def any_batch(code: str) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.lists(any_record(code), max_size=8)


def handled(code: str, records: Sequence[Record]) -> Outcome:
    world = WORLDS[code]
    batch = Batch(world.batch().header, records)
    return procedure(code).handle(batch, world.context(world.registers()))


def codes(refusal: Refusal) -> list[str]:
    return [anomaly.code for anomaly in refusal.anomalies]


def numbered(records: Sequence[Mapping[str, str]]) -> list[Record]:
    return [Record(number, number, fields) for number, fields in enumerate(records, start=1)]


def test_the_strategies_know_every_field() -> None:
    for code, (required, optional) in FIELDS.items():
        assert {*required, *optional} == set(procedure(code).form.fields)


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_record_that_the_form_admits_raises_and_all_are_accounted_for(
    code: str, data: st.DataObject
) -> None:
    records = numbered(data.draw(any_batch(code)))
    outcome = handled(code, records)
    assert outcome.accepted + outcome.held + outcome.rejected == len(records)
    assert min(outcome.accepted, outcome.held) >= 0
    numbers = [refusal.record.number for refusal in outcome.refusals]
    assert numbers == sorted(set(numbers))
    for refusal in outcome.refusals:
        assert refusal.anomalies
        assert refusal.record == records[refusal.record.number - 1]
        found = Counter((anomaly.code, anomaly.field) for anomaly in refusal.anomalies)
        assert max(found.values()) == 1
        for anomaly in refusal.anomalies:
            assert REJECTIONS[anomaly.code].level is Level.RECORD
            assert anomaly.record == refusal.record.number


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_batch_handled_twice_from_the_same_state_gives_the_same(code: str, data: st.DataObject) -> None:
    records = numbered(data.draw(any_batch(code)))
    assert handled(code, records) == handled(code, list(reversed(records)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_wages_are_judged_alike_wherever_they_stand_in_the_file(data: st.DataObject) -> None:
    fields = data.draw(any_batch("DECSAL"))
    order = data.draw(st.permutations(range(len(fields))))
    found = [
        {
            places[refusal.record.number - 1]: codes(refusal)
            for refusal in handled("DECSAL", numbered([fields[place] for place in places])).refusals
        }
        for places in (range(len(fields)), order)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("code", ["DECAFF", "DECMAL", "DECINT", "DEMMAT", "DEMUTI", "DEMDET"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_record_is_judged_alike_beside_records_of_other_people(code: str, data: st.DataObject) -> None:
    record = data.draw(any_record(code))
    others = [
        other
        for other in data.draw(any_batch(code))
        if all(other.get(name) != record.get(name) for name in PEOPLE if name in record)
    ]
    alone = handled(code, numbered([record])).refusals
    among = handled(code, numbered([*others, record])).refusals
    found = [
        [anomaly.code for anomaly in refusal.anomalies]
        for refusal in among
        if refusal.record.fields is record
    ]
    assert found == [[anomaly.code for anomaly in refusal.anomalies] for refusal in alone]
