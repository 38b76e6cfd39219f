"""The operator's register of software clients: programs that come in with a token, each for one member."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from adapters.cli.output import AsJson, at_second, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, member_of, open_gateway, right_now
from adapters.database.clients import SCOPES, Clients
from adapters.oauth import UnusableKey, key_of

app = typer.Typer(help="Software clients: programs that come in with a token.", no_args_is_help=True)

Member = Annotated[str, typer.Argument(metavar="MEMBER", help="The member, 19 digits.")]


@app.command("add")
def add_client(
    identifier: Member,
    name: Annotated[str, typer.Option(help="As the member calls it.")],
    key: Annotated[Path, typer.Option(help="Public key, PEM: P-256, Ed25519, or RSA of 3072 bits or more.")],
    scopes: Annotated[
        str, typer.Option(help="What its tokens may be for: some of deposit, collect, bill.")
    ] = "deposit collect",
    data: Folder = None,
) -> None:
    """Register a software client of a member by its public key; prints the id for its assertions."""
    _, database, _ = open_gateway(data)
    who, wanted = member_of(identifier), frozenset(scopes.replace(",", " ").split())
    if not wanted or not wanted <= SCOPES:
        wrong_use(f"--scopes names some of {', '.join(sorted(SCOPES))}")
    try:
        text = key.read_text()
        key_of(text)
    except (OSError, ValueError, UnusableKey) as error:
        wrong_use(f"{key}: {error}")
    try:
        client = Clients(database).add(who, name, text, wanted, right_now())
    except sa.exc.IntegrityError:
        refused(f"There is no member {who}.")
    console.print(f"Client {client} ({name}) may act for {who}.", markup=False, highlight=False)


@app.command("end")
def end_client(
    client: Annotated[str, typer.Argument(help="Its id.")],
    data: Folder = None,
) -> None:
    """End a software client: it gets no token any more, and those it has open nothing."""
    _, database, _ = open_gateway(data)
    if not Clients(database).end(client, right_now()):
        refused(f"There is no client {client} to be ended.")
    console.print(f"Client {client} has ended.", markup=False, highlight=False)


@app.command("list")
def list_clients(identifier: Member, data: Folder = None, as_json: AsJson = False) -> None:
    """List the software clients of a member, those that have ended too."""
    _, database, _ = open_gateway(data)
    found = Clients(database).of(member_of(identifier))
    if as_json:
        print_json(
            [
                {
                    "id": one.id,
                    "name": one.name,
                    "scopes": sorted(one.scopes),
                    "registered": str(one.registered),
                    "ended": one.ended and str(one.ended),
                }
                for one in found
            ]
        )
        return
    rows = (
        (one.id, one.name, " ".join(sorted(one.scopes)), (one.ended and at_second(one.ended)) or "")
        for one in found
    )
    print_table("Software clients", ("Id", "Name", "Scopes", "Ended (UTC)"), rows)
