"""`secugate status`: how far what was sent has come, and when an answer may be expected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import typer

from adapters.cli.output import AsJson, print_json, print_table, wrong_use
from adapters.cli.sending import Files, ProfileFile, ended_in_words, read_profile
from gateway.client.https import enter
from gateway.returns import ackrec
from signing.parse import Unreadable, parse

app = typer.Typer()


@app.command()
def status(receipts: Files, profile: ProfileFile, as_json: AsJson = False) -> None:
    """Tell how far deposits have come, by their receipts, and when an answer may be expected (HTTPS).

    Expected is what the latest deposits of the same procedure and size took; nothing is told where few came
    before. An answer itself is collected.
    """
    who = read_profile(profile)
    wanted = [_deposit(file) for file in receipts]
    with ended_in_words("Not told"), enter(who) as door:
        found = [door.state(one) for one in wanted]
    if as_json:
        print_json(found)
    else:
        columns = ("File", "State", "Verdict", "Expected", "Half took", "Nine in ten took")
        print_table("Deposits", columns, map(_row, found))


def _deposit(file: Path) -> str:
    """The id in a receipt. Its seal is not looked at: nobody is told of another's deposit."""
    try:
        deposit = ackrec.read(parse(file.read_bytes())).header.deposit
        return str(UUID(deposit.id if deposit is not None else ""))
    except (OSError, Unreadable, ValueError):
        wrong_use(f"{file} is no receipt: give the ACKREC that came for what was sent")


def _row(told: Mapping[str, object]) -> tuple[str, ...]:
    expected = told.get("expected")
    times = expected if isinstance(expected, dict) else {}
    cells = [told.get("name"), told.get("state"), told.get("verdict"), times.get("at")]
    return *("" if one is None else str(one) for one in cells), *map(
        _seconds, (times.get("half_seconds"), times.get("most_seconds"))
    )


def _seconds(told: object) -> str:
    return f"{told:.1f} s" if isinstance(told, int | float) else ""
