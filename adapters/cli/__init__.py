"""The command `secugate`: for the operator, for senders, and for a first look.

Prints for people by default and JSON with `--json`. Exit status 0 is done, 1 refused or
different, 2 wrong use.
"""

from __future__ import annotations

import typer

from adapters.cli import demo, operator, sender
from adapters.cli.contributions import contributions

app = typer.Typer(
    name="secugate",
    help="A secure gateway for social-security file exchange.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.add_typer(operator.member, name="member")
app.add_typer(operator.employer, name="employer")
app.add_typer(operator.mandate, name="mandate")
for command in (
    operator.init,
    operator.serve,
    operator.bill,
    operator.verify,
    operator.replay,
    sender.convert,
    sender.sign,
    sender.send,
    sender.collect,
    sender.check,
    contributions,
):
    app.command()(command)


def main() -> None:
    """Run the command."""
    app()
