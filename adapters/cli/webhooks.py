"""`secugate webhook`: addresses at which a member is told that an answer was posted."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.output import AsJson, console, print_json, print_table
from adapters.cli.sending import ProfileFile, ended_in_words, read_profile
from gateway.client.https import enter

app = typer.Typer()
webhook = typer.Typer(help="Addresses at which you are told that an answer was posted.", no_args_is_help=True)
app.add_typer(webhook, name="webhook")


@webhook.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="https, of the public internet.")],
    profile: ProfileFile,
    as_json: AsJson = False,
) -> None:
    """Be told at an address; the first message says that it was registered."""
    who = read_profile(profile)
    with ended_in_words("Not registered"), enter(who) as door:
        made = door.add_webhook(url)
    if as_json:
        print_json(made)
    else:
        console.print(f"Webhook {made.get('id')} is told at {url}.", markup=False, highlight=False)


@webhook.command("list")
def list_webhooks(profile: ProfileFile, as_json: AsJson = False) -> None:
    """List your addresses, and how they fare."""
    who = read_profile(profile)
    with ended_in_words("Not listed"), enter(who) as door:
        found = door.webhooks()
    if as_json:
        print_json(found)
        return
    names = ("id", "url", "cursor", "failing_since", "failure", "ended")
    rows = (["" if one.get(name) is None else str(one[name]) for name in names] for one in found)
    print_table("Webhooks", ("Id", "Address", "Told up to", "Failing since", "Why", "Ended"), rows)


@webhook.command("end")
def end_webhook(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id.")], profile: ProfileFile
) -> None:
    """Be told nothing any more at an address. The outbox keeps all."""
    who = read_profile(profile)
    with ended_in_words("Not ended"), enter(who) as door:
        door.end_webhook(identifier)
    console.print(f"Webhook {identifier} has ended.", markup=False, highlight=False)
