"""DEMUTI: which number a user company gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Anomaly, Batch, Record
from gateway.matricule import company_number, is_employer
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome
from gateway.procedures.agency.demuti import handle
from gateway.registers import Registers
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DEMUTI"]
GOOD: Mapping[str, str] = WORLD.content["good"]


def handled(registers: Registers, *changes: Mapping[str, str]) -> Outcome:
    return handle(WORLD.batch(*({**GOOD, **change} for change in changes)), WORLD.context(registers))


def assigned(outcome: Outcome) -> list[Assignment]:
    return [
        one
        for answer in outcome.returns
        if answer.code == "MATUTI"
        for one in answer.content
        if isinstance(one, Assignment)
    ]


def test_new_companies_get_the_next_numbers_of_the_year_and_a_known_one_its_own() -> None:
    (row,) = WORLD.content["companies"]
    known = {
        "Name": row["name"],
        "HouseNumber": row["house_number"],
        "Street": row["street"],
        "Country": row["country"],
        "Postcode": row["postcode"],
        "Town": row["town"],
    }
    outcome = handled(WORLD.registers(), {}, known, {"Name": "Exemple Transports SA"})
    assert [(one.matricule, one.existing) for one in assigned(outcome)] == [
        (company_number(2026, 1), False),
        (row["number"], True),
        (company_number(2026, 2), False),
    ]


def test_another_agency_gets_the_same_number() -> None:
    """What identifies a company is the company, not who asks."""
    registers = WORLD.registers()
    (first,) = assigned(handled(registers, {"Reference": "one"}))
    (second,) = assigned(handled(registers, {"Reference": "two"}))
    assert (first.existing, second.existing) == (False, True)
    assert first.matricule == second.matricule


@pytest.mark.parametrize("field", ["Name", "HouseNumber", "Street", "Postcode", "Town"])
def test_a_company_of_another_name_or_address_is_another_company(field: str) -> None:
    one, other = assigned(handled(WORLD.registers(), {}, {field: "57001"}))
    assert one.matricule != other.matricule


def test_a_refused_request_uses_up_no_number() -> None:
    registers = WORLD.registers()
    handled(registers, {"Postcode": "5700"})
    (one,) = assigned(handled(registers, {}))
    assert one.matricule == company_number(2026, 1)


@pytest.mark.parametrize(("at", "year"), [("2026-12-31T22:59:59Z", 2026), ("2026-12-31T23:00:00Z", 2027)])
def test_the_year_is_that_of_the_luxembourg_day_of_receipt(at: str, year: int) -> None:
    context = replace(WORLD.context(WORLD.registers()), received=Received.parse(at))
    (one,) = assigned(handle(WORLD.batch(GOOD), context))
    assert one.matricule == company_number(year, 1)


def test_the_last_number_of_a_year_is_given_and_none_after_it() -> None:
    registers = WORLD.registers()
    many = 9_100
    outcome = handled(registers, *({"HouseNumber": str(house)} for house in range(many)))
    given_out = [number for serial in range(1, 10_000) if (number := company_number(2026, serial))]
    assert [one.matricule for one in assigned(outcome)] == given_out
    assert outcome.rejected == many - len(given_out) > 0
    assert {anomaly.code for one in outcome.refusals for anomaly in one.anomalies} == {"UTIRET-FULL"}


def test_what_is_certain_of_a_malformed_record_is_said_with_what_the_form_found() -> None:
    """An illegible country leaves open how the postcode is written; an illegible town does not."""
    for field, found in (("Country", []), ("Town", ["UTIRET-2"])):
        record = Record(1, 10, {**GOOD, "Postcode": "5700", field: ";"})
        batch = Batch(WORLD.batch().header, [], [record], [Anomaly("UTIRET-99", 1, field)])
        (refusal,) = handle(batch, WORLD.context(WORLD.registers())).refusals
        assert sorted(one.code for one in refusal.anomalies) == sorted(["UTIRET-99", *found])


requests = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["57000", "54000"]), st.sampled_from("12")), max_size=12
)


@settings(deadline=None)
@given(requests, requests)
def test_numbers_are_valid_distinct_and_stable(
    first: list[tuple[str, str, str]], second: list[tuple[str, str, str]]
) -> None:
    registers = WORLD.registers()
    given_out: dict[tuple[str, str, str], str] = {}
    for asked in (first, second):
        records = [{"Name": name, "Postcode": code, "HouseNumber": house} for name, code, house in asked]
        outcome = handled(registers, *records)
        assert outcome.accepted == len(set(asked))
        for one in assigned(outcome):
            company = asked[one.record.number - 1]
            assert one.existing == (company in given_out)
            assert given_out.setdefault(company, one.matricule) == one.matricule
    assert len(set(given_out.values())) == len(given_out)
    assert all(is_employer(number) and number.startswith("202699") for number in given_out.values())
