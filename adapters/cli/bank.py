"""The operator's bank: statements in, payments to their employers, direct debits and refunds out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from adapters.bank import due, intake, orders
from adapters.bank.intake import NotAssigned, Taken
from adapters.bank.orders import NotEntered, Ordered
from adapters.bank.read import BankFileRefused
from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, employer_of, open_gateway, right_now
from adapters.settings import Settings
from gateway.moments import Received
from gateway.money import euro
from gateway.payments import EXPLANATIONS

app = typer.Typer()
bank = typer.Typer(no_args_is_help=True, help="Payments in from the bank, and orders out to it.")
mandate = typer.Typer(no_args_is_help=True, help="Mandates of employers for direct debits.")
bank.add_typer(mandate, name="mandate")
app.add_typer(bank, name="bank")

Out = Annotated[Path, typer.Option(help="Where to put the file for the bank; it must not be there yet.")]
Employer = Annotated[str, typer.Argument(metavar="EMPLOYER", help="13 digits.")]
Holder = Annotated[str, typer.Option(help="Holder of the account.")]


@bank.command("import")
def import_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="camt.053 or camt.054.", dir_okay=False)
    ],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Take in statements and notifications of the bank; what was told before is not booked again.

    A file that is refused leaves nothing behind and stops none of the others.
    """
    _, database, settings = open_gateway(data)
    told: list[dict[str, object]] = []
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            wrong_use(f"{file}: {error.strerror}")
        try:
            taken = intake.take(database, raw, settings.creditor_iban, right_now())
        except BankFileRefused as error:
            told.append({"file": str(file), "refused": error.key, "reason": error.reason})
        else:
            told.append({"file": str(file), **_taken(taken)})
    if as_json:
        print_json(told)
    else:
        for one in told:
            _say(one)
    if any("refused" in one for one in told):
        raise typer.Exit(1)


def _taken(taken: Taken) -> dict[str, object]:
    return {
        "digest": taken.digest,
        "reports": list(taken.reports),
        "again": taken.again,
        "amount": euro(taken.amount),
        "matched": list(taken.matched),
        "unmatched": dict(taken.unmatched),
        "held": dict(taken.held),
        "repeated": taken.repeated,
    }


def _say(one: dict[str, object]) -> None:
    if "refused" in one:
        errors.print(f"{one['file']}: refused, {one['refused']}: {one['reason']}", style="red", markup=False)
    elif one["again"]:
        console.print(f"{one['file']}: was taken in before; nothing was done.", markup=False)
    else:
        counts = ", ".join(
            f"{_count(one[name])} {name}" for name in ("matched", "unmatched", "held", "repeated")
        )
        console.print(f"{one['file']}: EUR {one['amount']} booked; {counts}.", markup=False)


def _count(told: object) -> int:
    return told if isinstance(told, int) else len(told) if isinstance(told, list | dict) else 0


@bank.command()
def unmatched(data: Folder = None, as_json: AsJson = False) -> None:
    """List the payments that wait to be assigned, and what could not be booked at all."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        waiting = intake.waiting(connection)
    rows = [
        {
            "reference": one.reference,
            "booked": one.booked.isoformat(),
            "amount": euro(one.amount) if one.amount is not None else one.told,
            "anomaly": one.anomaly.value,
            "explanation": EXPLANATIONS[one.anomaly],
            "name": one.name,
            "iban": one.iban,
            "text": one.text,
        }
        for one in waiting
    ]
    if as_json:
        print_json(rows)
        return
    shown = ("reference", "booked", "amount", "anomaly")
    print_table(
        "Payments of nobody yet",
        ("Reference", "Booked", "Amount EUR", "Why", "From, text"),
        ((*(row[name] or "" for name in shown), f"{row['name'] or '?'}: {row['text']}") for row in rows),
        "From, text",
    )


@bank.command()
def assign(
    reference: Annotated[str, typer.Argument(help="Of the payment, as `unmatched` tells it.")],
    employer: Employer,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Give a payment to an employer; it counts from the day on which it came in."""
    _, database, _ = open_gateway(data)
    try:
        with database.write() as connection:
            amount = intake.assign(connection, reference, employer_of(employer), right_now())
    except NotAssigned as error:
        refused(f"Not assigned: {error}.")
    if as_json:
        print_json({"reference": reference, "employer": employer, "amount": euro(amount)})
    else:
        console.print(f"EUR {euro(amount)} ({reference}) is booked to {employer}.", markup=False)


@bank.command()
def account(
    employer: Employer,
    iban: Annotated[str, typer.Argument(help="Account to which its credits are paid out.")],
    name: Holder,
    data: Folder = None,
) -> None:
    """Say to which account the credits of an employer are paid out."""
    _, database, _ = open_gateway(data)
    try:
        with database.write() as connection:
            orders.set_payout(connection, employer_of(employer), iban=iban, name=name, at=right_now())
    except NotEntered as error:
        refused(f"Not entered: {error}.")
    console.print(f"Credits of {employer} are paid out to {iban}.", markup=False)


