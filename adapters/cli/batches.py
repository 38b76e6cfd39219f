"""Making batches: payroll output becomes XML, and gets the member's signature."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, console, print_json, print_table, progress
from adapters.cli.sending import Files, ProfileFile, ended_in_words, read_profile
from gateway.client.making import TAKEN, converting, signing

app = typer.Typer()


@app.command()
def convert(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the batches.")],
    procedure: Annotated[str, typer.Option(help=", ".join(TAKEN))] = "",
    environment: Annotated[str, typer.Option(help="production or test")] = "test",
    software: Annotated[
        str | None,
        typer.Option(help="Name and version of the program that made the payroll output; else ours."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn .dta files into unsigned XML batches, named after the operator's pattern.

    Without --procedure the file name tells it: DECSAL.dta, DECSAL-anything.dta.
    """
    with ended_in_words("Not converted"):
        steps = converting(files, out, procedure=procedure, environment=environment, software=software)
        made = list(progress(steps, "Converting", len(files)))
    if as_json:
        print_json([{"from": str(one.source), "file": str(one.file), "records": one.records} for one in made])
    else:
        rows = ((str(one.source), str(one.file), str(one.records)) for one in made)
        print_table("Batches", ("From", "Batch", "Records"), rows)


@app.command()
def sign(
    files: Files,
    profile: ProfileFile,
    out: Annotated[Path, typer.Option(help="Folder.")],
    as_json: AsJson = False,
) -> None:
    """Sign batches with the member's key.

    An .XML batch gets its signature inside and keeps its name. A .dta batch, and one with CARTID scans or
    annexes, goes into a container with one signature over all of it, named after the operator's pattern. A
    .dta names its sender in its first record, who is the member that has to sign it.
    """
    who = read_profile(profile)
    with ended_in_words("Not signed"):
        made = list(progress(signing(files, who, out), "Signing", len(files)))
    if as_json:
        print_json(
            [
                {"from": str(one.batch), "with": list(map(str, one.attachments)), "file": str(one.file)}
                for one in made
            ]
        )
    else:
        console.print(f"{len(made)} signed in {out}", markup=False)
