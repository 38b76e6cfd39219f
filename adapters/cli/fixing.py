"""`secugate fix`: what was refused, as a batch to be corrected and sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from lxml import etree

from adapters.cli.output import AsJson, Language, errors, print_json, print_table, refused
from adapters.cli.sending import Files, read_profile
from gateway import fixpack, names
from gateway.client.drop.places import keep
from gateway.client.seals import GOOD, seal_verdict
from gateway.fixpack import FixPack, LeftOut
from gateway.moments import system_clock
from signing.container import MAGIC, BadContainer, open_container
from signing.parse import Unreadable, parse

app = typer.Typer()
_STRANGE = "what is no answer"


@app.command()
def fix(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the batches and their listings.")],
    profile: Annotated[
        Path | None, typer.Option(help="The member's profile (TOML), to check the seal.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the listing.")] = Language.EN,
    dta: Annotated[bool, typer.Option("--dta", help="Write .dta files for XML returns as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn returns into unsigned batches of the refused records, each with a listing of what to correct.

    A return in XML becomes an XML batch, a .dta in its sealed container a .dta; answers that give no records
    back are passed over. With --profile the gateway's seal on the returns is checked first. A .dta file
    cannot carry every text; the records it leaves out are named, and the command exits with 1.
    """
    seal = None if profile is None else read_profile(profile).seal
    now = system_clock()
    made, left_out, others = [], False, Counter[str]()
    for place, file in enumerate(files):
        kind = _kind(file)
        if not fixpack.is_return(kind):
            others[kind] += 1
            continue
        # A hundredth apart: a name never repeats.
        pack, missing = _pack(file, seal, now + timedelta(milliseconds=10 * place), dta)
        for each in missing:
            left_out = True
            errors.print(f"{file}: not in the .dta file: {_told(each)}", style="red", markup=False)
        name = _write(pack, missing, out, language, dta) if pack.records else ""
        made.append({"from": str(file), "file": name, "records": len(pack.records)})
    if others:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        errors.print(f"Passed over, no refused records in: {told}", markup=False, highlight=False)
    if as_json:
        print_json(made)
    elif made:
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
        if content.startswith(MAGIC):
            ((name, inside),) = open_container(content).files.items()
            pack = fixpack.of_dta(name, inside, now)
        else:
            pack = fixpack.of(parse(content), now)
        return fixpack.carried(pack) if dta or pack.environment is None else (pack, ())
    except (Unreadable, BadContainer, ValueError) as error:
        refused(f"{file}: {error}")


def _kind(file: Path) -> str:
    """What a file is, by its root element or by the one .dta in it; otherwise what its name says."""
    content = file.read_bytes()
    try:
        if content.startswith(MAGIC):
            name, *others = open_container(content).files
            return name.partition(".")[0] if name.endswith(".dta") and not others else _named(file)
        return etree.QName(parse(content)).localname
    except (Unreadable, BadContainer):
        return _named(file)


def _named(file: Path) -> str:
    try:
        return names.parse(file.name).kind
    except ValueError:
        return _STRANGE


def _told(left: LeftOut) -> str:
    return f"record {left.record.record}, {left.reason.field}: {left.reason.seen}. {left.reason.advice}"


def _write(pack: FixPack, left_out: Sequence[LeftOut], out: Path, language: Language, dta: bool) -> str:
    """Write a pack and its listing; the path of the pack."""
    code, stamp = pack.procedure.code, names.stamp(pack.created)
    if dta or pack.environment is None:
        # As `secugate sign` wants it: what goes through the doors is the signed container of a .dta file.
        file, content = out / f"{code}-{stamp}.dta", fixpack.write_dta(pack)
    else:
        office = names.Office.of(pack.environment)
        name = names.FileName(code, stamp, pack.member, incoming=True, office=office)
        file, content = out / str(name), fixpack.write(pack)
    keep(file, content)
    keep(out / f"{file.name}.txt", fixpack.listing(file.name, pack, language, left_out).encode())
    return str(file)
