"""Finding a deposit from what somebody says on the telephone: a reference, a name, a number, a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.database import deposits, tables
from adapters.database.deposits import Kept
from gateway.matricule import is_employer, is_person
from gateway.moments import LUXEMBOURG, Received
from gateway.procedures import PAYROLL, PROCEDURES

answer = tables.table(tables.Answer)
decision = tables.table(tables.Decision)
deposit = deposits.deposit
member = tables.table(tables.Member)
renumbering = tables.table(tables.Renumbering)

PAGE = 50
"""Deposits on a page."""
LONGEST_QUESTION = 500
"""Characters; nobody says more on the telephone."""
MOST_OF_ONE = 5_000
"""Deposits that one matricule is followed to; what is older is found with a day as well."""

_END = "\uffff"
"""Behind every name that begins alike."""
_REFERENCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]{0,27})?")
_MATRICULE = re.compile(r"[0-9]{13}")
_MEMBER = re.compile(r"[0-9]{19}")
_CODES = frozenset({PAYROLL, *(one.code for one in PROCEDURES)})
COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    *(column for column in deposit.columns if column.name != "receipt"),
    member.c.name.label("called"),
)
"""Of a deposit beside its sender; its receipt is a document, and large."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for; a deposit is found when all of it is true of it.

    Attributes:
        references: ids of deposits or of answers, or how they begin (eight characters at least).
        names: how the name of its file, or of an answer to it, begins.
        members: its sender, 19 digits.
        employers: matricules of employers that it is from or about.
        persons: matricules of persons that it is about: who asks needs a reason.
        procedures: codes, such as DECSAL.
        texts: parts of the name of its sender.
        first, last: days of receipt on the Luxembourg calendar, inclusive; open without them.
    """

    references: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    employers: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all: everything would be found."""
        return self == Question()


class NotUnderstood(ValueError):
    """A word that can be nothing of what is looked for.

    Attributes:
        word: as it was given.
        why: `check-digits` when it looks like a matricule and is none; else `word`.
    """

    def __init__(self, word: str, why: str) -> None:
        super().__init__(f"{why}: {word}")
        self.word = word
        self.why = why


def understand(text: str, first: date | None = None, last: date | None = None) -> Question:
    """What the words of somebody who calls ask for.

    Args:
        text: words between blanks, in any order.
        first, last: days of receipt.

    Raises:
        NotUnderstood: a word can be nothing of it.
    """
    found: dict[str, list[str]] = {}
    for word in text[:LONGEST_QUESTION].split():
        kind, value = _kind(word)
        found.setdefault(kind, []).append(value)
    return Question(**{kind: tuple(words) for kind, words in found.items()}, first=first, last=last)


def _kind(word: str) -> tuple[str, str]:
    """What a word may be, and how it is looked for."""
    if _MEMBER.fullmatch(word):
        return "members", word
    if _MATRICULE.fullmatch(word):
        return _matricule(word)
    if _REFERENCE.fullmatch(word.lower()):
        return "references", word.lower()
    if word.upper().startswith("SECU") or word.count(".") > 1:
        return "names", word.upper().rstrip("….*") if word.upper().startswith("SECU") else word
    if word.upper() in _CODES:
        return "procedures", word.upper()
    if word.isdigit():
        raise NotUnderstood(word, "word")
    return "texts", word


def _matricule(word: str) -> tuple[str, str]:
    if is_person(word):
        return "persons", word
    if is_employer(word):
        return "employers", word
    raise NotUnderstood(word, "check-digits")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a matricule was found in a deposit.

    Attributes:
        register: of what: wage, affiliation, mission, absence or activity_abroad.
        record: place in the batch, from 1; None where the register does not keep it.
        when: month or day that it is about.
        state: as the register has it.
    """

    register: str
    record: int | None
    when: str
    state: str


@dataclass(frozen=True, slots=True)
class Row:
    """A deposit that was found.

    Attributes:
        kept: the deposit.
        member: what its sender is called.
        procedure: of its batch, as far as it is known.
        traces: where the matricule asked for stands in it.
    """

    kept: Kept
    member: str
    procedure: str | None
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of deposits, the newest first.

    Attributes:
        rows: at most `PAGE`.
        before: number of the last of them, when there are more behind it; else None.
    """

    rows: tuple[Row, ...]
    before: int | None


def find(connection: sa.Connection, asked: Question, before: int | None = None) -> Found:
    """The deposits of which all is true that is asked.

    Args:
        connection: to read from.
        asked: what is looked for; nothing is found when it is empty.
        before: number of the last deposit of the page before.
    """
    if asked.is_empty:
        return Found((), None)
    traces = _traces(connection, asked.persons)
    conditions = list(_conditions(asked, traces))
    if before is not None:
        conditions.append(deposit.c.number < before)
    query = (
        sa.select(*COLUMNS)
        .join(member, member.c.id == deposit.c.sender)
        .where(*conditions)
        .order_by(deposit.c.number.desc())
        .limit(PAGE + 1)
    )
    rows = connection.execute(query).all()
    shown = tuple(
        Row(deposits.kept(row), row.called, row.procedure, tuple(traces.get(row.number, ())))
        for row in rows[:PAGE]
    )
    return Found(shown, shown[-1].kept.number if len(rows) > PAGE else None)


