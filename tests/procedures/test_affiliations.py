"""DECAFF: what stands in the register afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.memory import MemoryAffiliations
from gateway.outcome import Outcome
from gateway.procedures.declaration.decaff import DUE, FORM, RULES, STATING, Kind, handle
from gateway.registers import Affiliation, Registers
from gateway.rejections import REJECTIONS
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DECAFF"]
GOOD: Mapping[str, str] = WORLD.content["good"]
EMPLOYER, INSURED = GOOD["Employer"], GOOD["Insured"]
NAMES = {"Employer": EMPLOYER, "Insured": INSURED}


def handled(registers: Registers, *records: Mapping[str, str]) -> Outcome:
    return handle(WORLD.batch(*records), WORLD.context(registers))


def standing(registers: Registers) -> list[Affiliation]:
    return list(registers.affiliations.of([(EMPLOYER, INSURED)]).get((EMPLOYER, INSURED), ()))


def entry(first: str, last: str | None = None) -> dict[str, str]:
    """A fixed-term entry with an exit, else a permanent one."""
    return (
        {**GOOD, "Entry": first}
        if last is None
        else {**GOOD, "ContractType": "D", "Entry": first, "Exit": last}
    )


def test_an_entry_is_entered_as_declared() -> None:
    registers = WORLD.registers()
    handled(registers, entry("2026-08-01", "2026-12-31"))
    assert standing(registers) == [
        Affiliation(EMPLOYER, INSURED, date(2026, 8, 1), date(2026, 12, 31), "D", "03")
    ]


def test_an_exit_ends_the_open_affiliation_and_keeps_its_history() -> None:
    registers = WORLD.registers()
    handled(registers, entry("2026-08-01"))
    before = standing(registers)
    handled(registers, {"Kind": "exit", **NAMES, "Exit": "2026-08-31"})
    assert standing(registers) == [
        Affiliation(EMPLOYER, INSURED, date(2026, 8, 1), date(2026, 8, 31), "I", "03")
    ]
    assert isinstance(registers.affiliations, MemoryAffiliations)
    assert registers.affiliations.history == before


def test_a_change_states_the_whole_affiliation_anew() -> None:
    registers = WORLD.registers()
    handled(registers, entry("2026-01-01", "2026-06-30"))
    change = {
        **GOOD,
        "Kind": "change",
        "Scheme": "01",
        "Entry": "2026-02-01",
        "PreviousEntry": "2026-01-01",
        "PreviousExit": "2026-06-30",
    }
    assert handled(registers, change).accepted == 1
    assert standing(registers) == [Affiliation(EMPLOYER, INSURED, date(2026, 2, 1), None, "I", "01")]


def test_the_end_of_the_trial_is_kept_by_an_exit_and_stated_anew_by_a_change() -> None:
    registers = WORLD.registers()
    handled(registers, {**entry("2026-01-01"), "TrialEnd": "2026-06-30"})
    assert [one.trial for one in standing(registers)] == [date(2026, 6, 30)]
    handled(registers, {"Kind": "exit", **NAMES, "Exit": "2026-08-31"})
    assert [one.trial for one in standing(registers)] == [date(2026, 6, 30)]
    change = {**GOOD, "Kind": "change", "Entry": "2026-01-01", "PreviousEntry": "2026-01-01"}
    handled(registers, {**change, "PreviousExit": "2026-08-31", "TrialEnd": "2026-03-31"})
    assert [one.trial for one in standing(registers)] == [date(2026, 3, 31)]
    handled(registers, change)
    assert [one.trial for one in standing(registers)] == [None]


def test_a_whole_career_in_one_file() -> None:
    registers = WORLD.registers()
    outcome = handled(
        registers,
        entry("2026-01-01", "2026-02-28"),
        entry("2026-03-01"),
        {"Kind": "exit", **NAMES, "Exit": "2026-04-30"},
        entry("2026-06-01"),
        {"Kind": "cancellation", **NAMES, "PreviousEntry": "2026-06-01"},
        entry("2026-05-15"),
        entry("2025-12-01", "2025-12-31"),
    )
    assert outcome.accepted == 7
    spans = [(one.entry.isoformat(), one.exit and one.exit.isoformat()) for one in standing(registers)]
    assert spans == [
        ("2025-12-01", "2025-12-31"),
        ("2026-01-01", "2026-02-28"),
        ("2026-03-01", "2026-04-30"),
        ("2026-05-15", None),
    ]


def test_records_are_taken_in_the_order_of_their_numbers() -> None:
    registers = WORLD.registers()
    batch = WORLD.batch(entry("2026-08-01"), {"Kind": "exit", **NAMES, "Exit": "2026-08-31"})
    shuffled = type(batch)(batch.header, list(reversed(batch.records)))
    assert handle(shuffled, WORLD.context(registers)).accepted == 2


def test_a_refused_record_changes_nothing() -> None:
    registers = WORLD.registers()
    outcome = handled(
        registers,
        {**entry("2026-08-01"), "Town": ""},
        {"Kind": "exit", **NAMES, "Exit": "2026-08-31"},
    )
    assert [anomaly.code for one in outcome.refusals for anomaly in one.anomalies] == [
        "AFFRET-5",
        "AFFRET-NONE",
    ]
    assert standing(registers) == []


@pytest.mark.parametrize("kind", Kind)
def test_a_record_that_states_nothing_gets_every_code_of_what_is_due(kind: Kind) -> None:
    (refusal,) = handled(WORLD.registers(), {"Kind": kind, **NAMES}).refusals
    due = {(one.code, one.field) for one in DUE if kind in one.kinds}
    assert {(one.code, one.field) for one in refusal.anomalies} == due


def test_the_tables_name_only_known_codes_and_fields() -> None:
    named = {(row.code, row.field) for row in DUE} | {(rule.code, rule.field) for rule in RULES}
    for code, field in named:
        assert code in REJECTIONS
        assert field in FORM.fields
    assert {row.code for row in DUE if row.kinds == STATING} < {f"AFFRET-{number}" for number in range(1, 30)}


FIRST = date(2020, 1, 1)
spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 15)).map(
        lambda span: (FIRST + timedelta(span[0]), FIRST + timedelta(sum(span)))
    ),
    max_size=12,
)


@settings(deadline=None)
@given(spans)
def test_affiliations_of_a_pair_never_overlap_whatever_is_entered(entered: list[tuple[date, date]]) -> None:
    registers = WORLD.registers()
    outcome = handled(registers, *(entry(first.isoformat(), last.isoformat()) for first, last in entered))
    # The plain way to say it: an entry is taken when no day of it is insured yet.
    insured: set[date] = set()
    refused = []
    for number, (first, last) in enumerate(entered, start=1):
        days = {first + timedelta(n) for n in range((last - first).days + 1)}
        if days & insured:
            refused.append(number)
        else:
            insured |= days
    assert [one.record.number for one in outcome.refusals] == refused
    assert len(standing(registers)) == len(entered) - len(refused)


@settings(deadline=None)
@given(spans, st.data())
def test_changes_move_an_affiliation_only_to_free_days(
    entered: list[tuple[date, date]], data: st.DataObject
) -> None:
    registers = WORLD.registers()
    handled(registers, *(entry(first.isoformat(), last.isoformat()) for first, last in entered))
    before = standing(registers)
    if not before:
        return
    old = data.draw(st.sampled_from(before))
    first = FIRST + timedelta(data.draw(st.integers(0, 75)))
    last = first + timedelta(data.draw(st.integers(0, 30)))
    assert old.exit is not None
    change = {
        **entry(first.isoformat(), last.isoformat()),
        "Kind": "change",
        "PreviousEntry": old.entry.isoformat(),
        "PreviousExit": old.exit.isoformat(),
    }
    outcome = handled(registers, change)
    free = not any(one.overlaps(first, last) for one in before if one != old)
    assert outcome.accepted == free
    assert (old in standing(registers)) == (not free or (old.entry, old.exit) == (first, last))
