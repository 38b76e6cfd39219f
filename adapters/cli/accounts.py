"""The operator's commands on accounts: how they stand, plans, disputes, credits, and the institutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import accumulate
from typing import Annotated

import sqlalchemy as sa
import typer

from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, employer_of, open_gateway, right_now
from adapters.database import Database
from adapters.database.institutions import books_of, books_of_some, statistics, totals
from adapters.database.journal import append
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.recovery import SqlRecovery
from gateway.ledger import DisputeOutcome, Entry, Instalment, OpenInterest, Plan, Position, position
from gateway.ledger.granting import NotGranted, ask_refund, contest, grant_plan
from gateway.ledger.institutions import (
    HEADINGS,
    Books,
    from_totals,
    states_document,
    to_csv,
    transfers_document,
)
from gateway.ledger.position import PlanStanding
from gateway.moments import Period, Received
from gateway.money import cents_of, euro
from gateway.recovery import State, standings

app = typer.Typer()
plan = typer.Typer(help="Payment plans: debts paid in instalments without interest.", no_args_is_help=True)
dispute = typer.Typer(help="Disputes: recovery of an amount waits.", no_args_is_help=True)
credit = typer.Typer(help="Credit balances.", no_args_is_help=True)
app.add_typer(plan, name="plan")
app.add_typer(dispute, name="dispute")
app.add_typer(credit, name="credit")

Employer = Annotated[str, typer.Argument(metavar="EMPLOYER", help="13 digits.")]
Amount = Annotated[str | None, typer.Option(help="In euro, such as 120.00; all of it without.")]


@app.command()
def account(
    employer: Employer,
    day: Annotated[str, typer.Option(help="At the end of this day, YYYY-MM-DD; today without it.")] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print an employer's account: each booking with the balance after it, what is open, interest, credit."""
    matricule, until = employer_of(employer), day_of(day) if day else right_now().day
    with open_gateway(data)[1].read() as connection:
        books = books_of(connection, matricule)
    standing = _position(books, until)
    entries = sorted(
        (one for one in books.entries if one.day <= until), key=lambda one: (one.day, one.number)
    )
    balances = list(accumulate(one.amount for one in entries))
    if as_json:
        print_json(_account(standing, list(zip(entries, balances, strict=True))))
        return
    head = ("Entry", "Day", "What", "Month", "Statement", "Due", "EUR", "Balance EUR")
    rows = (_entry_line(*one) for one in zip(entries, balances, strict=True))
    print_table(f"Account of {matricule} at the end of {until}", head, rows)
    columns = (
        "Entry",
        "What",
        "Month",
        "Statement",
        "Due",
        "Charged EUR",
        "Open EUR",
        "Disputed EUR",
        "Plan",
    )
    print_table("Open", columns, (tuple(map(_text, row.values())) for row in _items(standing)))
    print_table("Interest", ("Of entry", "Month", "EUR", "Plan"), map(_interest_line, standing.interest))
    console.print(
        f"Balance {euro(standing.balance)}: interest {euro(standing.interest_owed)}, "
        f"credit {euro(standing.credit)}"
    )


