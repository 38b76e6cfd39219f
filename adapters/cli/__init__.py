"""The command `secugate`: for the operator, for senders, and for a first look.

Prints for people by default and JSON with `--json`. Exit status 0 is done, 1 refused or
different, 2 wrong use. A command loads what it needs and no more: a sender's machine never
loads the database or the engine.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import structlog
import typer
from typer.core import TyperGroup

from adapters.cli.given import ARGUMENTS, REASON
from adapters.extras import NotInstalled

COMMANDS = {
    "demo": "demo",
    "sandbox": "sandbox",
    "conformance": "conformance",
    "init": "operator",
    "serve": "operator",
    "staff": "staff",
    "approve": "staff",
    "decline": "staff",
    "member": "registration",
    "employer": "registration",
    "portal": "pages",
    "console": "console",
    "mandate": "registration",
    "bill": "billing",
    "explain": "explaining",
    "notices": "operator",
    "renumber": "operator",
    "verify": "operator",
    "backup": "storage",
    "restore": "storage",
    "migrate": "storage",
    "witness": "storage",
    "audit": "auditing",
    "waiting": "operator",
    "seal": "trust",
    "encryption": "trust",
    "trust": "trust",
    "returns": "returns",
    "resend": "returns",
    "indicators": "indicators",
    "replay": "operator",
    "shadow": "shadow",
    "erase": "privacy",
    "retention": "privacy",
    "keys": "privacy",
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
    "rules": "rules",
    "sign": "batches",
    "fix": "fixing",
    "simulate": "simulation",
    "send": "exchange",
    "status": "following",
    "collect": "exchange",
    "watch": "watching",
    "check": "exchange",
    "webhook": "webhooks",
    "evidence": "evidence",
    "contributions": "contributions",
    "reconcile": "reconcile",
    "procedures": "procedures",
}
"""Each command and the module of this package that has it, in the order in which they are listed."""


class Commands(TyperGroup):
    """Finds a command in its module, and loads that module only then."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 (typer's signature)
        return list(COMMANDS)

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse our own options, and keep what follows them."""
        given = list(args)
        after = super().parse_args(ctx, args)
        # What is returned lacks the command's first word.
        ARGUMENTS.set(tuple(given[len(given) - len(after) - 1 :]))
        return after

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
def _root(
    reason: Annotated[str, typer.Option(help="Why staff read what belongs to others.")] = "",
) -> None:
    """A secure gateway for social-security file exchange."""
    REASON.set(reason)


def main() -> None:
    """Run the command. What it logs goes to standard error, so that a program can read what it prints."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        app()
    except NotInstalled as error:
        sys.exit(f"Not done: {error}")
