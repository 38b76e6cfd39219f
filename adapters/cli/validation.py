"""`secugate validate`: whether files have their form, before they are signed and sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Language, print_json, print_table
from adapters.cli.sending import Files
from adapters.client.parcels import procedure_of
from gateway import contents, names
from gateway.agreement import Agreement
from gateway.batch import Anomaly, Batch
from gateway.contents.checks import LONGEST_VALUE, Expected
from gateway.moments import Received, system_clock
from gateway.outcome import Rejected
from gateway.procedures import PROCEDURES
from gateway.rejections import REJECTIONS
from signing.container import MAGIC, BadContainer, open_container

app = typer.Typer()


@app.command()
def validate(
    files: Files,
    language: Annotated[Language, typer.Option(help="Of what is said.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Check .XML and .dta batches against their forms, alone or in a container; exits with 1 at a fault.

    Rules that need the registers (mandates, affiliations, numbers) are judged by the gateway only; so are
    signatures, and what is in a picture or a PDF.
    """
    found = {file: list(_faults(file)) for file in files}
    rows = [_row(file, fault, language) for file, faults in found.items() for fault in faults]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            "Faults", ("File", "Line", "Record", "Field", "Code", "What"), (_cells(row) for row in rows)
        )
    else:
        print_table("Validated", ("File", "Faults"), ((file.name, "none") for file in files))
    if rows:
        raise typer.Exit(1)


def _faults(file: Path) -> Iterator[Anomaly]:
    """What the form has against a batch."""
    try:
        batch = read_batch(file)
    except Rejected as refusal:
        yield from refusal.anomalies
        return
    for part in batch.parts or (batch,):
        yield from part.anomalies


def read_batch(file: Path) -> Batch:
    """The batch in a file: an .XML document or a .dta file, alone or in a container.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    content, expected = file.read_bytes(), anything()
    if not content.startswith(MAGIC):
        name = f"{procedure_of(file)}.dta" if file.suffix.lower() == ".dta" else "batch.xml"
        return contents.read_files({name: content}, expected, _unseen)
    try:
        files = open_container(content).files
    except BadContainer as fault:
        raise Rejected(Anomaly("FILE-CONTAINER", value=fault.reason[:LONGEST_VALUE])) from None
    return contents.read_files(files, _told_by(file.name, expected), _unseen)


def anything() -> Expected:
    """What is expected of a batch of which nothing is known: only that its form is in force now."""
    return Expected(None, None, Received(system_clock()), None, _EVERYTHING)


def _told_by(name: str, expected: Expected) -> Expected:
    """What the name of a container says of its content; one that is not the operator's says nothing."""
    try:
        told = names.parse(name)
    except ValueError:
        return expected
    return replace(expected, sender=str(told.member), procedure=told.type)


def _unseen(_kind: str, _content: bytes) -> None:
    """Pictures and PDFs are looked into by the gateway, in a process of their own."""


_EVERYTHING = Agreement(frozenset(one.code for one in PROCEDURES), own_computation=True)


def _row(file: Path, fault: Anomaly, language: Language) -> Mapping[str, object]:
    said = REJECTIONS[fault.code]
    return {
        "file": file.name,
        "line": fault.line,
        "record": fault.record,
        "field": fault.field,
        "code": fault.code,
        "value": fault.value,
        "text": said.texts[language],
        "remedy": said.remedies[language],
    }


def _cells(row: Mapping[str, object]) -> tuple[str, ...]:
    told = ("file", "line", "record", "field", "code")
    what = str(row["text"]) if row["value"] is None else f"{row['text']} [{row['value']}]"
    return *("" if row[name] is None else str(row[name]) for name in told), what
