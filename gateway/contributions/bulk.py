"""The contributions of very many insured for one month, in whole numbers: the reference's, to the cent.

Amounts are columns of 64-bit integers. A base counts in parts of a cent, as many as a full month has
hundredths of an hour (17,300): floor and allowance for some hours are whole numbers of these parts. A rate
counts in millionths. So a share is exact until its one rounding, and no number is ever a floating one.

Each row is computed as the first month of a year is, with nothing left over by earlier ones. Rows for which
that does not do are named, for the reference: pay above the ceiling in a month that settles the year, amounts
so large that a product would not fit, and those below zero. Who has pay of earlier months that was above the
ceiling belongs to the reference as well; no column tells it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from gateway.contributions.groups import Group
from gateway.contributions.policy import Allowance, Ceiling, Policy, Rounding, Sickness
from gateway.contributions.reference import Insurance, Pay
from gateway.contributions.schedule import Classification, Element, HealthService, Rate, Schedule
from gateway.parameters import Branch, Parameter

Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

ADULT = 18
"""Age from which the floor is that of an adult; also stands for an age that is not known."""
HUNDREDTHS = 100
RATE_SCALE = 1_000_000
_CHUNK = 16_384
"""Rows at once: few enough that all their numbers stay in the cache of a processor."""
_LARGEST = 2**63 - 1
_DECEMBER = 12
_GROUPS, _SERVICES, _BRANCHES = tuple(Group), tuple(HealthService), tuple(Branch)
_CLASSES = 5
_DEFAULT = Policy()


@dataclass(frozen=True, slots=True)
class Columns:
    """What decides about the contributions of many insured in one month: a place of each array for one.

    Attributes:
        elements: cents, one row an element in the order of `Element`, one column an insured.
        hours: hundredths of an hour paid.
        age: completed years; `ADULT` when not known.
        group: place in `Group`.
        mde_class: 1 to 4; 0 for an exempt employer.
        accident_factor: hundredths.
        public: 1 for an employer of the public sector, otherwise 0.
        health_service: place in `HealthService`.

    Raises:
        ValueError: arrays that are not of int64 or not of one length; places, classes and factors that there
            are not.
    """

    elements: Whole
    hours: Whole
    age: Whole
    group: Whole
    mde_class: Whole
    accident_factor: Whole
    public: Whole
    health_service: Whole

    def __post_init__(self) -> None:
        lists = (self.hours, self.age, *(column for column, _ in self._ranges()))
        if any(one.dtype != np.int64 for one in (self.elements, *lists)):
            raise ValueError("columns are of 64-bit integers")
        if self.elements.shape != (len(Element), self.rows) or any(
            one.shape != (self.rows,) for one in lists
        ):
            raise ValueError("columns are of one length, and the elements of the pay are five")
        for column, (least, most) in self._ranges():
            if self.rows and not least <= int(column.min()) <= int(column.max()) <= most:
                raise ValueError(f"a place, class or factor is not between {least} and {most}")

    def _ranges(self) -> Iterator[tuple[Whole, tuple[int, int]]]:
        yield self.group, (0, len(_GROUPS) - 1)
        yield self.mde_class, (0, _CLASSES - 1)
        yield self.accident_factor, (1, 999)
        yield self.public, (0, 1)
        yield self.health_service, (0, len(_SERVICES) - 1)

    @property
    def rows(self) -> int:
        return len(self.hours)

    @classmethod
    def of(cls, cases: Iterable[tuple[Pay, Insurance, Classification]]) -> Columns:
        """Gather cases, whose hours are whole hundredths and whose amounts fit.

        Raises:
            ValueError: when some hours are not whole hundredths.
            OverflowError: when an amount does not fit into 64 bits.
        """
        table = np.array([*_rows(cases)], dtype=np.int64).reshape(-1, len(Element) + 7)
        columns = np.ascontiguousarray(table.T)
        return cls(columns[: len(Element)], *columns[len(Element) :])


def _rows(cases: Iterable[tuple[Pay, Insurance, Classification]]) -> Iterator[tuple[int, ...]]:
    known: Classification | None = None
    classes: tuple[int, ...] = ()
    for pay, insurance, employer in cases:
        if employer is not known:  # The people of an employer come one after the other.
            known, classes = employer, _classes(employer)
        age = ADULT if insurance.age is None else insurance.age
        hours = whole(pay.hours, HUNDREDTHS)
        yield *pay.amounts, hours, age, _GROUPS.index(insurance.group), *classes


def _classes(employer: Classification) -> tuple[int, ...]:
    return (
        employer.mde_class or 0,
        employer.accident_factor,
        int(employer.public),
        _SERVICES.index(employer.health_service),
    )


def whole(value: Decimal, scale: int) -> int:
    """A value of the law, or hours, as a whole number of parts.

    Raises:
        ValueError: when it is none.
    """
    numerator, denominator = value.as_integer_ratio()
    parts, rest = divmod(numerator * scale, denominator)
    if rest:
        raise ValueError(f"{value} is not a whole number of parts of {scale}")
    return parts


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is due: a row of each table for a branch, in the order of `Branch`, a column for an insured.

    Attributes:
        base: cents, rounded half-up; 0 where the branch is not due.
        employee, employer: the two shares, cents.
        present: whether there is a line.
        apart: by insured: whether the reference has to compute this one, and nothing here counts.
    """

    base: Whole
    employee: Whole
    employer: Whole
    present: Mask
    apart: Mask

    @classmethod
    def empty(cls, rows: int) -> Amounts:
        base, employee, employer = np.zeros((3, len(_BRANCHES), rows), np.int64)
        present = np.zeros((len(_BRANCHES), rows), np.bool_)
        return cls(base, employee, employer, present, np.zeros(rows, np.bool_))


