"""Which fields a code is about: what its row says, else what the forms and the tables of rules say.

Kept apart from the table: the forms need not be built to know what a code means.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import ModuleType

from gateway.procedures import PROCEDURES, Procedure
from gateway.procedures.judgement import NO_MANDATE, Due, Finding, Rule
from gateway.rejections import REJECTIONS
from xsd import catalogue


def fields_of(code: str) -> tuple[str, ...]:
    """Names of the elements that a code is about, in the order of the form; none when it is about no field
    in particular.

    Args:
        code: key of the table of rejections.
    """
    return REJECTIONS[code].fields or _told().get(code, ())


@cache
def _told() -> Mapping[str, tuple[str, ...]]:
    """By code, the fields that forms and rules name."""
    told: dict[str, dict[str, None]] = {}
    for one in PROCEDURES:
        found = set(_findings(one))
        for name in one.form.fields:
            for code, field in found:
                if field == name:
                    told.setdefault(code, {})[name] = None
    return {code: tuple(names) for code, names in told.items()}


def _findings(one: Procedure) -> Iterator[Finding]:
    form = one.form
    yield form.bad_employer, "Employer"
    yield NO_MANDATE, "Employer"
    for version in catalogue().entries[one.code].versions.values():
        for field in catalogue().form(one.code, version.number, version.first).fields:
            yield field.rejection, field.name
            if field.required:
                yield field.missing, field.name
    yield from _ruled(sys.modules[one.handle.__module__])


def _ruled(handler: ModuleType) -> Iterator[Finding]:
    """What the tables of rules of a handler name: its module-level tuples of rules."""
    for table in vars(handler).values():
        if isinstance(table, tuple):
            yield from _in_table(table)


def _in_table(table: Iterable[object]) -> Iterator[Finding]:
    for line in table:
        match line:
            case Rule() | Due():
                yield line.code, line.field
            case (str(code), str(field)) if code in REJECTIONS:
                yield code, field
