"""`secugate explain`: why the amounts of a statement are what they are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adapters.billing.explanation import document, issue_of
from adapters.cli.output import AsJson, console, print_json, print_table, refused
from adapters.cli.premises import Folder, open_gateway
from gateway.billing.explain import NotReproduced

app = typer.Typer()


@app.command()
def explain(
    statement: Annotated[str, typer.Argument(help="Number of the statement, such as 202607-0000001.")],
    insured: Annotated[str | None, typer.Option(help="Matricule; everybody without it.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Compute every amount of a statement again; show formula, values of the law and the records behind."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        issue = issue_of(connection, statement)
        if issue is None:
            refused(f"There is no statement {statement}.")
        try:
            found: Any = document(connection, issue, insured)
        except NotReproduced as fault:
            refused(f"Not explained: {fault}.")
    if insured is not None and not found["charges"] and not found["refunds"]:
        refused(f"Statement {statement} says nothing of {insured}.")
    if as_json:
        print_json(found)
        return
    for charge in found["charges"]:
        _print_charge(charge)
    for refund in found["refunds"]:
        rows = [
            (f"{part['first']} to {part['last']}", part["formula"], part["amount"])
            for part in refund["parts"]
        ]
        print_table(f"{refund['insured']} · refund of {refund['period']}", ("Days", "Formula", "EUR"), rows)
    console.print(
        f"Statement {found['statement']} of {found['issued']}, policy {found['policy']}."
        " Every amount was computed again and is the one charged.",
        markup=False,
    )


def _print_charge(charge: Any) -> None:
    rows = [(line["branch"], line["formula"], line["employee"], line["employer"]) for line in charge["lines"]]
    why = f", version {charge['version']}: {', '.join(charge['causes'])}" if charge["causes"] else ""
    title = f"{charge['insured']} · {charge['period']} · {charge['group']}{why}"
    print_table(title, ("Branch", "Formula", "Employee EUR", "Employer EUR"), rows)
    for record in charge["records"]:
        console.print(
            f"  record {record['record']} of deposit {record['deposit']}, SHA-256 {record['digest'][:16]}…",
            markup=False,
        )
    values = {
        (one["name"], one["value"], one["since"], one["source"])
        for line in charge["lines"]
        for one in line["parameters"]
    }
    for name, value, since, source in sorted(values):
        console.print(f"  {name} = {value} since {since} ({source})", markup=False, soft_wrap=True)
