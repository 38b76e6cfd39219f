"""The sender's commands: convert payroll output, sign it, send it, collect and check the answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx2
import paramiko
import typer
from lxml import etree
from rich.progress import track

from adapters import client
from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.client import Profile, Refused
from gateway import dta, names, procedures, wire
from gateway.batch import Header
from gateway.moments import Received, system_clock
from gateway.procedures import PROCEDURES
from signing.parse import trusted_parser
from signing.sign import Signer
from xsd import catalogue

ProfileFile = Annotated[Path, typer.Option("--profile", help="The member's profile (TOML).")]
app = typer.Typer()
LONG = 20
"""From so many files on, a progress bar."""

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


def _profile(file: Path) -> Profile:
    try:
        return Profile.load(file)
    except (OSError, ValueError) as error:
        wrong_use(str(error))


@app.command()
def convert(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the batches.")],
    procedure: Annotated[str, typer.Option(help=", ".join(p.code for p in PROCEDURES))] = "",
    environment: Annotated[str, typer.Option(help="production or test")] = "test",
    as_json: AsJson = False,
) -> None:
    """Turn .dta files into unsigned XML batches, named after the operator's pattern.

    Without --procedure the file name tells it: DECSAL.dta, DECSAL-anything.dta.
    """
    out.mkdir(parents=True, exist_ok=True)
    now = system_clock()
    made = []
    for place, file in enumerate(files):
        code = procedure or file.name.split(".")[0].split("-")[0].upper()
        if code not in {p.code for p in PROCEDURES}:
            wrong_use(f"{file}: {code} is no procedure; name one with --procedure")
        form = catalogue().form(code, "1.0", Received(now).day)
        try:
            content = dta.read(file.read_bytes(), form)
        except dta.UnreadableError as error:
            refused(f"{file}: {error}")
        header = Header(code, form.version, content.member, wire.OPERATOR, environment, now)
        # A hundredth apart: a name never repeats.
        stamp = names.stamp(now + timedelta(milliseconds=10 * place))
        name = str(names.FileName(code, stamp, content.member, incoming=True))
        root = wire.write_batch(header, procedures.procedure(code).record, content.records)
        _keep(out / name, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
        made.append({"from": str(file), "file": str(out / name), "records": len(content.records)})
    if as_json:
        print_json(made)
    else:
        print_table(
            "Batches", ("From", "Batch", "Records"), ([str(cell) for cell in one.values()] for one in made)
        )


@app.command()
def sign(files: Files, profile: ProfileFile, out: Annotated[Path, typer.Option(help="Folder.")]) -> None:
    """Sign batches with the member's key; the names stay."""
    who = _profile(profile)
    try:
        signer = Signer.load(who.key, who.certificate)
    except (OSError, ValueError) as error:
        wrong_use(str(error))
    out.mkdir(parents=True, exist_ok=True)
    for file in track(files, "Signing", console=errors, disable=len(files) < LONG):
        root = etree.parse(file, trusted_parser()).getroot()
        (out / file.name).write_bytes(signer.sign(root, system_clock()))
    console.print(f"{len(files)} signed in {out}")


@app.command()
def send(
    files: Files,
    profile: ProfileFile,
    door: Annotated[str, typer.Option(help="https or sftp")] = "https",
    out: Annotated[Path | None, typer.Option(help="Folder for the receipts (HTTPS).")] = None,
    as_json: AsJson = False,
) -> None:
    """Deposit signed batches. HTTPS answers with the signed receipt; SFTP leaves it in the outbox."""
    who = _profile(profile)
    try:
        deposits = _deposit_https(who, files, out) if door == "https" else _deposit_sftp(who, files)
        sent = list(track(deposits, "Sending", len(files), console=errors, disable=len(files) < LONG))
    except (Refused, OSError, httpx2.HTTPError, paramiko.SSHException) as error:
        refused(f"Not sent: {error}")
    if as_json:
        print_json(sent)
    else:
        print_table(
            f"Deposited over {door.upper()}", ("Batch", "Receipt"), (tuple(one.values()) for one in sent)
        )


def _deposit_https(who: Profile, files: list[Path], out: Path | None) -> Iterator[dict[str, str]]:
    with client.https(who) as door:
        for file in files:
            receipt = door.deposit(file.name, file.read_bytes())
            place = (out or file.parent) / f"{file.stem}.ACKREC.XML"
            _keep(place, receipt)
            yield {"file": file.name, "receipt": str(place)}


def _deposit_sftp(who: Profile, files: list[Path]) -> Iterator[dict[str, str]]:
    with client.sftp(who) as door:
        for file in files:
            door.deposit(file.name, file.read_bytes())
            yield {"file": file.name, "receipt": "in the outbox"}


@app.command()
def collect(
    profile: ProfileFile,
    out: Annotated[Path, typer.Option(help="Folder for the answers.")],
    door: Annotated[str, typer.Option(help="https or sftp")] = "https",
    after: Annotated[int, typer.Option(help="HTTPS: only what was posted after this cursor.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Collect the answers and check our seal on each."""
    who = _profile(profile)
    taken: list[dict[str, str]] = []
    cursor = after
    try:
        if door == "https":
            with client.https(who) as shelf:
                for last, answer in shelf.collect(after):
                    taken.append(_take(answer, out))
                    cursor = last
        else:
            with client.sftp(who) as boxes:
                taken.extend(_take(answer, out) for answer in boxes.collect())
    except (Refused, OSError, httpx2.HTTPError, paramiko.SSHException) as error:
        refused(f"Not collected: {error}")
    if as_json:
        print_json({"cursor": cursor, "answers": taken})
    else:
        print_table("Collected", ("Answer", "Type"), ((one["file"], one["type"]) for one in taken))


def _take(answer: client.Collected, out: Path) -> dict[str, str]:
    # The name comes from outside: only one that keeps to the pattern becomes a file name.
    name = str(names.parse(answer.name))
    _keep(out / name, answer.content)
    return {"file": name, "type": answer.kind}


@app.command()
def check(
    files: Files,
    trust: Annotated[Path, typer.Option(exists=True, help="PEM of the gateway's authorities.")],
    as_json: AsJson = False,
) -> None:
    """Check the signatures on receipts, acknowledgements, returns and invoices."""
    verdicts = {file.name: client.seal_verdict(file.read_bytes(), trust) for file in files}
    if as_json:
        print_json(verdicts)
    else:
        print_table("Signatures", ("File", "Signature"), verdicts.items())
    if set(verdicts.values()) != {client.GOOD}:
        raise typer.Exit(1)


def _keep(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    part.replace(file)
