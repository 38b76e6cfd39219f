"""The operator's commands about personal data: erase, keep no longer than the term, change the master key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from adapters import retention as keeping
from adapters.cli.output import AsJson, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, member_of, open_gateway, right_now
from adapters.encryption import UnusableMasterKey
from adapters.erasure import NotErased, StillInLog, rotate_master
from adapters.erasure import erase as erase_month
from gateway.moments import Period
from gateway.retention import terms

app = typer.Typer()
keys = typer.Typer(help="Keys that keep documents unreadable at rest.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback()
def _several() -> None:
    """Commands about personal data."""


@app.command()
def erase(
    member: Annotated[str, typer.Option(help="19 digits of the member.")],
    month: Annotated[str, typer.Option(help="Of receipt or posting, YYYY-MM, in UTC.")],
    reason: Annotated[str, typer.Option(help="A word or the number of a case; names nobody.")],
    data: Folder = None,
) -> None:
    """Make all documents of a member's month unreadable for everybody, for ever; the journal says so."""
    who = member_of(member)
    try:
        period = Period.parse(month)
    except ValueError:
        wrong_use(f"A month is written YYYY-MM, not {month}")
    _, database, _ = open_gateway(data)
    try:
        done = erase_month(database, who, period, reason, right_now())
    except NotErased as no:
        refused(f"Nothing was erased: {no}.")
    except (StillInLog, UnusableMasterKey) as fault:
        refused(f"Not finished: {fault}.")
    console.print("Erased." if done else "There is nothing to erase: no key of that month exists.")


@app.command()
def retention(
    apply: Annotated[bool, typer.Option("--apply/--dry-run", help="Do it, or show what is due.")] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Erase documents and delete rows kept for their term; without --apply only tell what is due."""
    _, database, _ = open_gateway(data)
    now = right_now()
    try:
        if apply:
            months, rows = keeping.apply(database, terms(), now)
        else:
            with database.read() as connection:
                months = list(keeping.due_documents(connection, terms(), now))
                rows = list(keeping.due_rows(connection, terms(), now))
    except (NotErased, StillInLog, UnusableMasterKey) as fault:
        refused(f"Not finished: {fault}.")
    if as_json:
        found = [{**asdict(one), "month": str(one.month)} for one in months]
        print_json({"applied": apply, "documents": found, "rows": {each.table: each.rows for each in rows}})
        return
    lines = ((one.member, str(one.month), one.hindrance or "") for one in months)
    print_table("Documents past their term", ("Member", "Month", "Kept back because"), lines)
    print_table("Rows past their term", ("Table", "Rows"), ((each.table, str(each.rows)) for each in rows))
    console.print("Done." if apply else "Nothing was changed. To do it: secugate retention --apply")


@keys.command("rotate-master")
def rotate(data: Folder = None) -> None:
    """Seal all data keys with a new master key; documents stay as they are, a running gateway follows."""
    _, database, _ = open_gateway(data)
    try:
        count = rotate_master(database)
    except (UnusableMasterKey, StillInLog) as fault:
        refused(f"Not finished: {fault}.")
    console.print(f"{count} data keys are sealed with a new master key in {database.master.file}.")