@app.command()
def institutions(
    period: Annotated[str, typer.Option(help="Month that is closed, YYYY-MM.")],
    transfers: Annotated[
        bool, typer.Option("--transfers", help="What is to be passed on to each instead.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print the accounts of each institution for a month, and check them against the ledger to the cent."""
    month = _month(period)
    if as_csv and as_json:
        wrong_use("--csv or --json, not both")
    with open_gateway(data)[1].read() as connection:
        ledger = SqlLedger(connection)
        added_up = totals(connection, month)
        owing = books_of_some(connection, sorted(added_up.owing | added_up.owing_before))
        found = from_totals(month, added_up, owing, ledger.transfers())
        wrong = found.after.differences(ledger.accounts(month))
        counted = statistics(connection, month)
    states, due = found.states(counted), found.after.transferable()
    document = transfers_document(month, due) if transfers else states_document(states)
    if as_json:
        print_json({"period": str(month), "rows": document, "differences": wrong})
    elif as_csv:
        typer.echo(to_csv(document), nl=False)
    elif transfers:
        head = ("Beneficiary", "For", "Until", "Settled EUR", "Passed on EUR", "To pass on EUR")
        print_table(f"To pass on after {month}", head, (tuple(map(_text, one.values())) for one in document))
    else:
        columns = ("Institution", *(one.capitalize() for one in HEADINGS), "Persons", "Bases")
        rows = ([_text(cell) for name, cell in one.items() if name != "period"] for one in document)
        print_table(f"Institutions in {month}, EUR", columns, rows)
    for one in wrong:
        errors.print(f"Does not agree with the ledger: {one}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)


@plan.command("add")
def add_plan(
    employer: Employer,
    instalment: Annotated[
        list[str], typer.Option(help="YYYY-MM-DD=AMOUNT, such as 2026-09-30=500.00; may be repeated.")
    ],
    granted_by: Annotated[str, typer.Option(help="Office or function that granted it.")],
    item: Annotated[
        list[int] | None, typer.Option(help="Entry that it covers; all that is open without.")
    ] = None,
    data: Folder = None,
) -> None:
    """Enter a payment plan that was granted, from today on, over open items and the interest on them."""
    given = [_instalment(one) for one in instalment]

    def enter(connection: sa.Connection, standing: Position, now: Received) -> str:
        new = grant_plan(standing, item or (), given, granted_by=granted_by, entered=now)
        number = SqlArrangements(connection).grant(new)
        append(connection, at=now, event="plan", subject=f"{number} {new.employer} {euro(new.total)}")
        told = f"Plan {number} over {euro(new.total)} in {len(new.instalments)} instalments is entered."
        return " ".join([told, *_with_bailiff(connection, standing, new)])

    _change(open_gateway(data)[1], employer_of(employer), enter)


def _with_bailiff(connection: sa.Connection, standing: Position, new: Plan) -> Iterator[str]:
    """What the operator has to do where a bailiff recovers debts that a plan covers."""
    for one in standings(SqlRecovery(connection).of(new.employer), standing):
        if one.case.state is State.CONSTRAINT and new.items & one.case.enforced.keys():
            yield (
                f"A bailiff has case {one.case.number}: tell him to wait while the plan is kept. When all"
                " that is left of the case is under it, the next run of recovery stays the case."
            )


@plan.command("list")
def list_plans(employer: Employer, data: Folder = None, as_json: AsJson = False) -> None:
    """Print the payment plans of an employer and how they are kept."""
    matricule = employer_of(employer)
    with open_gateway(data)[1].read() as connection:
        standing = _position(books_of(connection, matricule), right_now().day)
    if as_json:
        print_json([_plan(one) for one in standing.plans])
        return
    head = (
        "Plan",
        "Granted",
        "By",
        "State",
        "Total EUR",
        "Asked so far EUR",
        "Settled EUR",
        "Not kept since",
    )
    print_table(f"Plans of {matricule}", head, map(_plan_line, standing.plans))


@dispute.command("open")
def open_dispute(
    employer: Employer,
    item: Annotated[int, typer.Option(help="Entry that is contested.")],
    reason: Annotated[str, typer.Option(help="Reference of the complaint; no names.")],
    amount: Amount = None,
    data: Folder = None,
) -> None:
    """Enter that an employer contests an open amount: recovery of it waits, and of nothing else."""
    cents = _amount(amount)

    def enter(connection: sa.Connection, standing: Position, now: Received) -> str:
        new = contest(standing, item, cents, reason=reason, entered=now)
        number = SqlArrangements(connection).open_dispute(new)
        append(
            connection, at=now, event="dispute", subject=f"{number} {new.employer} {item} {euro(new.amount)}"
        )
        return f"Dispute {number} over {euro(new.amount)} of entry {item} is open."

    _change(open_gateway(data)[1], employer_of(employer), enter)


@dispute.command("close")
def close_dispute(
    number: Annotated[int, typer.Argument(help="Number of the dispute.")],
    outcome: Annotated[DisputeOutcome, typer.Argument(help="How it was decided.")],
    data: Folder = None,
) -> None:
    """Close a dispute. When it is upheld, the correction comes with the declaration that is corrected."""
    now = right_now()
    with open_gateway(data)[1].write() as connection:
        try:
            closed = SqlArrangements(connection).close_dispute(number, outcome, now.day)
        except ValueError as error:
            refused(f"Nothing has changed: {error}.")
        if closed is None:
            refused(f"There is no dispute {number}.")
        append(connection, at=now, event="dispute closed", subject=f"{number} {closed.employer} {outcome}")
    console.print(f"Dispute {number} is closed: {outcome}.")


@credit.command("refund")
def refund_credit(employer: Employer, amount: Amount = None, data: Folder = None) -> None:
    """Enter that an employer asks for its credit; it is paid with the next orders to the bank."""
    cents = _amount(amount)

    def enter(connection: sa.Connection, standing: Position, now: Received) -> str:
        arrangements = SqlArrangements(connection)
        new = ask_refund(standing, cents, arrangements.refunds_asked(), entered=now)
        number = arrangements.ask_refund(new)
        append(
            connection, at=now, event="refund asked", subject=f"{number} {new.employer} {euro(new.amount)}"
        )
        return f"Request {number}: {euro(new.amount)} will be paid to {new.employer}."

    _change(open_gateway(data)[1], employer_of(employer), enter)


def _change(
    database: Database, employer: str, enter: Callable[[sa.Connection, Position, Received], str]
) -> None:
    """Do something that the account must allow, in one transaction, and say what was done."""
    now = right_now()
    with database.write() as connection:
        standing = _position(books_of(connection, employer), now.day)
        try:
            done = enter(connection, standing, now)
        except NotGranted as error:
            refused(f"Nothing has changed: {error}.")
    console.print(done, markup=False)


def _position(books: Books, day: date) -> Position:
    return position(books.entries, books.plans, books.disputes, employer=books.employer, day=day)


def _account(standing: Position, entries: Iterable[tuple[Entry, int]]) -> dict[str, object]:
    return {
        "employer": standing.employer,
        "day": standing.day.isoformat(),
        "balance": euro(standing.balance),
        "interest": euro(standing.interest_owed),
        "credit": euro(standing.credit),
        "entries": [
            {
                "entry": one.number,
                "day": one.day.isoformat(),
                "kind": one.kind.value,
                "period": one.period and str(one.period),
                "statement": one.statement,
                "due": one.due and one.due.isoformat(),
                "about": one.about,
                "reference": one.reference,
                "booked": str(one.booked),
                "amount": euro(one.amount),
                "balance": euro(balance),
                "postings": {str(p.account): euro(p.amount) for p in one.postings},
            }
            for one, balance in entries
        ],
        "open": _items(standing),
        "interest_open": [
            {"entry": one.item, "month": str(one.month), "open": euro(one.open), "plan": one.plan}
            for one in standing.interest
        ],
        "plans": [_plan(one) for one in standing.plans],
    }


def _items(standing: Position) -> list[dict[str, object]]:
    return [
        {
            "entry": one.number,
            "kind": one.kind.value,
            "period": one.period and str(one.period),
            "statement": one.statement,
            "due": one.due.isoformat(),
            "original": euro(one.original),
            "open": euro(one.open),
            "disputed": euro(one.disputed),
            "plan": one.plan,
        }
        for one in standing.items
    ]


def _plan(one: PlanStanding) -> dict[str, object]:
    granted: Plan = one.plan
    return {
        "plan": granted.number,
        "granted": granted.granted.isoformat(),
        "granted_by": granted.granted_by,
        "state": one.state.value,
        "total": euro(granted.total),
        "asked": euro(one.asked),
        "settled": euro(one.settled),
        "defaulted": one.defaulted and one.defaulted.isoformat(),
        "items": sorted(granted.items),
        "instalments": [
            {"due": part.due.isoformat(), "amount": euro(part.amount)} for part in granted.instalments
        ],
    }


def _plan_line(one: PlanStanding) -> tuple[str, ...]:
    return tuple(_text(cell) for name, cell in _plan(one).items() if name not in ("items", "instalments"))


def _interest_line(one: OpenInterest) -> tuple[str, ...]:
    return tuple(map(_text, (one.item, one.month, euro(one.open), one.plan)))


def _entry_line(one: Entry, balance: int) -> tuple[str, ...]:
    cells = (
        one.number,
        one.day,
        one.kind,
        one.period,
        one.statement,
        one.due,
        euro(one.amount),
        euro(balance),
    )
    return tuple(map(_text, cells))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _month(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        wrong_use(str(error))


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return cents_of(text)
    except ValueError as error:
        wrong_use(str(error))


def _instalment(text: str) -> Instalment:
    day, _, amount = text.partition("=")
    due, cents = day_of(day), _amount(amount)
    return Instalment(due, cents or 0)
