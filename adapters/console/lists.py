"""The registers as lists to look things up in: read only, page by page.

What is told of a person asks for a reason, and for whom: the whole list is nobody's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.console.finding import PAGE
from adapters.database import tables

_END = "\uffff"


@dataclass(frozen=True, slots=True)
class Register:
    """A register that can be looked up in.

    Attributes:
        name: of the register in addresses and texts.
        table: where it stands.
        columns: what is shown of it, in order; never a key, a signature or a document.
        key: column by which it is ordered, unique.
        begins: columns of which a word may be the beginning; each has an index, or the register is small.
        contains: columns of which a word may be a part.
        personal: whether it tells of persons: a reason and a number are needed.
    """

    name: str
    table: sa.Table
    columns: tuple[str, ...]
    key: str
    begins: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    personal: bool = False


def _of(noun: type, name: str, key: str, *columns: str, **more: object) -> Register:
    return Register(name, tables.table(noun), columns, key, **more)  # type: ignore[arg-type]


REGISTERS: Mapping[str, Register] = {
    one.name: one
    for one in (
        _of(
            tables.Member,
            "members",
            "id",
            "id",
            "name",
            "kind",
            "registered",
            begins=("id",),
            contains=("name",),
        ),
        _of(
            tables.Agreement,
            "agreements",
            "number",
            *("number", "member", "procedures", "environment", "answers", "pages", "release_above", "agreed"),
            begins=("member",),
        ),
        _of(
            tables.Certificate,
            "certificates",
            "fingerprint",
            *("fingerprint", "member", "registered", "expires", "ended"),
            begins=("member", "fingerprint"),
        ),
        _of(
            tables.SshKey,
            "ssh-keys",
            "fingerprint",
            *("fingerprint", "member", "registered", "ended"),
            begins=("member", "fingerprint"),
        ),
        _of(
            tables.SoftwareClient,
            "software-clients",
            "id",
            *("id", "member", "name", "scopes", "registered", "ended"),
            begins=("member",),
            contains=("name",),
        ),
        _of(
            tables.Employer,
            "employers",
            "matricule",
            *(
                "matricule",
                "name",
                "household",
                "legal_form",
                "postcode",
                "town",
                "country",
                "activity",
                "started",
            ),
            begins=("matricule",),
            contains=("name",),
        ),
        _of(
            tables.EmployerYear,
            "employer-years",
            "id",
            *("matricule", "year", "mde_class", "accident_factor", "public", "health_service", "entered"),
            begins=("matricule",),
        ),
        _of(
            tables.Mandate,
            "mandates",
            "number",
            *("number", "member", "employer", "procedures", "first", "last", "state", "since", "ended"),
            begins=("member", "employer"),
        ),
        _of(
            tables.Company,
            "companies",
            "matricule",
            *("matricule", "name", "postcode", "town", "country"),
            begins=("matricule",),
            contains=("name",),
        ),
        _of(tables.Outage, "outages", "number", "number", "first", "until", "reason", contains=("reason",)),
        _of(
            tables.Affiliation,
            "affiliations",
            "id",
            *("employer", "insured", "entry", "exit", "contract", "scheme", "user", "trial", "state"),
            begins=("employer", "insured"),
            personal=True,
        ),
        _of(
            tables.Person,
            "persons",
            "matricule",
            *("matricule", "surname", "first_name", "born", "nationality", "postcode", "town", "country"),
            begins=("matricule",),
            personal=True,
        ),
        _of(
            tables.Renumbering,
            "renumberings",
            "old",
            *("old", "new", "effective"),
            begins=("old", "new"),
            personal=True,
        ),
        _of(
            tables.Circumstance,
            "circumstances",
            "number",
            *("number", "matter", "employer", "insured", "first", "last"),
            begins=("employer", "insured"),
            personal=True,
        ),
    )
}
"""Every register that the console shows, by its name."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a register.

    Attributes:
        rows: cells in the order of its columns; an empty text where there is nothing.
        after: key of the last row, when there are more behind it; else None.
    """

    rows: tuple[tuple[str, ...], ...]
    after: str | None


def page(connection: sa.Connection, register: Register, word: str, after: str = "") -> Page:
    """The rows of a register that a word leads to, a page of them.

    Args:
        word: beginning of a number, or part of a name; all rows when it is empty, but none of persons.
        after: key of the last row of the page before.
    """
    if register.personal and not word:
        return Page((), None)
    table = register.table
    key = table.c[register.key]
    columns: list[sa.ColumnElement[Any]] = [*(table.c[name] for name in register.columns), key.label("_key")]
    query = sa.select(*columns).order_by(key)
    if word:
        query = query.where(_meets(register, word))
    if after:
        query = query.where(key > _key_of(register, after))
    rows = connection.execute(query.limit(PAGE + 1)).all()
    shown = rows[:PAGE]
    more = str(shown[-1][-1]) if len(rows) > PAGE else None
    return Page(tuple(tuple(map(_cell, row[:-1])) for row in shown), more)


def _meets(register: Register, word: str) -> sa.ColumnElement[bool]:
    columns = register.table.c
    begun = (
        columns[name] == word
        if register.personal
        else sa.and_(columns[name] >= word, columns[name] < word + _END)
        for name in register.begins
    )
    parts = (columns[name].icontains(word, autoescape=True) for name in register.contains)
    return sa.or_(*begun, *parts)


def _key_of(register: Register, text: str) -> object:
    """The key of a row as its column has it.

    Raises:
        ValueError: it cannot be one.
    """
    return int(text) if isinstance(register.table.c[register.key].type, sa.Integer) else text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "–"
    return str(value)
