"""`secugate fix`: what was refused, as a batch to be corrected and sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Language, errors, print_json, print_table, refused
from adapters.cli.sending import Files, keep, read_profile
from adapters.client.seals import GOOD, seal_verdict
from gateway import fixpack, names
from gateway.fixpack import FixPack, LeftOut
from gateway.moments import system_clock
from signing.parse import Unreadable, parse

app = typer.Typer()


@app.command()
def fix(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the batches and their listings.")],
    profile: Annotated[
        Path | None, typer.Option(help="The member's profile (TOML), to check the seal.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the listing.")] = Language.EN,
    dta: Annotated[bool, typer.Option("--dta", help="Write .dta files instead of XML batches.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn returns into unsigned batches of the refused records, each with a listing of what to correct.

    With --profile the gateway's seal on the returns is checked first. A .dta file cannot carry every text;
    the records it leaves out are named, and the command exits with 1.
    """
    seal = None if profile is None else read_profile(profile).seal
    now = system_clock()
    made, left_out = [], False
    for place, file in enumerate(files):
        # A hundredth apart: a name never repeats.
        pack, missing = _pack(file, seal, now + timedelta(milliseconds=10 * place), dta)
        for each in missing:
            left_out = True
            errors.print(f"{file}: not in the .dta file: {_told(each)}", style="red", markup=False)
        name = _write(pack, missing, out, language, dta) if pack.records else ""
        made.append({"from": str(file), "file": name, "records": len(pack.records)})
    if as_json:
        print_json(made)
    else:
        print_table(
            "Fix packs", ("From", "Batch", "Records"), ([str(cell) for cell in one.values()] for one in made)
        )
    if left_out:
        raise typer.Exit(1)


def _pack(file: Path, seal: Path | None, now: datetime, dta: bool) -> tuple[FixPack, Sequence[LeftOut]]:
    """What can be written of the pack of a return, and what cannot."""
    content = file.read_bytes()
    if seal is not None and (verdict := seal_verdict(content, seal)) != GOOD:
        refused(f"{file}: the gateway's seal is not good: {verdict}")
    try:
        pack = fixpack.of(parse(content), now)
        return fixpack.carried(pack) if dta else (pack, ())
    except (Unreadable, ValueError) as error:
        refused(f"{file}: {error}")


def _told(left: LeftOut) -> str:
    return f"record {left.record.record}, {left.reason.field}: {left.reason.seen}. {left.reason.advice}"


def _write(pack: FixPack, left_out: Sequence[LeftOut], out: Path, language: Language, dta: bool) -> str:
    """Write a pack and its listing; the path of the pack."""
    code, stamp = pack.procedure.code, names.stamp(pack.header.created)
    if dta:
        # As `secugate sign` wants it: what goes through the doors is the signed container of a .dta file.
        file, content = out / f"{code}-{stamp}.dta", fixpack.write_dta(pack)
    else:
        name = names.FileName(
            code, stamp, pack.header.sender, incoming=True, office=names.Office.of(pack.header.environment)
        )
        file, content = out / str(name), fixpack.write(pack)
    keep(file, content)
    keep(out / f"{file.name}.txt", fixpack.listing(file.name, pack, language, left_out).encode())
    return str(file)
