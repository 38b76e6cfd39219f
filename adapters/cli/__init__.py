"""The command `secugate`: for the operator, for senders, and for a first look.

Prints for people by default and JSON with `--json`. Exit status 0 is done, 1 refused or
different, 2 wrong use. A command loads what it needs and no more: a sender's machine never
loads the database or the engine.
"""

from __future__ import annotations

from importlib import import_module

import typer
from typer.core import TyperGroup

COMMANDS = {
    "demo": "demo",
    "init": "operator",
    "serve": "operator",
    "member": "registration",
    "employer": "registration",
    "mandate": "registration",
    "bill": "billing",
    "explain": "explaining",
    "notices": "operator",
    "renumber": "operator",
    "verify": "operator",
    "replay": "operator",
    "statistics": "operator",
    "bank": "bank",
    "account": "accounts",
    "institutions": "accounts",
    "annual": "yearly",
    "year-end": "yearly",
    "over-ceiling": "yearly",
    "plan": "accounts",
    "dispute": "accounts",
    "credit": "accounts",
    "recovery": "recovery",
    "fine": "recovery",
    "calendar": "deadlines",
    "outage": "deadlines",
    "circumstance": "deadlines",
    "lateness": "deadlines",
    "convert": "batches",
    "validate": "validation",
    "sign": "batches",
    "fix": "fixing",
    "simulate": "simulation",
    "send": "exchange",
    "collect": "exchange",
    "check": "exchange",
    "contributions": "contributions",
    "reconcile": "reconcile",
    "procedures": "procedures",
}
"""Each command and the module of this package that has it, in the order in which they are listed."""


class Commands(TyperGroup):
    """Finds a command in its module, and loads that module only then."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 (typer's signature)
        return list(COMMANDS)

    def get_command(  # type: ignore[override]
        self,
        ctx: typer.Context,  # noqa: ARG002 (typer's signature)
        cmd_name: str,
    ) -> typer.core.TyperCommand | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        app = import_module(f"adapters.cli.{module}").app
        group = typer.main.get_group(app)
        return group.commands[cmd_name]  # type: ignore[return-value]


app = typer.Typer(
    cls=Commands,
    name="secugate",
    help="A secure gateway for social-security file exchange.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """A secure gateway for social-security file exchange."""


def main() -> None:
    """Run the command."""
    app()
