"""The operator's commands on what is kept: back up, restore, migrate, and go on after a loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters import backup as backing_up
from adapters import restoring
from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, open_gateway, right_now, settings_of
from adapters.database import migrations
from adapters.loss import NothingLost, UnusableReason
from adapters.loss import accept as accept_loss
from adapters.loss import begin as begin_witness
from adapters.premises import Premises, database_of, seal_of, spool_of, witness_of
from adapters.stores import Unreachable
from adapters.witness import Older, Unwitnessed
from signing.certificates import load_seals

app = typer.Typer()
witness = typer.Typer(
    help="What was promised, as a file outside the database knows it.", no_args_is_help=True
)
app.add_typer(witness, name="witness")

Target = Annotated[Path, typer.Argument(help="Folder of backups, best on another disk or machine.")]


@app.callback()
def _several() -> None:
    """Commands on what is kept."""


@app.command()
def backup(
    target: Target,
    keys: Annotated[
        bool, typer.Option("--keys", help="Our private keys as well, without the master key.")
    ] = False,
    master_key: Annotated[
        bool,
        typer.Option("--master-key", help="The master key as well: whoever has the backup reads it all."),
    ] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Copy database, deposits and lists of trust while the gateway runs; nothing is copied twice."""
    premises, database, settings = open_gateway(data)
    store, seal = spool_of(settings, database).store, seal_of(premises, settings)
    source = backing_up.Source(premises, database, store, seal, migrations.revision_of(database))
    try:
        with _bar() as told:
            made = backing_up.make(
                source, target, right_now(), keys=keys, master_key=master_key, progress=told
            )
    except (backing_up.NotBackedUp, OSError, Unreachable) as error:
        refused(f"Not backed up: {error}.")
    finally:
        database.close()
    for deposit in made.absent:
        errors.print(f"Deposit {deposit}: its file is missing in the store.", style="red", markup=False)
    entry = made.manifest.journal
    if as_json:
        print_json(
            {
                "backup": str(made.folder),
                "deposits": made.manifest.deposits,
                "copied": made.copied,
                "bytes": made.bytes,
                "journal": asdict(entry),
                "absent": list(made.absent),
            }
        )
    else:
        console.print(
            f"{made.folder}: {made.manifest.deposits} deposits ({made.copied} new), {made.bytes:,} bytes,"
            f" journal up to {entry.sequence} {entry.hash}",
            markup=False,
            highlight=False,
        )
        _say_keys(keys, master_key, database.master.file)
    if made.absent:
        raise typer.Exit(1)


def _say_keys(keys: bool, master_key: bool, file: Path) -> None:
    if not keys:
        console.print("Our private keys are not in it: keep them elsewhere, or give --keys.")
    if master_key:
        console.print("The master key is in it: whoever has this backup can read everything.")
    else:
        console.print(f"The master key is not in it: keep a copy of {file} elsewhere.", markup=False)


