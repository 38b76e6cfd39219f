"""`secugate validate`: whether files have their form, before they are signed and sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Language, print_json, print_table
from adapters.cli.sending import Files
from adapters.client.parcels import procedure_of
from gateway import contents
from gateway.agreement import Agreement
from gateway.batch import Anomaly
from gateway.contents.checks import Expected
from gateway.moments import Received, system_clock
from gateway.outcome import Rejected
from gateway.procedures import PROCEDURES
from gateway.rejections import REJECTIONS

app = typer.Typer()


@app.command()
def validate(
    files: Files,
    language: Annotated[Language, typer.Option(help="Of what is said.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Check .XML and .dta batches against their forms; exits with 1 when one has a fault.

    Rules that need the registers (mandates, affiliations, numbers) are judged by the gateway only.
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
    name = f"{procedure_of(file)}.dta" if file.suffix.lower() == ".dta" else "batch.xml"
    expected = Expected(None, None, Received(system_clock()), None, _EVERYTHING)
    try:
        batch = contents.read_files({name: file.read_bytes()}, expected, lambda _kind, _content: None)
    except Rejected as refusal:
        yield from refusal.anomalies
        return
    for part in batch.parts or (batch,):
        yield from part.anomalies


_EVERYTHING = Agreement(frozenset(one.code for one in PROCEDURES))


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
