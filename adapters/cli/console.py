"""The operator's console: the link that lets somebody of the staff in."""

from __future__ import annotations

import json

import typer

from adapters.cli.admission import open_console
from adapters.cli.output import console as screen
from adapters.cli.output import refused
from adapters.cli.premises import Folder, open_gateway
from adapters.premises import Premises
from adapters.settings import Settings

app = typer.Typer()
console = typer.Typer(help="The operator's console in a browser.", no_args_is_help=True)
app.add_typer(console, name="console")


@console.command("link")
def link(data: Folder = None) -> None:
    """Print a link to the console, signed with your key: it lets you in once, within 15 minutes."""
    premises, database, settings = open_gateway(data)
    if not settings.console:
        refused("The console is switched off: SECUGATE_CONSOLE=true")
    token = open_console(premises, database, settings)
    screen.print(f"{_address(premises, settings)}/console/enter?code={token}", markup=False, highlight=False)


def _address(premises: Premises, settings: Settings) -> str:
    if settings.address:
        return settings.address
    if premises.doors.exists():
        return str(json.loads(premises.doors.read_text())["https"])
    return f"https://{settings.host}:{settings.https_port}"
