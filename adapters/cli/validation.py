"""`secugate validate`: what is wrong with files, before they are signed and sent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Language, print_json, print_table
from adapters.cli.sending import Files
from gateway.client.offline import validate as judge
from gateway.client.results import Finding

app = typer.Typer()


@app.command()
def validate(
    files: Files,
    language: Annotated[Language, typer.Option(help="Of what is said.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Check .XML and .dta batches, alone or in a container, by the forms and rules of the gateway itself.

    Exits with 1 when anything is blocking. Rules that need the registers (mandates, affiliations, numbers,
    what was declared before) are judged by the gateway only; so are signatures, and what is in a picture or
    a PDF. --json prints `valid` and `anomalies`; for several files an object of these by file.
    """
    found = {str(file): judge(file) for file in files}
    if as_json:
        told = {file: asdict(one) for file, one in found.items()}
        print_json(told if len(files) > 1 else next(iter(told.values())))
    elif any(one.anomalies for one in found.values()):
        print_table(
            "Faults",
            ("File", "Line", "Record", "Field", "Code", "What"),
            (_cells(file, one, language) for file, each in found.items() for one in each.anomalies),
        )
    else:
        print_table("Validated", ("File", "Faults"), ((file.name, "none") for file in files))
    if not all(one.valid for one in found.values()):
        raise typer.Exit(1)


def _cells(file: str, one: Finding, language: Language) -> tuple[str, ...]:
    said = one.message[language]
    places = ("" if place is None else str(place) for place in (one.line, one.record, one.field))
    return Path(file).name, *places, one.code, said if one.value is None else f"{said} [{one.value}]"
