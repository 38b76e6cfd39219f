"""The indicators that the gateway publishes, on the command line."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from adapters.cli.output import AsJson, print_json, print_table
from adapters.cli.premises import Folder, open_gateway, right_now
from adapters.indicators import DAYS, Indicators, document, indicators, seconds

app = typer.Typer()


@app.command("indicators")
def show(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many, the present one left out.")] = DAYS,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show what the gateway publishes of itself: availability, delays, what needed nobody, frequent codes."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        found = indicators(connection, right_now(), days)
    if as_json:
        print_json(document(found))
    else:
        _print(found)


def _print(found: Indicators) -> None:
    rows = (
        ("Available (% of the time, as declared)", str(found.available)),
        ("Deposits received", str(found.deposits)),
        ("Acknowledged", str(found.answered)),
        ("Acknowledged within 2 s (%)", _shown(found.prompt)),
        ("Without any act of staff (%)", _shown(found.untouched)),
        ("Records read", str(found.records)),
        ("Records refused", str(found.rejected)),
    )
    print_table(f"Indicators from {found.first} to {found.last}", ("What", "Figure"), rows)
    stages = (
        (
            one.name,
            str(one.many),
            *(seconds(time) or "" for time in (one.median, one.p95, one.p99, one.longest)),
        )
        for one in found.stages
    )
    print_table("Seconds", ("Stage", "Deposits", "Median", "95 %", "99 %", "Longest"), stages)
    anomalies = ((one.code, one.titles["en"], str(one.records), str(one.share)) for one in found.anomalies)
    print_table("Most frequent anomalies", ("Code", "Meaning", "Records", "%"), anomalies, wraps="Meaning")


def _shown(share: Decimal | None) -> str:
    return "" if share is None else str(share)
