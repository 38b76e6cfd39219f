"""At the doors: send batches, collect answers, check our seal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.cli.output import LONG, AsJson, Status, errors, print_json, print_table, progress
from adapters.cli.sending import DoorKind, Files, ProfileFile, Which, ended_in_words, read_profile
from gateway.client import Answer, Sent, seal_verdict
from gateway.client.exchange import TRIES, Collecting, Watch, sending
from gateway.client.seals import GOOD

app = typer.Typer()

LARGE = 1 << 23
"""From so many bytes on, a progress bar."""


@app.command()
def send(
    files: Files,
    profile: ProfileFile,
    door: Which = DoorKind.HTTPS,
    out: Annotated[Path | None, typer.Option(help="Folder for the receipts (HTTPS).")] = None,
    tries: Annotated[int, typer.Option(min=1, help="How often, when the gateway is away or busy.")] = TRIES,
    as_json: AsJson = False,
) -> None:
    """Deposit signed batches. HTTPS answers with the signed receipt; SFTP leaves it in the outbox.

    The same bytes are the same deposit: whatever happens, give the same command again. Of a large file only
    what the gateway does not have yet is sent (HTTPS).
    """
    who = read_profile(profile)
    sent: list[dict[str, str]] = []
    with ended_in_words("Not sent"), _bytes_shown(files) as watch:
        for one in sending(files, who, door=door, out=out, tries=tries, watch=watch):
            sent.append(_row(one))
    if as_json:
        print_json(sent)
    else:
        print_table(
            f"Deposited over {door.upper()}", ("Batch", "Receipt"), (tuple(one.values()) for one in sent)
        )


def _row(sent: Sent) -> dict[str, str]:
    receipt = "in the outbox" if sent.receipt is None else str(sent.receipt)
    return {"file": sent.file.name, "receipt": receipt}


@contextmanager
def _bytes_shown(files: list[Path]) -> Iterator[Watch]:
    """A bar of the bytes that the gateway has."""
    total, done = sum(file.stat().st_size for file in files), dict.fromkeys(files, 0)
    columns = TextColumn("Sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    is_short = total < LARGE and len(files) < LONG
    with Progress(*columns, console=errors, disable=is_short, transient=True) as bar:
        task = bar.add_task("", total=total)

        def watch(file: Path, count: int) -> None:
            done[file] = count
            bar.update(task, completed=sum(done.values()))

        yield watch


@app.command()
def collect(
    profile: ProfileFile,
    out: Annotated[Path, typer.Option(help="Folder for the answers.")],
    door: Which = DoorKind.HTTPS,
    after: Annotated[
        int | None,
        typer.Option(
            min=0, help="HTTPS: what was posted after this cursor; without it, what is new in the folder."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Collect the answers and check the gateway's seal on each; exits with 1 when one is bad.

    What bears the seal is acknowledged once it is kept. What does not goes to the folder `unverified`, is
    not acknowledged, and is asked for again the next time.
    """
    who = read_profile(profile)
    taken: list[Answer] = []
    with ended_in_words("Not collected"):
        collecting = Collecting(who, out, door, after)
        taken.extend(progress(collecting, "Collecting", None))
    if as_json:
        print_json({"cursor": collecting.cursor, "answers": [_told(one) for one in taken]})
    else:
        rows = (tuple(_told(one).values()) for one in taken)
        print_table("Collected", ("Answer", "Type", "Signature"), rows)
    if any(one.seal != GOOD for one in taken):
        raise typer.Exit(Status.REFUSED)


def _told(answer: Answer) -> dict[str, str]:
    return {"file": answer.file.name, "type": answer.kind, "signature": answer.seal}


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
        raise typer.Exit(Status.REFUSED)
