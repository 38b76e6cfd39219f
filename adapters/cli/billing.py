"""`secugate bill`: the statements of a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from adapters.billing import BillingRun, Held, Issued
from adapters.billing.followups import Followups
from adapters.cli.output import AsJson, errors, print_json, print_table, progress, wrong_use
from adapters.cli.premises import Folder, open_gateway
from adapters.faults import place_of
from adapters.premises import payee_of, seal_of
from gateway.moments import Period, system_clock
from gateway.money import euro

app = typer.Typer()


@app.command()
def bill(
    period: Annotated[str, typer.Option(help="Wage month, YYYY-MM.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Issue the account statements of a month that are due, post them, and set their pages.

    Whoever has a statement of the month, or of a later one, gets no second one. What cannot be charged is
    held and named, and stops nobody else.
    """
    premises, database, settings = open_gateway(data)
    try:
        month = Period.parse(period)
    except ValueError as error:
        wrong_use(str(error))
    seal = seal_of(premises, settings)
    run = BillingRun(database, seal, system_clock, payee_of(settings))
    results: list[Issued | Held] = []
    failed: Sequence[BaseException] = ()
    try:
        for one in progress(run.run(month), f"Billing {month}", len(run.due(month))):
            results.append(one)
    except ExceptionGroup as failures:
        failed = failures.exceptions
    issued = [one for one in results if isinstance(one, Issued)]
    after = Followups(database, seal, system_clock)
    compared = list(after.comparisons())
    pages = list(progress(after.pages(), "Setting pages", sum(len(one.recipients) for one in issued)))
    if as_json:
        print_json(_document(month, results, len(pages), len(compared)))
    else:
        _print(month, results)
    for failure in failed:
        note = ", ".join(getattr(failure, "__notes__", ())) or "somebody"
        errors.print(
            f"Our failure: no statement for {note}; it is tried again by the next run ({place_of(failure)}).",
            style="red",
            markup=False,
        )
    if failed:
        raise typer.Exit(1)


def _document(
    month: Period, results: Sequence[Issued | Held], pages: int, compared: int
) -> dict[str, object]:
    return {
        "period": str(month),
        "issued": [
            {
                "number": one.number,
                "employer": one.employer,
                "total": euro(one.total),
                "recipients": list(one.recipients),
            }
            for one in results
            if isinstance(one, Issued)
        ],
        "pages": pages,
        "comparisons": compared,
        "held": [{**hold._asdict(), "period": str(hold.period)} for one in results for hold in one.held],
    }


def _print(month: Period, results: Sequence[Issued | Held]) -> None:
    rows = [
        (one.number, one.employer, euro(one.total), ", ".join(one.recipients) or "nobody")
        for one in results
        if isinstance(one, Issued)
    ]
    print_table(f"Statements for {month}", ("Statement", "Employer", "Amount due EUR", "Posted to"), rows)
    held = [
        (hold.code.value, hold.employer, str(hold.period), hold.insured or "all", hold.detail)
        for one in results
        for hold in one.held
    ]
    if held:
        print_table("Held, not charged", ("Why", "Employer", "Month", "Insured", "Detail"), held)
