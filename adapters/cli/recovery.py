"""The operator's commands on unpaid statements and on fines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from adapters.cli.output import AsJson, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, employer_of, open_gateway, right_now
from adapters.fines import Done, Fines
from adapters.premises import seal_of
from adapters.recovery import NotDue, Recovery, Taken
from gateway.deadlines import Kind
from gateway.fines import Fine, NotDone
from gateway.matricule import is_person
from gateway.moments import Period, system_clock
from gateway.money import cents_of, euro
from gateway.recovery import Claim, LaterDay, Standing

T = TypeVar("T")

app = typer.Typer()
recovery = typer.Typer(
    help="Recovery of unpaid statements: reminder, summons, constraint.", no_args_is_help=True
)
fine = typer.Typer(help="Fines: imposed, opposed and lifted, never by themselves.", no_args_is_help=True)
app.add_typer(recovery, name="recovery")
app.add_typer(fine, name="fine")

Employer = Annotated[str, typer.Argument(metavar="EMPLOYER", help="13 digits.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the fine.")]
Day = Annotated[str, typer.Option(help="At the end of this day, YYYY-MM-DD; today without it.")]
Amount = Annotated[str | None, typer.Option(help="In euro, such as 120.00.")]
Reference = Annotated[str, typer.Option(help="By which it can be found, at most 140 characters; no names.")]


@recovery.command("run")
def run_recovery(day: Day = "", data: Folder = None, as_json: AsJson = False) -> None:
    """Enter and post what is due: reminders, summons, and what follows from payments, plans and disputes.

    Constraints are proposed, not ordered. What was posted is not posted again.
    """
    taken = _do(lambda: list(_recovery(data).run(day_of(day) if day else right_now().day)))
    if as_json:
        print_json([_taken(one) for one in taken])
        return
    head = ("Number", "Employer", "Case", "What", "EUR", "Interest EUR", "Until", "Why", "Posted")
    print_table("Recovery", head, map(_taken_line, taken))


@recovery.command("list")
def list_recovery(day: Day = "", data: Folder = None, as_json: AsJson = False) -> None:
    """Print every case that is not closed: where it stands, what is unpaid, what may be recovered of it."""
    found = _do(lambda: _recovery(data).standings(day_of(day) if day else right_now().day))
    if as_json:
        print_json([_standing(one) for one in found])
        return
    head = ("Employer", "Case", "State", "Since", "Until", "Unpaid EUR", "To recover EUR")
    print_table("Cases", head, (tuple(map(_text, _standing(one).values())) for one in found))


@recovery.command()
def constrain(
    employer: Employer,
    by: Annotated[str, typer.Option(help="Office that orders it; no names.")],
    day: Day = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Order the constraint that is proposed: the case goes to the bailiff."""
    if not by.strip():
        wrong_use("A constraint is ordered by an office")
    matricule, on = employer_of(employer), day_of(day) if day else right_now().day
    one = _do(lambda: _recovery(data).constrain(matricule, on, by.strip()))
    if as_json:
        print_json(_taken(one))
        return
    total = euro(one.step.amount + one.step.interest)
    console.print(
        f"Constraint {one.number} against {matricule} over EUR {total} is ordered by {by.strip()}.",
        markup=False,
    )