@app.command()
def restore(
    target: Target,
    data: Folder = None,
    name: Annotated[str, typer.Option("--backup", help="Name of a backup; the newest without it.")] = "",
    seal: Annotated[
        Path | None, typer.Option(help="PEM file or folder: the gateway's seals as you keep them elsewhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a gateway anew from a backup: check every digest, fill an empty folder, verify all of it."""
    settings = settings_of(data)
    try:
        folder = restoring.choose(target, name)
        with _bar() as told:
            certificates = load_seals(seal or Premises(folder).seals)
            checked = restoring.check(target, folder, certificates, told)
        with _bar() as told:
            report = restoring.restore(checked, settings, right_now(), told)
    except restoring.Broken as error:
        refused(f"Nothing was restored: the backup is not whole. {error}.")
    except (restoring.NotRestored, OSError, ValueError, Unreachable) as error:
        refused(f"Nothing was restored: {error}.")
    entry = checked.manifest.journal
    if as_json:
        print_json(
            {
                "backup": str(folder),
                "made": checked.manifest.made,
                "journal": asdict(entry),
                "deposits": report.deposits,
                "bytes": checked.bytes,
                "absent": report.absent,
                "findings": list(report.findings),
                "lost": report.lost,
            }
        )
    else:
        _print_report(checked, report, settings.data, own_seals=seal is None)
    if report.findings or report.absent:
        raise typer.Exit(1)


def _print_report(
    checked: restoring.Checked, report: restoring.Report, data: Path, *, own_seals: bool
) -> None:
    entry = checked.manifest.journal
    rows = [
        ("Backup", checked.folder.name),
        ("Made", checked.manifest.made),
        (
            "Digests",
            f"{len(checked.manifest.parts) + report.deposits} files, {checked.bytes:,} bytes: all right",
        ),
        ("Seal", "right; by certificates from the backup itself" if own_seals else "right"),
        ("Journal", f"{entry.sequence} {entry.hash}"),
        ("Deposits", f"{report.deposits} files, {report.absent} missing"),
        ("Verification", "all is as it was entered" if not report.findings else "something is wrong"),
        ("Lost since", _lost(report.lost)),
    ]
    print_table(f"Restored in {data}", ("What", "Found"), rows)
    for finding in report.findings:
        errors.print(finding, style="red", markup=False)
    if not Premises(data).signing_key.exists():
        console.print("Our private keys were not in the backup: put them into keys/ before it is opened.")


def _lost(entries: int | None) -> str:
    if entries is None:
        return (
            "not known: no second witness (SECUGATE_WITNESS); what was acknowledged after it was made is lost"
        )
    if not entries:
        return "nothing, says the second witness"
    return f"{entries} entries of the journal; to go on: secugate witness accept"


@app.command()
def migrate(data: Folder = None) -> None:
    """Bring the database to the form that this program needs; on a server gateways may work meanwhile, where
    a step only adds to it.
    """
    settings = settings_of(data)
    premises = Premises(settings.data)
    if not premises.folder.exists():
        wrong_use(f"{settings.data} is no gateway. Make one with: secugate init --data {settings.data}")
    serving = import_module("adapters.serve")
    database = database_of(settings)
    try:
        with serving.lock(premises, shared=database.is_shared):
            steps = migrations.upgrade(database, right_now())
    except serving.AlreadyOpen:
        refused(f"A gateway runs on {premises.folder}; stop it first.")
    except (migrations.NotMigrated, migrations.WrongSchema) as error:
        refused(f"Nothing was migrated: {error}.")
    finally:
        database.close()
    for step in steps:
        console.print(f"Migrated to {step}.", markup=False, highlight=False)
    if not steps:
        console.print("The database has the form that this program needs.")


@witness.command()
def begin(
    reason: Annotated[str, typer.Option(help="A word or the number of a case; names nobody.")],
    data: Folder = None,
) -> None:
    """Make the files of the witness that are missing: on a further machine, or in a new place
    (SECUGATE_WITNESS).
    """
    _, database, settings = open_gateway(data)
    try:
        begin_witness(database, witness_of(settings, database), reason, right_now())
    except (NothingLost, UnusableReason, Older, Unwitnessed) as error:
        refused(f"Nothing was done: {error}.")
    console.print("The witness knows the journal as it is now.")


@witness.command()
def accept(
    reason: Annotated[str, typer.Option(help="A word or the number of a case; names nobody.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a database that is older than what was promised: set aside the files it does not know, and
    tell them.
    """
    premises, database, settings = open_gateway(data)
    serving = import_module("adapters.serve")
    try:
        held = serving.lock(premises)
        loss = accept_loss(
            database, spool_of(settings, database), witness_of(settings, database), reason, right_now()
        )
        held.close()
    except serving.AlreadyOpen:
        refused(f"A gateway runs on {premises.folder}; stop it first.")
    except (NothingLost, UnusableReason, Unreachable) as error:
        refused(f"Nothing was done: {error}.")
    if as_json:
        files = [{**asdict(one), "at": one.at.isoformat()} for one in loss.files]
        print_json({"promised": loss.promised, "size": loss.size, "files": files})
        return
    rows = [
        (one.deposit, f"{one.at:%Y-%m-%d %H:%M:%S}", one.member or "?", one.digest or "its key is lost")
        for one in loss.files
    ]
    print_table("Deposits that the database does not know", ("Deposit", "Kept", "Member", "SHA-256"), rows)
    promised = "an unknown number of" if loss.promised is None else str(loss.promised)
    console.print(
        f"The journal goes up to {loss.size}; answers were given on {promised} entries. Ask the members to"
        " send what they sent since then again."
    )


@contextmanager
def _bar() -> Iterator[backing_up.Progress]:
    """A bar for each thing that is done, on standard error, where somebody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as shown:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield told
