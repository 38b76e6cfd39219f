"""Whether answers have arrived, for the operator."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from adapters import unread as answers
from adapters.cli.output import AsJson, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, member_of, open_gateway, right_now
from adapters.database.answers import lay_out

app = typer.Typer()


@app.command()
def returns(
    member: Annotated[str, typer.Option(help="Everything that was posted to this member.")] = "",
    unread: Annotated[bool, typer.Option("--unread", help="What nobody has fetched for too long.")] = False,
    days: Annotated[
        int | None, typer.Option(min=0, help="How long that is; as the parameters say without it.")
    ] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show how far answers have come: available, fetched, acknowledged."""
    if unread == bool(member) or (days is not None and not unread):
        wrong_use("Name a member, or ask with --unread (and --days) for what nobody has fetched")
    _, database, _ = open_gateway(data)
    now = right_now()
    if unread:
        found = answers.unread(database, now, answers.unread_after(now) if days is None else days)
    else:
        found = answers.posted_to(database, str(member_of(member)))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = ((one.member, one.kind, one.name, one.posted[:10], one.state.value) for one in found)
    print_table("Answers", ("Member", "Type", "Name", "Posted", "State"), rows)


@app.command()
def resend(answer: Annotated[str, typer.Argument(help="Id of the answer.")], data: Folder = None) -> None:
    """Lay an answer out in its recipient's folder again; over HTTPS it never went away."""
    _, database, _ = open_gateway(data)
    with database.write() as connection:
        name = lay_out(connection, answer, right_now())
    if name is None:
        refused(f"There is no answer {answer}.")
    console.print(f"{name} lies in its recipient's folder again.", markup=False)
