"""The operator's commands on a calendar year: statements to the insured, year-end totals, the ceiling."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from adapters.billing.letters import GOOD, Annual, CeilingNotices, State, Stated
from adapters.billing.years import PersonYear, years
from adapters.cli.output import AsJson, Language, console, print_json, print_table, wrong_use
from adapters.cli.premises import Folder, employer_of, open_gateway, right_now
from adapters.premises import seal_of
from gateway.billing.annual import Open, WorkerYear, due_by
from gateway.billing.over_ceiling import OverCeiling
from gateway.contributions import NoParametersError, schedule_of
from gateway.matricule import is_person
from gateway.moments import Period, system_clock
from gateway.money import euro
from signing.certificates import load_seals

app = typer.Typer()

Year = Annotated[int, typer.Option(help="Calendar year, YYYY.")]
Out = Annotated[Path, typer.Option(file_okay=False, help="Folder for what is written; made if need be.")]


@app.command()
def annual(
    year: Year,
    out: Out,
    insured: Annotated[str, typer.Option(help="This person alone, 13 digits.")] = "",
    pages: Annotated[
        Language | None, typer.Option(help="Also a page to read beside each, as PDF in this language.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: compare the folder with what is due.")
    ] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Write the signed annual statement of everybody insured or charged in a year, and say what is open.

    What is in the folder stays as it is. With --check the exit status is 1 when a statement is absent, is not
    ours or does not say what holds today.
    """
    premises, database, settings = open_gateway(data)
    _check_year(year, over=True)
    if insured and not is_person(insured):
        wrong_use(f"{insured} is no matricule of a person: 13 digits with right check digits")
    statements = Annual(database, seal_of(premises, settings), system_clock, out)
    alone = insured or None
    if check:
        looked_at = statements.check(year, load_seals(premises.seals), alone)
    else:
        looked_at = statements.write(year, alone, pages)
    tally = _Tally()
    due = {one.insured for one in tally.counted(looked_at) if check and one.state is not State.NOTHING}
    if insured and not tally.states.total():
        wrong_use(f"Nothing is known of {insured} in {year}")
    strangers = statements.strangers(year, due) if check and not insured else []
    if as_json:
        print_json(_annual(year, tally, strangers))
    else:
        _print_annual(year, tally, strangers)
    if strangers or (check and tally.wanting):
        raise typer.Exit(1)


@dataclass(slots=True)
class _Tally:
    """How many insured there are in each state, and by name those of whom there is something to say."""

    states: Counter[State] = field(default_factory=Counter)
    wanting: list[tuple[str, State]] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    open: list[tuple[str, str, Open]] = field(default_factory=list)

    def counted(self, found: Iterable[Stated]) -> Iterator[Stated]:
        """The same, counted on the way."""
        for one in found:
            self.states[one.state] += 1
            if one.state is State.NOTHING:
                self.without.append(one.insured)
            elif one.state not in GOOD:
                self.wanting.append((one.insured, one.state))
            self.open += [(one.insured, employer, left) for employer, left in one.open]
            yield one


def _annual(year: int, tally: _Tally, strangers: list[str]) -> Mapping[str, object]:
    states = tally.states
    return {
        "year": year,
        "insured": states.total(),
        "due": states.total() - states[State.NOTHING],
        **{state.value: states[state] for state in State if state is not State.NOTHING},
        "wanting": [{"insured": insured, "state": state.value} for insured, state in tally.wanting],
        "without": tally.without,
        "strangers": strangers,
        "open": [
            {"insured": insured, "employer": employer, **_open(left)}
            for insured, employer, left in tally.open
        ],
    }


def _print_annual(year: int, tally: _Tally, strangers: list[str]) -> None:
    if tally.open:
        print_table(
            f"Open in {year}",
            ("Insured", "Employer", "Month", "Why", "Declared EUR", "Charged EUR"),
            ((insured, employer, *_open_cells(left)) for insured, employer, left in tally.open),
        )
    for insured, state in (*tally.wanting, *((one, State.NOTHING) for one in tally.without)):
        console.print(f"{insured}: {_SAID[state]}", markup=False)
    for name in strangers:
        console.print(f"{name}: nobody to whom a statement is due", markup=False)
    counts = ", ".join(f"{tally.states[state]} {state}" for state in State if tally.states[state])
    console.print(f"{year}: {tally.states.total()} insured; {counts or 'nothing to state'}.", markup=False)


_SAID = {
    State.ABSENT: "the statement is absent",
    State.CHANGED: "its year has changed since it was written; take the file away to have it written anew",
    State.BROKEN: "the file cannot be read or does not bear our seal",
    State.NOTHING: "none is due: neither affiliated nor charged, a wage is on hold or not charged",
}