@fine.command()
def impose(
    employer: Employer,
    amount: Amount = None,
    reference: Annotated[str | None, typer.Option(help="By which it can be found; no names.")] = None,
    period: Annotated[str | None, typer.Option(help="Month that it is about, YYYY-MM.")] = None,
    insured: Annotated[str | None, typer.Option(help="Of a proposal: the insured, 13 digits.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Of a proposal: what came late.")] = None,
    event: Annotated[str | None, typer.Option(help="Of a proposal: the day, or the wage month.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Impose a fine: that of a proposal (--insured, --kind, --event; see lateness), or another one.

    Another one needs --amount and --reference. The employer is told, and by when to pay or object.
    """
    matricule, cents = employer_of(employer), _amount(amount)
    fines = _fines(data)
    if insured is not None and kind is not None and event is not None:
        if reference is not None or period is not None:
            wrong_use("A proposal brings its own reference and month")
        if not is_person(insured):
            wrong_use(f"{insured} is no matricule of a person: 13 digits with right check digits")
        done = _do(lambda: fines.impose_proposed(matricule, insured, kind, event, cents))
    elif cents is None or reference is None or not (insured is kind is event is None):
        wrong_use("Either --insured, --kind and --event of a proposal, or --amount and --reference")
    else:
        month = None if period is None else _month(period)
        done = _do(lambda: fines.impose(matricule, cents, reference, month))
    _say(
        done, f"Fine {done.number} of EUR {euro(done.amount)} is imposed, to pay by {done.last_day}.", as_json
    )


@fine.command("list")
def list_fines(
    employer: Annotated[
        str | None, typer.Argument(metavar="EMPLOYER", help="13 digits; all without.")
    ] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print the fines: what stands of each, by when to pay or object, and its opposition."""
    found = _fines(data).known(None if employer is None else employer_of(employer))
    if as_json:
        print_json([_fine(*one) for one in found])
        return
    head = (
        "Fine",
        "Employer",
        "Day",
        "Until",
        "EUR",
        "Lifted EUR",
        "Month",
        "Opposed",
        "Decided",
        "Reference",
    )
    print_table("Fines", head, (tuple(map(_text, _fine(*one).values())) for one in found))


@fine.command()
def discharge(
    number: Number,
    reference: Reference,
    amount: Amount = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Lift a fine, or a part of it; the employer is told."""
    cents = _amount(amount)
    done = _do(lambda: _fines(data).discharge(number, cents, reference))
    _say(done, f"EUR {euro(done.amount)} of fine {number} are lifted.", as_json)


@fine.command()
def oppose(
    number: Number,
    received: Annotated[str, typer.Option(help="Day on which the opposition came in, YYYY-MM-DD.")],
    reference: Reference,
    data: Folder = None,
) -> None:
    """Enter that an employer objects to a fine: recovery of it waits for the decision."""
    day = day_of(received)
    _do(lambda: _fines(data).oppose(number, day, reference))
    console.print(f"Fine {number} is opposed since {day}; it is not recovered before the decision.")


@fine.command()
def decide(
    number: Number,
    upheld: Annotated[
        bool, typer.Option("--upheld/--rejected", help="Upheld: the fine is lifted. Rejected: it stands.")
    ],
    reference: Reference,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Decide an opposition to a fine; the employer is told."""
    done = _do(lambda: _fines(data).decide(number, upheld=upheld, reference=reference))
    said = f"EUR {euro(done.amount)} of fine {number} {'are lifted' if upheld else 'stand'}."
    _say(done, said, as_json)


def _do(work: Callable[[], T]) -> T:
    try:
        return work()
    except (NotDue, NotDone, LaterDay) as error:
        refused(f"Nothing has changed: {error}.")


def _recovery(data: Path | None) -> Recovery:
    premises, database, settings = open_gateway(data)
    return Recovery(database, seal_of(premises, settings), system_clock)


def _fines(data: Path | None) -> Fines:
    premises, database, settings = open_gateway(data)
    return Fines(database, seal_of(premises, settings), system_clock)


def _say(done: Done, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "fine": done.number,
                "employer": done.employer,
                "amount": euro(done.amount),
                "last_day": done.last_day.isoformat(),
                "posted": list(done.posted),
            }
        )
    else:
        console.print(f"{sentence} Told: {_posted(done.posted)}.", markup=False)


def _posted(names: Iterable[str]) -> str:
    return ", ".join(names) or "nobody, so by letter"


def _taken(one: Taken) -> dict[str, object]:
    step = one.step
    return {
        "number": one.number,
        "employer": step.employer,
        "case": step.case,
        "event": step.event.name.lower(),
        "proposal": step.is_proposal,
        "day": step.day.isoformat(),
        "last_day": step.last_day and step.last_day.isoformat(),
        "amount": euro(step.amount),
        "interest": euro(step.interest),
        "items": [_claim(claim) for claim in step.claims],
        "reason": step.reason,
        "basis": step.basis,
        "what_to_do": step.remedy,
        "posted": list(one.posted),
    }


def _claim(one: Claim) -> dict[str, object]:
    return {
        "entry": one.item,
        "kind": one.kind.value,
        "statement": one.statement,
        "period": one.period and str(one.period),
        "due": one.due.isoformat(),
        "amount": euro(one.amount),
        "interest": euro(one.interest),
    }


def _taken_line(one: Taken) -> tuple[str, ...]:
    step = one.step
    told = _posted(one.posted) if step.claims and one.number else ""
    cells = (
        one.number or "proposed",
        step.employer,
        step.case,
        step.event.name.lower(),
        euro(step.amount),
        euro(step.interest),
        step.last_day,
        f"{step.reason} {step.remedy}" if one.number is None else step.reason,
        told,
    )
    return tuple(map(_text, cells))


def _standing(one: Standing) -> dict[str, object]:
    case = one.case
    return {
        "employer": one.employer,
        "case": case.number,
        "state": case.state.value,
        "since": case.since.isoformat(),
        "until": case.until and case.until.isoformat(),
        "unpaid": euro(one.unpaid),
        "to_recover": euro(one.free),
    }


def _fine(employer: str, one: Fine) -> dict[str, object]:
    opposition = one.opposition
    return {
        "fine": one.number,
        "employer": employer,
        "day": one.entry.day.isoformat(),
        "last_day": one.last_day.isoformat(),
        "amount": euro(one.entry.amount),
        "lifted": euro(one.lifted),
        "period": one.entry.period and str(one.entry.period),
        "opposed": opposition and opposition.opened.isoformat(),
        "outcome": opposition and opposition.outcome and opposition.outcome.value,
        "reference": one.entry.reference,
    }


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return cents_of(text)
    except ValueError as error:
        wrong_use(str(error))


def _month(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        wrong_use(str(error))