def _conditions(asked: Question, traces: Mapping[int, Sequence[Trace]]) -> Iterator[sa.ColumnElement[bool]]:
    for reference in asked.references:
        yield sa.or_(_begins(deposit.c.id, reference), deposit.c.id.in_(_answered(answer.c.id, reference)))
    for name in asked.names:
        yield sa.or_(_begins(deposit.c.name, name), deposit.c.id.in_(_answered(answer.c.name, name)))
    for identifier in asked.members:
        yield deposit.c.sender == identifier
    for matricule in asked.employers:
        yield sa.or_(_begins(deposit.c.sender, matricule), deposit.c.number.in_(_about(matricule)))
    if asked.procedures:
        yield deposit.c.procedure.in_(asked.procedures)
    for text in asked.texts:
        called = sa.select(member.c.id).where(member.c.name.icontains(text, autoescape=True))
        yield deposit.c.sender.in_(called)
    if asked.persons:
        yield deposit.c.number.in_(sorted(traces, reverse=True)[:MOST_OF_ONE])
    if asked.first is not None:
        yield deposit.c.received >= midnight(asked.first)
    if asked.last is not None:
        yield deposit.c.received < midnight(asked.last + timedelta(days=1))


def _begins(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a column begins with a text; by its index, which `LIKE` would not use."""
    return sa.and_(column >= text, column < text + _END)


def _answered(column: sa.ColumnElement[str], text: str) -> sa.Select[Any]:
    """The deposits of answers of which a column begins with a text."""
    return sa.select(answer.c.deposit).where(_begins(column, text), answer.c.deposit.is_not(None))


def _about(matricule: str) -> sa.Select[Any]:
    """The deposits in which an employer is named."""
    return sa.select(decision.c.deposit).where(decision.c.employer == matricule)


def midnight(day: date) -> str:
    """The moment at which a day begins in Luxembourg, as the register writes it."""
    return str(Received(datetime.combine(day, time(), LUXEMBOURG)))


@dataclass(frozen=True, slots=True)
class _Register:
    """A register that names insured persons.

    Attributes:
        table: it.
        when: the column that says what a row is about.
        record: the column of the place in the batch, if it has one.
        stands: the condition of its partial index, spelt out so that the index is used; None where
            all rows are reached by the index of the insured.
    """

    table: sa.Table
    when: str
    record: str | None
    stands: str | None = field(default=None)


_BY_PERSON = _Register(tables.table(tables.Affiliation), "entry", None)
"""The one that has an index by person; it leads to the employers, and they to the other registers."""
_BY_EMPLOYER = (
    _Register(tables.table(tables.Wage), "period", "record", tables.WAGE_STANDS),
    _Register(tables.table(tables.Mission), "entry", "record", tables.MISSION_STANDS),
    _Register(tables.table(tables.Absence), "first_day", "record", tables.ABSENCE_STANDS),
    _Register(tables.table(tables.ActivityAbroad), "first_day", "record", tables.ACTIVITY_STANDS),
)
_ON_HOLD = (
    _Register(tables.table(tables.Wage), "period", "record", tables.WAGE_HELD),
    _Register(tables.table(tables.ActivityAbroad), "first_day", "record", tables.ACTIVITY_HELD),
)
"""Who is on hold is not affiliated yet: looked for among all that is on hold, which is little."""


def _traces(connection: sa.Connection, persons: Iterable[str]) -> Mapping[int, list[Trace]]:
    """By number of deposit, where all of some persons stand in it: what took effect or waits."""
    found: Mapping[int, list[Trace]] | None = None
    for person in persons:
        one = _traces_of(connection, person)
        if found is None:
            found = one
        else:
            found = {number: [*found[number], *one[number]] for number in found.keys() & one.keys()}
    return found or {}


def _traces_of(connection: sa.Connection, person: str) -> Mapping[int, list[Trace]]:
    numbers = _numbers_of(connection, person)
    found: dict[int, dict[Trace, None]] = {}
    affiliations = _BY_PERSON.table
    employers = set(
        connection.execute(
            sa.select(affiliations.c.employer).where(affiliations.c.insured.in_(numbers)).distinct()
        ).scalars()
    )
    for register in (_BY_PERSON, *_BY_EMPLOYER, *_ON_HOLD):
        for number, trace in _rows(connection, register, numbers, employers):
            found.setdefault(number, {})[trace] = None
    return {number: list(traces) for number, traces in found.items()}


def _rows(
    connection: sa.Connection, register: _Register, numbers: Sequence[str], employers: set[str]
) -> Iterator[tuple[int, Trace]]:
    table = register.table
    record = table.c[register.record] if register.record else sa.null()
    query = sa.select(table.c.deposit, record.label("record"), table.c[register.when], table.c.state).where(
        table.c.insured.in_(numbers), table.c.deposit.is_not(None)
    )
    if register in _BY_EMPLOYER:
        query = query.where(table.c.employer.in_(employers))
    if register.stands is not None:
        query = query.where(sa.text(f"{table.name}.{register.stands}"))
    for row in connection.execute(query):
        yield row.deposit, Trace(table.name, row.record, row[2], row.state)


def _numbers_of(connection: sa.Connection, person: str) -> list[str]:
    """All numbers that a person has or had."""
    known, new = {person}, {person}
    while new:
        query = sa.select(renumbering.c.old, renumbering.c.new).where(
            sa.or_(renumbering.c.old.in_(new), renumbering.c.new.in_(new))
        )
        met = {number for row in connection.execute(query) for number in row}
        new = met - known
        known |= new
    return sorted(known)
