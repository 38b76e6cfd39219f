"""The years of all insured, read from the tables: complete, and what stands, whatever was corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.billing.years import years
from adapters.database import Database, tables
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.charges import SqlCharges
from gateway.billing.charges import Basis, Change, Charge, ChargeKey
from gateway.billing.lines import ChargedLine
from gateway.billing.statement import Cause
from gateway.contributions import Classification, Group, Pay
from gateway.moments import Period
from gateway.parameters import Branch
from gateway.registers import Affiliation
from tests import databases
from tests.flow.premises import someone
from tests.house import EMPLOYER, OTHER_EMPLOYER

PEOPLE = tuple(someone() for _ in range(4))
EMPLOYERS = (EMPLOYER, OTHER_EMPLOYER)

histories = st.lists(
    st.tuples(
        st.sampled_from(EMPLOYERS),
        st.sampled_from(PEOPLE),
        st.sampled_from([Period(2024, 12), Period(2025, 1), Period(2025, 2), Period(2026, 1)]),
        st.sampled_from([Group.EMPLOYEE, Group.PUPIL]),
        st.none() | st.integers(1, 10**7),
    ),
    max_size=25,
)
"""Employer, insured, month, group, and the base charged now; none: it is taken back."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with one statement, for what is charged."""
    opened = databases.at(tmp_path_factory.mktemp("years") / "years.sqlite")
    opened.create()
    statement = tables.table(tables.Statement)
    empty = {
        column.name: 0 if isinstance(column.type, sa.Integer) else ""
        for column in statement.columns
        if not column.nullable
    }
    values = {**empty, "number": 1, "employer": EMPLOYER, "issued": "2026-03-01T08:00:00.000000Z"}
    with opened.write() as connection:
        connection.execute(sa.insert(statement).values(values))
    yield opened
    opened.close()


@contextmanager
def passing(opened: Database) -> Iterator[sa.Connection]:
    """A transaction of which nothing stays."""
    with opened.engine.connect() as connection:
        yield connection
        connection.rollback()


def charge(insured: str, period: Period, group: Group, base: int, version: int) -> Charge:
    line = ChargedLine(Branch.ACCIDENT, base, Decimal("0.006"), 0, base // 100, "AAA", "", "")
    care = ChargedLine(Branch.CARE, base, Decimal("0.028"), base // 50, base // 49, "CNS", "", "")
    lines = (line,) if group is Group.PUPIL else (care, line)
    basis = Basis(Pay(base_wage=base, hours=Decimal(base % 200)), None, Classification(2, 85), 4095, ())
    return Charge(ChargeKey(insured, period, group), version, basis, lines, "x", 0)


def enter(connection: sa.Connection, history: list[tuple[str, str, Period, Group, int | None]]) -> None:
    """Charge as the run does: what stood is reversed, the new one takes its place."""
    register = SqlCharges(connection)
    for employer, insured, period, group, base in history:
        standing = register.standing(employer, [insured])
        key = ChargeKey(insured, period, group)
        before = standing.charges.get(key)
        version = standing.versions.get(key, 0) + 1
        after = None if base is None else charge(insured, period, group, base, version)
        if before is not None or after is not None:
            register.add(employer, 1, [Change((Cause.WAGE,), before, after)])


@given(histories, st.integers(1, 3))
@settings(deadline=None, max_examples=30)
def test_a_year_is_the_sum_of_what_stands_and_nobody_is_left_out(
    opened: Database, history: list[tuple[str, str, Period, Group, int | None]], at_once: int
) -> None:
    with passing(opened) as connection:
        enter(connection, history)
        register = SqlCharges(connection)
        due: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for employer in EMPLOYERS:
            for key, one in register.standing(employer, PEOPLE).charges.items():
                if key.period.year == 2025:
                    parts = (
                        one.basis.pay.total,
                        int(one.basis.pay.hours),
                        sum(line.employee for line in one.lines),
                        sum(line.employer for line in one.lines),
                    )
                    sums = due[employer, key.insured]
                    sums[:] = [a + b for a, b in zip(sums, parts, strict=True)]
        found = list(years(connection, 2025, at_once=at_once))
        people = [one.insured for one in found]
        assert people == sorted(set(people))
        read = {(worker.employer, one.insured): worker for one in found for worker in one.workers}
        charged = {pair: worker.stated(Period(2024, 1)) for pair, worker in read.items() if worker.charged}
        assert {
            pair: [one.pay, one.hours, one.employee_total, one.employer_total]
            for pair, one in charged.items()
        } == due
        assert all(worker.insured == one.insured for one in found for worker in one.workers)


def test_affiliated_without_a_charge_charged_without_an_affiliation_and_neither(
    opened: Database,
) -> None:
    affiliated, charged, before, cancelled = PEOPLE
    with passing(opened) as connection:
        register = SqlAffiliations(connection)
        register.open(Affiliation(EMPLOYER, affiliated, date(2025, 12, 31), None, "I", "03"))
        register.open(Affiliation(EMPLOYER, before, date(2020, 1, 1), date(2024, 12, 31), "I", "03"))
        gone = Affiliation(EMPLOYER, cancelled, date(2025, 1, 1), None, "I", "03")
        register.open(gone)
        register.cancel(gone)
        enter(connection, [(EMPLOYER, charged, Period(2025, 1), Group.EMPLOYEE, 300000)])
        found = {one.insured: one.workers for one in years(connection, 2025)}
        assert set(found) == {affiliated, charged}
        assert (found[affiliated][0].spans[0].first, found[affiliated][0].charged) == (date(2025, 12, 31), ())
        assert (found[charged][0].spans, len(found[charged][0].charged)) == ((), 1)
        assert list(years(connection, 2025, several=True)) == []
        register.open(Affiliation(OTHER_EMPLOYER, charged, date(2025, 1, 1), None, "I", "03"))
        assert [one.insured for one in years(connection, 2025, several=True)] == [charged]
        assert [one.insured for one in years(connection, 2025, OTHER_EMPLOYER)] == [charged]
