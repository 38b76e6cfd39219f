"""The rules of the notices by themselves, on registers in memory."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.batch import MemberId
from gateway.memory import memory_registers
from gateway.moments import Period, Received
from gateway.notices import chapro, chgmat, lisper, salman
from gateway.notices.chapro import Turn
from gateway.notices.salman import Case, Declared
from gateway.registers import Affiliation, Mandate, Registers, Wage, WageKey, WageState
from gateway.returns.chapro import Stage
from tests.house import EMPLOYER, INSURED, OTHER_EMPLOYER

JULY = Period(2026, 7)
CASE = Case(EMPLOYER, JULY)
PEOPLE = [f"{n:013d}" for n in range(8)]
MEMBER, SUCCESSOR = MemberId(EMPLOYER, "100001"), MemberId(OTHER_EMPLOYER, "200002")
NOW = Received(datetime(2026, 8, 21, 7, tzinfo=UTC))


def wage(insured: str, record: int, period: Period = JULY) -> Wage:
    key = WageKey(EMPLOYER, insured, period, 1, 28)
    return Wage(key, 1, record, 381240, 173, 0, 0, 0, 0, 0, 0, 0, False, None)


def known(staff: dict[str, tuple[date, date | None]], declared: dict[str, WageState]) -> Registers:
    registers = memory_registers()
    for insured, (entry, left) in staff.items():
        registers.affiliations.open(Affiliation(EMPLOYER, insured, entry, left, "I", "03"))
    registers.wages.add((wage(one, n), state) for n, (one, state) in enumerate(declared.items(), start=1))
    return registers


days = st.dates(date(2026, 5, 1), date(2026, 9, 30))
spans = st.tuples(days, st.none() | days).filter(lambda span: span[1] is None or span[0] <= span[1])


@given(
    st.dictionaries(st.sampled_from(PEOPLE), spans),
    st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(WageState)),
)
def test_missing_is_who_was_affiliated_and_was_not_declared_if_anybody_was(
    staff: dict[str, tuple[date, date | None]], declared: dict[str, WageState]
) -> None:
    counted = {one for one, state in declared.items() if state in (WageState.CURRENT, WageState.HELD)}
    july = [date(2026, 7, day) for day in range(1, 32)]
    there = {
        one
        for one, (entry, left) in staff.items()
        if any(entry <= day and (left is None or day <= left) for day in july)
    }
    missing = [one.insured for one in salman.missing(CASE, known(staff, declared))]
    assert missing == (sorted(there - counted) if counted else [])


def test_no_month_before_2019_is_missing() -> None:
    registers = memory_registers()
    for insured in PEOPLE[:2]:
        registers.affiliations.open(Affiliation(EMPLOYER, insured, date(2010, 1, 1), None, "I", "03"))
    for n, period in enumerate((Period(2018, 12), Period(2019, 1)), start=1):
        registers.wages.add([(wage(PEOPLE[0], n, period), WageState.CURRENT)])
    assert salman.missing(Case(EMPLOYER, Period(2018, 12)), registers) == []
    assert len(salman.missing(Case(EMPLOYER, Period(2019, 1)), registers)) == 1


@pytest.mark.parametrize(
    ("received", "first"),
    [
        ("2026-08-20T21:59:59Z", date(2026, 8, 21)),
        ("2026-08-20T22:00:00Z", date(2026, 8, 24)),
        ("2026-08-22T08:00:00Z", date(2026, 8, 24)),
        ("2026-12-24T08:00:00Z", date(2026, 12, 28)),
    ],
    ids=["Thursday", "Friday, just after midnight", "Saturday", "Christmas Eve"],
)
def test_what_is_missing_is_told_on_the_next_working_day(received: str, first: date) -> None:
    """A Thursday until midnight in Luxembourg; then it is Friday, and the next one is Monday."""
    declared = Declared(1, MEMBER, Received.parse(received))
    month = (date.fromordinal(first.toordinal() - 10 + n) for n in range(20))
    assert next(day for day in month if salman.is_due(declared, day)) == first


def mandate(number: int, member: MemberId, *codes: str, last: date | None = None) -> Mandate:
    return Mandate(number, member, EMPLOYER, frozenset(codes), date(2026, 1, 1), last)


def test_the_declarer_is_told_while_its_mandate_lasts_then_those_who_came_after() -> None:
    declared = Declared(1, MEMBER, NOW)
    ended = mandate(1, MEMBER, "DECSAL", last=date(2026, 8, 20))
    open_, after = mandate(2, MEMBER, "DECSAL"), mandate(3, SUCCESSOR, "DECSAL")
    only_invoices = mandate(4, SUCCESSOR, "CALCUL")
    assert salman.recipients(declared, [open_, after], NOW) == [MEMBER]
    assert salman.recipients(declared, [ended, after], NOW) == [SUCCESSOR]
    assert salman.recipients(declared, [ended, only_invoices], NOW) == []


def test_each_notice_asks_for_its_own_right() -> None:
    rights = {
        code: [
            name
            for name, recipients in (
                ("LISPER", lisper.recipients),
                ("CHAPRO", chapro.recipients),
                ("CHGMAT", chgmat.recipients),
            )
            if recipients([mandate(1, MEMBER, code)], NOW)
        ]
        for code in ("DECSAL", "DECAFF", "DECINT", "CALCUL", "DECMAL")
    }
    assert rights == {
        "DECSAL": ["LISPER", "CHGMAT"],
        "DECAFF": ["CHGMAT"],
        "DECINT": ["CHGMAT"],
        "CALCUL": ["CHAPRO"],
        "DECMAL": [],
    }


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_lists_are_due_from_the_first_working_day_for_the_month_before(day: date) -> None:
    period, turn = lisper.period_due(day), chapro.turn_due(day)
    if period is None:
        assert day.day <= 5
        assert turn is None
    else:
        assert period.plus(1) == Period(day.year, day.month)
        assert (turn is None) == (day.month not in (5, 7))
    if turn is not None:
        assert turn == Turn(day.year, Stage.CHECK if day.month == 5 else Stage.CHARGED)


def test_who_works_for_two_user_companies_on_the_first_of_march_is_counted_once() -> None:
    registers = memory_registers()
    for user, entry in ((None, date(2026, 2, 1)), ("2026990001700", date(2026, 1, 5))):
        registers.affiliations.open(Affiliation(EMPLOYER, INSURED, entry, None, "I", "03", user))
    (counted,) = chapro.counted(EMPLOYER, 2026, registers)
    assert (counted.insured, counted.entry) == (INSURED, date(2026, 1, 5))


@pytest.mark.parametrize("contract", "IDAOES")
@pytest.mark.parametrize("scheme", ["01", "03", "10", "11", "12", "13"])
def test_contract_and_scheme_decide_who_is_counted(contract: str, scheme: str) -> None:
    registers = memory_registers()
    registers.affiliations.open(Affiliation(EMPLOYER, INSURED, date(2020, 1, 1), None, contract, scheme))
    due = contract in "IDAO" and scheme not in ("10", "11", "12")
    assert bool(chapro.counted(EMPLOYER, 2026, registers)) is due


def test_nobody_is_counted_for_a_year_without_a_rule() -> None:
    with pytest.raises(LookupError):
        chapro.counted(EMPLOYER, 2019, memory_registers())
    assert [rule.year for rule in chapro.rules()] == sorted({rule.year for rule in chapro.rules()})
