"""`secugate shadow`: what a candidate of forms or tables would change of what was said of stored batches."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, open_gateway, right_now

if TYPE_CHECKING:
    from adapters.shadow import Report

app = typer.Typer()

DAYS = 7
"""Days back that are looked at when none are named."""
SHOWN = 50
"""Changes that are printed for people."""


@app.command()
def shadow(
    candidate: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A ZIP of forms, parameters or tables of codes."),
    ],
    first: Annotated[str, typer.Option(help="First day of receipt; a week ago without it.")] = "",
    last: Annotated[str, typer.Option(help="Last day of receipt; today without it.")] = "",
    most: Annotated[int, typer.Option(min=1, help="Deposits: the latest of these days.")] = 10_000,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Say which verdicts on stored batches a candidate would change; nothing takes effect.

    The ZIP holds files as they lie in the source, such as xsd/decsal/1.0.xsd or
    gateway/parameters/rates.yaml. Exits with 1 when anything would be said otherwise.
    """
    _, database, settings = open_gateway(data)
    now = right_now()
    until = day_of(last) if last else now.day
    since = day_of(first) if first else until - timedelta(days=DAYS)
    if since > until:
        wrong_use("The first day comes after the last one.")
    shadows = import_module("adapters.shadow")
    try:
        read = shadows.Candidate.read(candidate.name, candidate.read_bytes())
        with Progress(console=errors, transient=True) as progress:
            bar = progress.add_task("Batches")

            def told(done: int, every: int) -> None:
                progress.update(bar, completed=done, total=every)

            report = shadows.run(database, settings, read, since, until, most, now, told)
    except shadows.Unusable as no:
        refused(f"This candidate cannot be used: {no}")
    finally:
        database.close()
    if as_json:
        print_json(report.written())
    else:
        _print(report)
    if report.changed:
        raise typer.Exit(1)


def _print(report: Report) -> None:
    console.print(
        f"{report.compared} of {report.deposits} batches compared ({report.records} records),"
        f" received {report.first} to {report.last}. Nothing took effect.",
        highlight=False,
    )
    if report.left:
        console.print(f"{report.left} earlier ones of these days were left out: --most", highlight=False)
    for reason, count in sorted(report.untold.items()):
        console.print(f"Not compared: {count}, {reason}", markup=False, highlight=False)
    if report.moved:
        console.print(
            f"Of {report.moved} our own rules say another thing today than when they were answered: the"
            " registers have gone on.",
            highlight=False,
        )
    if not report.changed:
        console.print("The candidate says the same of all of them.")
        return
    console.print(
        f"{report.changed} batches would be answered otherwise, {report.verdicts} with another verdict.",
        highlight=False,
    )
    causes = [(_codes(before), _codes(after), str(many)) for before, after, many in report.causes]
    print_table("Codes", ["before", "after", "records"], causes)
    rows = [
        (one.deposit, str(one.record or "file"), _codes(one.before), _codes(one.after))
        for one in report.changes[:SHOWN]
    ]
    print_table("Changes", ["deposit", "record", "before", "after"], rows)
    if len(report.changes) > SHOWN:
        console.print(f"… and {len(report.changes) - SHOWN} more: --json")


def _codes(codes: tuple[str, ...]) -> str:
    return " ".join(codes) or "–"