@mandate.command("add")
def add_mandate(
    employer: Employer,
    iban: Annotated[str, typer.Option(help="Account to collect from.")],
    name: Holder,
    identifier: Annotated[str, typer.Option("--mandate", help="Id of the mandate, never used before.")],
    signed: Annotated[str, typer.Option(help="Day of the signature, YYYY-MM-DD.")],
    bic: Annotated[str | None, typer.Option(help="Bank of the account.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Enter the mandate by which an employer lets its statements be collected."""
    _, database, _ = open_gateway(data)
    try:
        with database.write() as connection:
            number = orders.enter_debit(
                connection,
                employer_of(employer),
                iban=iban,
                bic=bic,
                name=name,
                mandate=identifier,
                signed=day_of(signed),
                at=right_now(),
            )
    except NotEntered as error:
        refused(f"Not entered: {error}.")
    if as_json:
        print_json({"number": number, "mandate": identifier, "employer": employer})
    else:
        console.print(f"Mandate {identifier} of {employer} is entered.", markup=False)


@mandate.command("end")
def end_mandate(
    identifier: Annotated[str, typer.Argument(metavar="MANDATE", help="Id of the mandate.")],
    data: Folder = None,
) -> None:
    """End a mandate at once; what was ordered with it stands."""
    _, database, _ = open_gateway(data)
    with database.write() as connection:
        ended = orders.end_debit(connection, identifier, right_now())
    if not ended:
        refused(f"No mandate {identifier} is in force.")
    console.print(f"Mandate {identifier} has ended.", markup=False)


@mandate.command("list")
def list_mandates(data: Folder = None, as_json: AsJson = False) -> None:
    """List the mandates in force."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        debits = orders.debits(connection)
    rows = [
        {
            "mandate": one.mandate,
            "employer": one.employer,
            "iban": one.iban,
            "bic": one.bic,
            "name": one.name,
            "signed": one.signed.isoformat(),
            "used": one.used and one.used.isoformat(),
        }
        for one in debits.values()
    ]
    if as_json:
        print_json(rows)
        return
    head = ("Mandate", "Employer", "IBAN", "Holder", "Signed", "Last collected")
    shown = ("mandate", "employer", "iban", "name", "signed", "used")
    print_table("Direct debits", head, ([row[name] or "" for name in shown] for row in rows))


@bank.command()
def collect(out: Out, data: Folder = None, as_json: AsJson = False) -> None:
    """Order the direct debits for what is due, as a pain.008 for the bank."""

    def order(connection: sa.Connection, settings: Settings, now: Received) -> Ordered:
        return orders.order_collections(connection, due.amounts_due(connection, now), settings, now)

    _order(order, "direct debits", out, data, as_json)


@bank.command()
def refund(out: Out, data: Folder = None, as_json: AsJson = False) -> None:
    """Order the refunds of credits that were asked for, as a pain.001 for the bank."""

    def order(connection: sa.Connection, settings: Settings, now: Received) -> Ordered:
        return orders.order_refunds(connection, due.credits_asked(connection, now), settings, now)

    _order(order, "refunds", out, data, as_json)


def _order(
    order: Callable[[sa.Connection, Settings, Received], Ordered],
    what: str,
    out: Path,
    data: Path | None,
    as_json: bool,
) -> None:
    """Write a file of orders; it gets its name only when the register has the orders for good."""
    _, database, settings = open_gateway(data)
    if settings.environment == "production" and not settings.names_creditor:
        refused("Set SECUGATE_CREDITOR_NAME, _IBAN, _BIC and _ID first: the defaults are nobody's.")
    if out.exists() or not out.parent.is_dir():
        wrong_use(f"{out} is there already, or its folder is not")
    part = out.with_name(out.name + ".part")
    if part.exists():
        refused(f"{part} is there: a run was cut off. Find out whether its message is in the journal.")
    try:
        with database.write() as connection:
            ordered = order(connection, settings, right_now())
            if ordered.written is not None:
                _put(part, ordered.written.content)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if ordered.written is not None:
        part.rename(out)
    left = [{"employer": who, "about": about, "why": why.value} for who, about, why in ordered.left]
    if as_json:
        message = ordered.written and ordered.written.message
        print_json(
            {"message": message, "number": ordered.number, "amount": euro(ordered.amount), "left_out": left}
        )
        return
    if ordered.written is None:
        console.print(f"There are no {what} to order.")
    else:
        console.print(f"{ordered.number} {what}, EUR {euro(ordered.amount)}, are in {out}.", markup=False)
    for one in left:
        errors.print(f"Left out: {one['employer']}, {one['about']}: {one['why']}", markup=False)


def _put(file: Path, content: bytes) -> None:
    """Write a new file that nobody else may read, and have it on the disk."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(content)
        new.flush()
        os.fsync(new.fileno())
