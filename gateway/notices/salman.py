"""SALMAN: which wages are awaited, and who is told.

A wage is awaited when somebody was affiliated with an employer on at least one day of a month and has none
of that month, current or held, while somebody else has. A month of which nothing was declared is told by
post, and gives no notice.

It is told on the first working day after the deposit that leaves it out (the operator answers within 24
hours, on working days), to the member who sent that deposit; when that member's mandate has ended
meanwhile, to those whose mandates cover wages now. What was told is told again only when another deposit
has declared wages of that employer and month and still leaves it out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from gateway.batch import MemberId
from gateway.calendar import is_working_day
from gateway.moments import Period, Received
from gateway.notices.names import names
from gateway.notices.recipients import holders
from gateway.registers import Mandate, Registers
from gateway.returns.salman import MissingWage

FIRST = Period(2019, 1)
"""The first month whose wages are taken electronically, and so can be missing (SECUline, SALMAN page)."""

_RIGHT = ("DECSAL",)


class Case(NamedTuple):
    """A month of an employer."""

    employer: str
    period: Period


class Declared(NamedTuple):
    """The latest deposit of which wages of a case stand: its number, who sent it, and when."""

    deposit: int
    member: MemberId
    received: Received


def is_due(declared: Declared, day: date) -> bool:
    """Whether what a deposit leaves out is told on a day: the working day after it, or a later one."""
    return is_working_day(day) and declared.received.day < day


def missing(case: Case, registers: Registers) -> list[MissingWage]:
    """The wages awaited for a case, by insured; none when nothing was declared."""
    declared = _declared(case, registers)
    if not declared or case.period < FIRST:
        return []
    return _awaited(case, registers, declared)


def awaited(case: Case, registers: Registers) -> list[MissingWage]:
    """The wages not declared yet of all who are affiliated, by insured; also where nothing was declared."""
    return _awaited(case, registers, _declared(case, registers))


def _declared(case: Case, registers: Registers) -> set[str]:
    return {wage.key.insured for wage in registers.wages.of_month(case.employer, case.period)}


def _awaited(case: Case, registers: Registers, declared: Collection[str]) -> list[MissingWage]:
    employer, period = case
    staff = registers.affiliations.during(employer, period.first, period.last)
    missing = sorted({affiliation.insured for affiliation in staff}.difference(declared))
    known = registers.persons.identities(missing)
    return [MissingWage(employer, insured, period, *names(known.get(insured))) for insured in missing]


def recipients(declared: Declared, mandates: Sequence[Mandate], at: Received) -> list[MemberId]:
    """Who is told: the member who declared, or those who may declare now in its place."""
    allowed = holders(mandates, _RIGHT, at)
    return [declared.member] if declared.member in allowed else allowed