@app.command("year-end")
def year_end(
    year: Year,
    employer: Annotated[str, typer.Option(help="Of this employer alone, 13 digits.")] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the year of each worker: twelve months declared, and charged; exits with 1 when they differ.

    Each difference is named: a month not declared, a wage on hold, not charged, not corrected yet, or out of
    reach of corrections. JSON has all workers, the table those who differ; with --employer both have all.
    """
    _, database, _ = open_gateway(data)
    _check_year(year)
    due = due_by(right_now().day)
    sums: Counter[str] = Counter()
    with database.read() as connection:
        workers = _workers(years(connection, year, employer_of(employer) if employer else None))
        rows = _counted(((one, one.open(due)) for one in workers), sums)
        if as_json:
            _print_rows({"year": year}, (_row(*one) for one in rows), sums)
        else:
            shown = [one for one in rows if employer or one[1]]
            _print_year_end(year, shown, sums)
    if sums["different"]:
        raise typer.Exit(1)


def _workers(people: Iterable[PersonYear]) -> Iterator[WorkerYear]:
    return (worker for person in people for worker in person.workers)


_Compared = tuple[WorkerYear, tuple[Open, ...]]


def _counted(rows: Iterable[_Compared], sums: Counter[str]) -> Iterator[_Compared]:
    """The same, added up on the way."""
    for worker, left in rows:
        stated = worker.stated(_NEVER)
        sums.update(
            workers=1,
            different=int(bool(left)),
            declared=worker.declared_pay,
            charged=stated.pay,
            days=stated.days,
        )
        yield worker, left


_NEVER = Period(1, 1)
"""Before all months: what is open is asked for by itself."""


def _row(worker: WorkerYear, left: tuple[Open, ...]) -> dict[str, object]:
    stated = worker.stated(_NEVER)
    return {
        "employer": worker.employer,
        "insured": worker.insured,
        "days": stated.days,
        "months": stated.months_insured,
        "declared": euro(worker.declared_pay),
        "charged": euro(stated.pay),
        "declared_hours": worker.declared_hours,
        "charged_hours": stated.hours,
        "employee": euro(stated.employee_total),
        "employer_share": euro(stated.employer_total),
        "differences": [_open(one) for one in left],
    }


def _print_rows(head: Mapping[str, object], rows: Iterable[dict[str, object]], sums: Counter[str]) -> None:
    """One JSON object, its rows as they come: there may be a million of them."""
    text = json.dumps(head, ensure_ascii=False)
    typer.echo(f'{text[:-1]}, "workers": [', nl=False)
    for place, row in enumerate(rows):
        typer.echo(f"{',' if place else ''}\n  {json.dumps(row, ensure_ascii=False)}", nl=False)
    typer.echo(f'\n], "sums": {json.dumps(_sums(sums))}}}')


def _sums(sums: Counter[str]) -> Mapping[str, object]:
    return {
        "workers": sums["workers"],
        "different": sums["different"],
        "days": sums["days"],
        "declared": euro(sums["declared"]),
        "charged": euro(sums["charged"]),
    }


def _print_year_end(year: int, shown: Iterable[_Compared], sums: Counter[str]) -> None:
    lines: list[tuple[str, ...]] = []
    for worker, left in shown:
        stated = worker.stated(_NEVER)
        head = (worker.employer, worker.insured, str(stated.days))
        amounts = euro(worker.declared_pay), euro(stated.pay)
        why = "; ".join(f"{one.period} {one.reason}" for one in left)
        lines.append((*head, *amounts, why))
    columns = ("Employer", "Insured", "Days", "Declared EUR", "Charged EUR", "Differences")
    if lines:
        print_table(f"Year end {year}", columns, lines, wraps="Differences")
    told = _sums(sums)
    console.print(
        f"{year}: {told['workers']} workers, {told['different']} with differences;"
        f" declared {told['declared']}, charged {told['charged']}.",
        markup=False,
    )


def _open(one: Open) -> dict[str, object]:
    return {
        "period": str(one.period),
        "reason": one.reason.value,
        "declared": euro(one.declared),
        "charged": euro(one.charged),
        "code": one.code and one.code.value,
    }


def _open_cells(one: Open) -> tuple[str, ...]:
    why = one.reason.value if one.code is None else f"{one.reason}, {one.code}"
    return str(one.period), why, euro(one.declared), euro(one.charged)


@app.command("over-ceiling")
def over_ceiling(
    year: Annotated[int, typer.Option(help="A whole year, YYYY.")] = 0,
    period: Annotated[str, typer.Option(help="A month, YYYY-MM, once it is billed.")] = "",
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a signed notice to each insured here.")
    ] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Name the insured whom several employers together charged above the ceiling.

    Of a month those for whom more is above by it; of a year all. What an insured may ask back is the own
    share, once the year is closed; employers get nothing back and are told nothing.
    """
    premises, database, settings = open_gateway(data)
    if bool(year) == bool(period):
        wrong_use("--year or --period, one of them")
    try:
        month = Period.parse(period) if period else Period(year, 12)
    except ValueError as error:
        wrong_use(str(error))
    _check_year(month.year)
    notices = CeilingNotices(database, seal_of(premises, settings), system_clock)
    found = list(notices.of_month(month) if period else notices.of_year(year))
    written = 0 if out is None else sum(notices.write(out, one) for one in found)
    of = period or str(year)
    if written:
        notices.enter(written, of)
    if as_json:
        print_json({"of": of, "written": written, "insured": [_above(one) for one in found]})
        return
    rows = (
        (one.insured, str(len(one.employers)), part.branch, euro(part.above), euro(part.share), one.stage)
        for one in found
        for part in one.branches
    )
    columns = ("Insured", "Employers", "Branch", "Above EUR", "Share of the insured EUR", "Stage")
    print_table(f"Above the ceiling, {of}", columns, rows)
    console.print(f"{len(found)} insured; {written} notices written.")


def _above(one: OverCeiling) -> dict[str, object]:
    return {
        "insured": one.insured,
        "until": str(one.until),
        "stage": one.stage.value,
        "employers": [part.employer for part in one.employers],
        "branches": [
            {
                "branch": part.branch.value,
                "base": euro(part.base),
                "ceiling": euro(part.ceiling),
                "above": euro(part.above),
                "share": euro(part.share),
                "claim_at": part.claim_at,
            }
            for part in one.branches
        ],
        "share": euro(one.share),
    }


def _check_year(year: int, *, over: bool = False) -> None:
    """Wrong use for a year that has not begun (or is not over), or of which no parameters are known."""
    today = right_now().day
    if year > today.year or (over and year == today.year):
        wrong_use(f"{year} is not over" if year == today.year else f"{year} has not begun")
    try:
        schedule_of(Period(year, 1))
    except (NoParametersError, ValueError) as error:
        wrong_use(str(error))
