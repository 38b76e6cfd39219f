"""Making batches: payroll output becomes XML, and gets the member's signature."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from lxml import etree

from adapters.cli.output import AsJson, console, print_json, print_table, progress, refused, wrong_use
from adapters.cli.sending import Files, ProfileFile, keep, read_profile
from adapters.client.parcels import Ungrouped, group
from gateway import dta, names, procedures, wire
from gateway.batch import Header
from gateway.moments import Received, system_clock
from gateway.procedures import PROCEDURES
from signing.parse import Unreadable
from signing.sign import Signer, UnusableKey
from xsd import catalogue

app = typer.Typer()

TAKEN = tuple(one.code for one in PROCEDURES if not dta.is_xml_only(one.code))
"""Procedures that have a `.dta` layout."""

OWN_SOFTWARE = f"Secugate {version('secugate')}"


@app.command()
def convert(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the batches.")],
    procedure: Annotated[str, typer.Option(help=", ".join(TAKEN))] = "",
    environment: Annotated[str, typer.Option(help="production or test")] = "test",
    software: Annotated[
        str, typer.Option(help="Name and version of the program that made the payroll output.")
    ] = OWN_SOFTWARE,
    as_json: AsJson = False,
) -> None:
    """Turn .dta files into unsigned XML batches, named after the operator's pattern.

    Without --procedure the file name tells it: DECSAL.dta, DECSAL-anything.dta.
    """
    now = system_clock()
    made = []
    for place, file in enumerate(files):
        code = procedure or file.name.split(".")[0].split("-")[0].upper()
        if code not in TAKEN and not dta.is_xml_only(code):
            wrong_use(f"{file}: {code} is no procedure; name one with --procedure")
        form = catalogue().form(code, "1.0", Received(now).day)
        try:
            content = dta.read(file.read_bytes(), form)
        except dta.UnreadableError as error:
            refused(f"{file}: {error}")
        header = Header(code, form.version, content.member, wire.OPERATOR, environment, now, software)
        # A hundredth apart: a name never repeats.
        stamp = names.stamp(now + timedelta(milliseconds=10 * place))
        office = names.Office.of(environment)
        name = str(names.FileName(code, stamp, content.member, incoming=True, office=office))
        root = wire.write_batch(header, procedures.procedure(code).record, content.records)
        if any(fault.field == "Software" for fault in form.check(root).faults):
            wrong_use(f"--software is 1 to 60 printable characters on one line, not {software!r}")
        keep(out / name, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
        made.append({"from": str(file), "file": str(out / name), "records": len(content.records)})
    if as_json:
        print_json(made)
    else:
        print_table(
            "Batches", ("From", "Batch", "Records"), ([str(cell) for cell in one.values()] for one in made)
        )


@app.command()
def sign(files: Files, profile: ProfileFile, out: Annotated[Path, typer.Option(help="Folder.")]) -> None:
    """Sign batches with the member's key.

    An .XML batch gets its signature inside and keeps its name. A .dta batch, and one with CARTID scans or
    annexes, goes into a container with one signature over all of it, named after the operator's pattern. A
    .dta names its sender in its first record, who is the member that has to sign it.
    """
    who = read_profile(profile)
    try:
        signer = Signer.load(who.key, who.certificate)
        parcels = group(files)
    except (OSError, UnusableKey, Ungrouped) as error:
        wrong_use(str(error))
    now = system_clock()
    made = []
    for place, parcel in enumerate(progress(parcels, "Signing", len(parcels))):
        # A hundredth apart: a name never repeats.
        name = parcel.name(who, now + timedelta(milliseconds=10 * place))
        try:
            other = parcel.stranger(who.member)
            if other is not None:
                refused(f"{parcel.batch} is of member {other}; it has to be signed by that member")
            keep(out / name, parcel.sign(signer, now))
        except (Unreadable, ValueError) as error:
            refused(f"{parcel.batch}: {error}")
        made.append(name)
    console.print(f"{len(made)} signed in {out}", markup=False)
