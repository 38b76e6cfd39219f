"""The operator's commands on time limits: the published calendar, outages, circumstances, lateness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import typer

from adapters.cli.output import AsJson, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, open_gateway, settings_of
from adapters.database.circumstances import Circumstances, OverlappingOutages
from adapters.lateness import proposed
from adapters.notices import Notices
from adapters.premises import database_of, is_made, seal_of
from gateway.deadlines import Due, Outage, hour_of, published, rule
from gateway.deadlines import last_day_of as last
from gateway.lateness import Circumstance, Matter, Proposal
from gateway.lateness_words import LANGUAGES, text
from gateway.matricule import is_employer, is_person
from gateway.moments import LUXEMBOURG, Received, system_clock
from gateway.money import euro

app = typer.Typer()
circumstance = typer.Typer(
    help="Circumstances: what bears on a duty to declare and no batch says.", no_args_is_help=True
)
app.add_typer(circumstance, name="circumstance")


@app.command()
def calendar(
    year: Annotated[int, typer.Option(min=2000, max=2200, help="Such as 2026.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print the calendar of a year: the last day and hour of each time limit and the cut-off of each run.

    With the outages that the gateway declared, where there is one.
    """
    settings = settings_of(data)
    outages = Circumstances(database_of(settings)).outages() if is_made(settings) else []
    found = published(year, outages)
    if as_json:
        print_json([_entry(one) for one in found])
        return
    head = ("Month", "What", "For", "Last day", "Hour", "Extended from")
    print_table(f"Calendar of {year}, hours in Luxembourg", head, map(_row, found))


def _hour(one: Due) -> str:
    return f"{hour_of(one):02d}:00"


def _entry(one: Due) -> dict[str, object]:
    return {
        "month": f"{one.last:%Y-%m}",
        "kind": one.kind.value,
        "run": one.kind.is_run,
        "for": str(one.event),
        "last_day": one.last.isoformat(),
        "hour": _hour(one),
        "late_from": str(one.until),
        "without_outages": one.nominal.isoformat(),
        "source": rule(one.kind, last(one.event)).source,
    }


def _row(one: Due) -> tuple[str, ...]:
    what = f"{one.kind.value} (run)" if one.kind.is_run else one.kind.value
    extended = one.nominal.isoformat() if one.last != one.nominal else ""
    return f"{one.last:%Y-%m}", what, str(one.event), one.last.isoformat(), _hour(one), extended


@app.command()
def outage(
    first: Annotated[str, typer.Option("--from", help="YYYY-MM-DDTHH:MM in Luxembourg.")],
    until: Annotated[str, typer.Option("--until", help="YYYY-MM-DDTHH:MM in Luxembourg.")],
    reason: Annotated[str, typer.Option(help="In your words; it stands in the journal.")],
    data: Folder = None,
) -> None:
    """Declare an outage: time limits that it touches are extended, and all members are told which."""
    begun, over = _moment(first), _moment(until)
    if over <= begun:
        wrong_use("An outage ends after it began")
    premises, database, settings = open_gateway(data)
    try:
        number = Circumstances(database).declare(Outage(begun, over, reason), _now())
    except OverlappingOutages as error:
        refused(f"Not declared: {error}.")
    console.print(f"Outage {number} from {begun} to {over} is declared.", markup=False)
    told = list(Notices(database, seal_of(premises, settings), system_clock).tell_outages())
    console.print(f"{len(told)} members are told which time limits it extends (CALEND).", markup=False)


@circumstance.command("add")
def add_circumstance(
    matter: Annotated[Matter, typer.Argument(help="What it is.")],
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    until: Annotated[
        str | None, typer.Option("--until", help="Last day, YYYY-MM-DD; open without it.")
    ] = None,
    employer: Annotated[str | None, typer.Option(help="13 digits.")] = None,
    insured: Annotated[str | None, typer.Option(help="13 digits.")] = None,
    data: Folder = None,
) -> None:
    """Enter a dispute, a de-activated matricule or days paid by the health fund.

    A dispute is between an employer and an insured; de-activated is one of them; the health fund pays an
    insured. The same again with the same first day states its last day anew.
    """
    given = (employer is not None, insured is not None)
    wanted = {
        Matter.DISPUTE: {(True, True)},
        Matter.DEACTIVATED: {(True, False), (False, True)},
        Matter.HEALTH_FUND: {(True, True), (False, True)},
    }
    if given not in wanted[matter]:
        wrong_use(
            "A dispute needs --employer and --insured, health-fund --insured, and deactivated one of them"
        )
    new = Circumstance(
        matter, _employer(employer), _insured(insured), _day(first), None if until is None else _day(until)
    )
    if new.last is not None and new.last < new.first:
        wrong_use("It ends after it began")
    number = Circumstances(open_gateway(data)[1]).enter(new, _now())
    console.print(f"Circumstance {number} is entered.")


@app.command()
def lateness(
    day: Annotated[str, typer.Option(help="As of the end of this day, YYYY-MM-DD.")],
    employer: Annotated[str | None, typer.Option(help="One employer only, 13 digits.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Print what is proposed for declarations that came late or are missing. Nothing is posted or fined."""
    found = proposed(open_gateway(data)[1], _day(day), _employer(employer))
    if as_json:
        print_json([_document(one) for one in found])
        return
    head = ("Employer\nInsured", "What\nFor", "Due\nReceived", "Days", "EUR", "Proposed", "Until\nCure")
    print_table(f"Proposals as of {day}", head, map(_line, found))
    _legend(found)


def _document(one: Proposal) -> dict[str, object]:
    return {
        "employer": one.employer,
        "insured": one.insured,
        "kind": one.kind.value,
        "event": str(one.event),
        "due": one.due.isoformat(),
        "received": one.received and str(one.received),
        "days_late": one.days_late,
        "amount": None if one.amount is None else euro(one.amount),
        "state": one.state.value,
        "ground": one.ground and one.ground.value,
        "notice": one.notice.isoformat(),
        "right_to_cure": one.right_to_cure,
        "last_day": one.last_day.isoformat(),
        "basis": one.basis,
        "text": {language: text(one, language) for language in LANGUAGES},
    }


def _line(one: Proposal) -> tuple[str, ...]:
    """Two lines for each proposal, so that they stand side by side in 80 columns."""
    return (
        f"{one.employer}\n{one.insured}",
        f"{one.kind.value}\n{one.event}",
        f"{one.due}\n{one.received.day if one.received else 'not yet'}",
        str(one.days_late),
        "" if one.amount is None else euro(one.amount),
        one.state.value,
        f"{one.last_day}\n{'cure' if one.right_to_cure else 'no cure'}",
    )


def _legend(found: Sequence[Proposal]) -> None:
    if found:
        console.print("Until: last day to object and, where there is the right, to cure.")


def _now() -> Received:
    return Received(system_clock())


def _moment(written: str) -> Received:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        wrong_use(f"A moment is written YYYY-MM-DDTHH:MM, not {written}")
    return Received(at if at.tzinfo else at.replace(tzinfo=LUXEMBOURG))


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        wrong_use(f"A day is written YYYY-MM-DD, not {written}")


def _employer(matricule: str | None) -> str | None:
    if matricule is not None and not is_employer(matricule):
        wrong_use(f"{matricule} is no employer matricule: 13 digits with right check digits")
    return matricule


def _insured(matricule: str | None) -> str | None:
    if matricule is not None and not is_person(matricule):
        wrong_use(f"{matricule} is no matricule of a person: 13 digits with right check digits")
    return matricule
