"""`secugate procedures`: every message the gateway takes or gives, and what answers what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import typer

from adapters.cli.output import AsJson, print_json, print_table
from gateway.attachments import KINDS
from gateway.procedures import EVERY_DEPOSIT, PROCEDURES, REFUSED_FILE, answers_to, procedure
from xsd import catalogue

app = typer.Typer()

_DIRECTIONS = {"in": "to the gateway", "out": "from the gateway"}


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the list.

    Attributes:
        direction: `in` to the gateway, `out` from it.
        versions: of its form, whether in force or not; none for files without a form: what goes with a
            batch, and pages to read.
        fields: how many values its newest form has room for, each counted once, beside the head that all
            messages share; None without a form.
        answers: codes of all that may come back.
    """

    code: str
    direction: str
    family: str
    versions: list[str]
    fields: int | None
    answers: list[str]


@app.command()
def procedures(as_json: AsJson = False) -> None:
    """List every message: its direction, versions, number of fields, and what answers it."""
    messages = list(_messages())
    if as_json:
        print_json([asdict(one) for one in messages])
        return
    rows = (
        (
            one.code,
            _DIRECTIONS[one.direction],
            one.family,
            ", ".join(one.versions),
            str(one.fields or ""),
            ", ".join(one.answers),
        )
        for one in messages
    )
    print_table("Messages", ("Code", "Direction", "Family", "Versions", "Fields", "Answers"), rows)


def _messages() -> Iterator[Message]:
    for entry in catalogue().entries.values():
        if entry.direction not in _DIRECTIONS:
            continue
        newest, span = max(entry.versions.items())
        yield Message(
            entry.code,
            entry.direction,
            entry.family,
            list(entry.versions),
            fields=catalogue().form(entry.code, newest, span.first).leaves,
            answers=list(answers_to(entry.code)),
        )
    for kind in KINDS:
        batch = procedure(kind.procedure)
        answers = [*EVERY_DEPOSIT, batch.returns_code, *REFUSED_FILE]
        yield Message(kind.code, "in", batch.family, versions=[], fields=None, answers=answers)
    for one in PROCEDURES:
        for page in one.pages:
            yield Message(page, "out", one.family, versions=[], fields=None, answers=[])