@dataclass(frozen=True, slots=True)
class Line:
    """One branch as tables.

    Attributes:
        place: of the branch in `Branch`.
        rates: millionths, by group and circumstance (see `_circumstance`); for accident insurance those
            of one hundredth of the factor. Zero where there is no line.
        present: whether there is a line, at the same places.
        circumstances: how many of these each group has.
    """

    branch: Branch
    place: int
    rates: Whole
    present: Mask
    circumstances: int
    employee: bool
    employer: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """Branches with one and the same base.

    Attributes:
        elements: places of the elements of the pay that enter it.
    """

    elements: tuple[int, ...]
    floored: bool
    capped: bool
    allowance: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The law of a month in whole numbers: amounts in cents, bases in parts of a cent.

    Attributes:
        unit: parts of a cent, hundredths of an hour of a full month as well.
        minimum: the floor of a full month, by age (adult, 17, 15 and 16) and group; 0 without one.
        allowance_from: hundredths of an hour from which the whole allowance is given.
        ceiling: in parts.
        most: an element above this would be too large.
    """

    unit: int
    minimum: Whole
    allowance: int
    allowance_from: int
    ceiling: int
    kinds: tuple[Kind, ...]
    most: int

    @classmethod
    def of(cls, schedule: Schedule) -> Tables:
        """The tables of a month.

        Raises:
            ValueError: when the law has a value that is no whole number of these parts.
        """
        unit = whole(schedule.full_time_hours, HUNDREDTHS)
        by_age = (schedule.minimum.adult, schedule.minimum.age_17, schedule.minimum.age_15_16)
        kinds = tuple(_kinds(schedule))
        rates = {line.branch: int(line.rates.max()) for kind in kinds for line in kind.lines}
        rates[Branch.ACCIDENT] *= 999
        largest = max(*rates.values(), rates[Branch.CARE] + rates[Branch.CASH])
        return cls(
            unit=unit,
            minimum=np.array([_floors(schedule, one) for one in by_age], np.int64).reshape(-1),
            allowance=whole(schedule.allowance.value, 100),
            allowance_from=whole(schedule.allowance_full_from, HUNDREDTHS),
            ceiling=whole(schedule.ceiling.value, 100) * unit,
            kinds=kinds,
            most=(_LARGEST - unit * RATE_SCALE) // (2 * unit * largest * len(Element)),
        )


def _floors(schedule: Schedule, minimum: Parameter[Decimal]) -> list[int]:
    return [whole(minimum.value, 100) if group in schedule.groups.floored else 0 for group in _GROUPS]


def _kinds(schedule: Schedule) -> Iterator[Kind]:
    together: dict[tuple[tuple[Element, ...], bool, bool, bool], list[Line]] = {}
    for branch in _BRANCHES:
        dependency = branch is Branch.DEPENDENCY
        base = (
            schedule.elements[branch],
            branch in schedule.floored and not dependency,
            branch in schedule.capped and not dependency,
            dependency,
        )
        together.setdefault(base, []).append(_line(schedule, branch))
    places = {element: place for place, element in enumerate(Element)}
    for (elements, floored, capped, allowance), lines in together.items():
        yield Kind(tuple(places[one] for one in elements), floored, capped, allowance, tuple(lines))


def _line(schedule: Schedule, branch: Branch) -> Line:
    by_circumstance = _circumstance(schedule, branch)
    some = next(rate for rate in by_circumstance if rate is not None)
    scale = RATE_SCALE // 100 if branch is Branch.ACCIDENT else RATE_SCALE
    found = [
        rate if branch in schedule.groups.branches[group] else None
        for group in _GROUPS
        for rate in by_circumstance
    ]
    return Line(
        branch=branch,
        place=_BRANCHES.index(branch),
        rates=np.array([0 if rate is None else whole(rate.value, scale) for rate in found], np.int64),
        present=np.array([rate is not None for rate in found]),
        circumstances=len(by_circumstance),
        employee=some.employee,
        employer=some.employer,
    )


def _circumstance(schedule: Schedule, branch: Branch) -> list[Rate | None]:
    """The rates of a branch by what decides about it beside the group: class, service, public or not."""
    match branch:
        case Branch.MDE:
            return [None, *(schedule.mutuality[number] for number in range(1, _CLASSES))]
        case Branch.HEALTH_AT_WORK:
            return [schedule.health.get(service) for service in _SERVICES]
        case Branch.FAMILY_BENEFITS:
            return [None, schedule.rates[branch]]
        case _:
            return [schedule.rates[branch]]


class BulkMonth:
    """The computation of one month under one policy.

    Raises:
        ValueError: when the law of the month has values that do not fit; the reference has them all.
    """

    def __init__(self, schedule: Schedule, policy: Policy = _DEFAULT) -> None:
        self.tables = Tables.of(schedule)
        self._line_together = policy.rounding is Rounding.LINE
        self._joined = policy.sickness is Sickness.JOINED
        self._allowance_rounded = policy.allowance is Allowance.ROUNDED
        december = schedule.period.month == _DECEMBER
        self._settles = policy.ceiling is Ceiling.CUMULATIVE or (
            policy.ceiling is Ceiling.YEAR_END and december
        )

    def compute(self, columns: Columns) -> Amounts:
        """What is due for each insured."""
        due = Amounts.empty(columns.rows)
        self.fill(columns, due)
        return due

    def fill(self, columns: Columns, due: Amounts) -> None:
        """The same into arrays of an earlier computation of as many insured, by the same law."""
        due.apart[:] = False
        room = _Room.of(min(_CHUNK, columns.rows))
        for first in range(0, columns.rows, _CHUNK):
            rows = slice(first, min(first + _CHUNK, columns.rows))
            self._chunk(columns, rows, due, room.cut(rows.stop - first))

    def _chunk(self, columns: Columns, rows: slice, due: Amounts, room: _Room) -> None:
        elements, apart = columns.elements[:, rows], due.apart[rows]
        hours, group = columns.hours[rows], columns.group[rows]
        self._mark_unfit(elements, hours, apart)
        floor = self._floor(hours, columns.age[rows], group)
        places = self._places(columns, rows, group)
        for kind in self.tables.kinds:
            base = room.base
            self._base(kind, elements, floor, hours, base, apart)
            self._round(base, self.tables.unit, room.cents)
            for line in kind.lines:
                place = places.get(line.circumstances, group)
                present = due.present[line.place, rows]
                line.present.take(place, out=present, mode="clip")
                np.multiply(room.cents, present, out=due.base[line.place, rows])
                share = room.shares.get(line.branch, room.share)
                line.rates.take(place, out=share, mode="clip")
                if line.branch is Branch.ACCIDENT:
                    np.multiply(share, columns.accident_factor[rows], out=share)
                np.multiply(share, base, out=share)
                self._both(line, share, due.employee[line.place, rows], due.employer[line.place, rows])
        if self._joined:
            self._join(due, rows, room)

    def _mark_unfit(self, elements: Whole, hours: Whole, apart: Mask) -> None:
        """Mark what is too large or below zero, which as an unsigned number is too large as well."""
        most = self.tables.most
        if int(elements.view(np.uint64).max()) > most:
            np.greater(elements.view(np.uint64).max(axis=0), most, out=apart)
        if int(hours.view(np.uint64).max()) > most:
            apart |= hours.view(np.uint64) > most

    def _floor(self, hours: Whole, age: Whole, group: Whole) -> Whole:
        """The floor of each, in parts; 0 for a group without one."""
        place = (age < ADULT).astype(np.int64)
        place += age < ADULT - 1
        place *= len(_GROUPS)
        place += group
        floor: Whole = np.minimum(hours, self.tables.unit)
        floor *= self.tables.minimum.take(place, mode="clip")
        return floor

    @staticmethod
    def _places(columns: Columns, rows: slice, group: Whole) -> dict[int, Whole]:
        """Where to look in the tables of lines, by how many circumstances they tell apart."""
        by = (
            (_CLASSES, columns.mde_class),
            (len(_SERVICES), columns.health_service),
            (2, columns.public),
        )
        return {number: group * number + column[rows] for number, column in by}

    def _base(
        self, kind: Kind, elements: Whole, floor: Whole, hours: Whole, base: Whole, apart: Mask
    ) -> None:
        """The base of a kind, in parts."""
        first, *others = kind.elements
        np.copyto(base, elements[first])
        for place in others:
            np.add(base, elements[place], out=base)
        np.multiply(base, self.tables.unit, out=base)
        if kind.allowance:
            np.subtract(base, self._allowance(hours), out=base)
            np.maximum(base, 0, out=base)
        if kind.floored:
            np.maximum(base, floor, out=base)
        if kind.capped:
            if self._settles:
                apart |= base > self.tables.ceiling
            np.minimum(base, self.tables.ceiling, out=base)

    def _allowance(self, hours: Whole) -> Whole:
        """What is free of the dependency contribution, in parts."""
        tables = self.tables
        part: Whole = hours * tables.allowance
        if self._allowance_rounded:
            self._round(part, tables.unit, part)
            part *= tables.unit
        part[hours >= tables.allowance_from] = tables.allowance * tables.unit
        return part

    def _both(self, line: Line, share: Whole, employee: Whole, employer: Whole) -> None:
        """Round a share for each side that owes it."""
        whole_cent = self.tables.unit * RATE_SCALE
        if not line.employee:
            self._round(share, whole_cent, employer)
            return
        self._round(share, whole_cent, employee)
        if line.employer and self._line_together:
            self._round(2 * share, whole_cent, employer)
            np.subtract(employer, employee, out=employer)
        elif line.employer:
            np.copyto(employer, employee)

    def _join(self, due: Amounts, rows: slice, room: _Room) -> None:
        """Round care and cash benefits together; cash gets what care leaves: nothing where there is none."""
        together = room.shares[Branch.CARE] + room.shares[Branch.CASH]
        whole_cent = self.tables.unit * RATE_SCALE
        care, cash = _BRANCHES.index(Branch.CARE), _BRANCHES.index(Branch.CASH)
        employee, employer = due.employee[cash, rows], due.employer[cash, rows]
        self._round(together, whole_cent, employee)
        if self._line_together:
            self._round(2 * together, whole_cent, employer)
            np.subtract(employer, employee, out=employer)
        else:
            np.copyto(employer, employee)
        np.subtract(employee, due.employee[care, rows], out=employee)
        np.subtract(employer, due.employer[care, rows], out=employer)

    @staticmethod
    def _round(parts: Whole, unit: int, out: Whole) -> None:
        """Round parts, none of them below zero, half-up to whole ones; a unit is even."""
        np.add(parts, unit // 2, out=out)
        unsigned = out.view(np.uint64)  # whose division takes half the time
        np.floor_divide(unsigned, unit, out=unsigned)


@dataclass(frozen=True, slots=True)
class _Room:
    """Arrays for what is computed on the way, used again for every chunk."""

    base: Whole
    cents: Whole
    share: Whole
    shares: dict[Branch, Whole]

    @classmethod
    def of(cls, rows: int) -> _Room:
        base, cents, share, care, cash = np.empty((5, rows), np.int64)
        return cls(base, cents, share, {Branch.CARE: care, Branch.CASH: cash})

    def cut(self, rows: int) -> _Room:
        """For the last chunk, which may have fewer rows."""
        if rows == len(self.base):
            return self
        kept = {branch: share[:rows] for branch, share in self.shares.items()}
        return _Room(self.base[:rows], self.cents[:rows], self.share[:rows], kept)
