"""At the doors: send batches, collect answers, check our seal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, print_json, print_table, progress, refused
from adapters.cli.sending import Files, ProfileFile, keep, read_profile
from adapters.client import Collected, Door, Profile, Refused
from adapters.client.seals import GOOD, seal_verdict
from gateway import names

app = typer.Typer()


class DoorKind(StrEnum):
    """The doors of a gateway."""

    HTTPS = "https"
    SFTP = "sftp"


Which = Annotated[DoorKind, typer.Option(help="Through which door.")]


@app.command()
def send(
    files: Files,
    profile: ProfileFile,
    door: Which = DoorKind.HTTPS,
    out: Annotated[Path | None, typer.Option(help="Folder for the receipts (HTTPS).")] = None,
    as_json: AsJson = False,
) -> None:
    """Deposit signed batches. HTTPS answers with the signed receipt; SFTP leaves it in the outbox."""
    who = read_profile(profile)
    try:
        sent = list(progress(_deposit(door, who, files, out), "Sending", len(files)))
    except Refused as refusal:
        refused(f"Not sent: {refusal}")
    if as_json:
        print_json(sent)
    else:
        print_table(
            f"Deposited over {door.upper()}", ("Batch", "Receipt"), (tuple(one.values()) for one in sent)
        )


def _deposit(door: DoorKind, who: Profile, files: list[Path], out: Path | None) -> Iterator[dict[str, str]]:
    with _enter(door, who) as entered:
        for file in files:
            receipt = entered.deposit(file.name, file.read_bytes())
            place = (out or file.parent) / f"{file.stem}.ACKREC.XML"
            if receipt is not None:
                keep(place, receipt)
            yield {"file": file.name, "receipt": "in the outbox" if receipt is None else str(place)}


def _enter(door: DoorKind, who: Profile) -> AbstractContextManager[Door]:
    """Through a door; only its own module is loaded."""
    entered: AbstractContextManager[Door] = import_module(f"adapters.client.{door}").enter(who)
    return entered


@app.command()
def collect(
    profile: ProfileFile,
    out: Annotated[Path, typer.Option(help="Folder for the answers.")],
    door: Which = DoorKind.HTTPS,
    after: Annotated[int, typer.Option(help="HTTPS: only what was posted after this cursor.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Collect the answers and check the gateway's seal on each; exits with 1 when one is bad."""
    who = read_profile(profile)
    taken: list[dict[str, str]] = []
    cursor = after
    try:
        with _enter(door, who) as entered:
            for last, answer in entered.collect(after):
                taken.append(_take(answer, out, who))
                cursor = last
    except Refused as refusal:
        refused(f"Not collected: {refusal}")
    if as_json:
        print_json({"cursor": cursor, "answers": taken})
    else:
        print_table("Collected", ("Answer", "Type", "Signature"), (tuple(one.values()) for one in taken))
    if any(one["signature"] != GOOD for one in taken):
        raise typer.Exit(1)


def _take(answer: Collected, out: Path, who: Profile) -> dict[str, str]:
    # The name comes from outside: only one that keeps to the pattern becomes a file name.
    name = str(names.parse(answer.name))
    keep(out / name, answer.content)
    return {"file": name, "type": answer.kind, "signature": seal_verdict(answer.content, who.seal)}


@app.command()
def check(
    files: Files,
    seal: Annotated[
        Path, typer.Option(exists=True, help="PEM of the certificates with which the gateway seals.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check the gateway's seal on receipts, acknowledgements, returns and invoices."""
    verdicts = {file.name: seal_verdict(file.read_bytes(), seal) for file in files}
    if as_json:
        print_json(verdicts)
    else:
        print_table("Signatures", ("File", "Signature"), verdicts.items())
    if set(verdicts.values()) != {GOOD}:
        raise typer.Exit(1)
