"""`secugate contributions`: what is due for one insured in one month, line by line, with sources."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.contributions import (
    Branch,
    Classification,
    Contribution,
    Group,
    HealthService,
    Insurance,
    Month,
    NoParametersError,
    Pay,
    Policy,
    Schedule,
    UnknownGroupError,
    schedule_of,
    year,
)
from gateway.moments import Period
from gateway.money import euro, round_half_up
from gateway.parameters import Parameter, law

T = TypeVar("T", Decimal, tuple[str, ...])
Word = TypeVar("Word", bound=StrEnum)

app = typer.Typer()

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?")
_HOURS = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?")
_FACTOR = re.compile(r"[0-9](\.[0-9]{1,2})?")
_MOST_HOURS = 24 * 31
_DEFAULT_POLICY = Policy().name
_BRANCHES = {
    Branch.CARE: "sickness, care",
    Branch.CASH: "sickness, cash benefits",
    Branch.PENSION: "pension",
    Branch.DEPENDENCY: "dependency",
    Branch.ACCIDENT: "accident",
    Branch.MDE: "mutuality (MDE)",
    Branch.HEALTH_AT_WORK: "health at work",
    Branch.FAMILY_BENEFITS: "family benefits",
}


@app.command()
def contributions(
    *,
    period: Annotated[str, typer.Option(help="Wage month, YYYY-MM.")],
    base: Annotated[str, typer.Option(help="Base wage in euro, such as 3812.40.")],
    hours: Annotated[str, typer.Option(help="Hours paid in the month, such as 173 or 86.5.")],
    mde_class: Annotated[
        str, typer.Option(help="Class of the employer at the MDE, 1 to 4; none when exempt.")
    ],
    accident_factor: Annotated[str, typer.Option(help="Bonus-malus factor of the employer, such as 0.85.")],
    supplements: Annotated[str, typer.Option(help="Supplements payable monthly in cash, in euro.")] = "0",
    overtime: Annotated[str, typer.Option(help="Overtime at 100 %, without surcharges, in euro.")] = "0",
    gratuities: Annotated[str, typer.Option(help="Gratuities, 13th month, benefits in kind, in euro.")] = "0",
    unemployment: Annotated[
        str, typer.Option(help="Bad weather, cyclical or short-time unemployment, in euro.")
    ] = "0",
    age: Annotated[str | None, typer.Option(help="Completed years; an adult when not given.")] = None,
    group: Annotated[str | None, typer.Option(help=f"How the person is insured: {', '.join(Group)}.")] = None,
    contract: Annotated[
        str | None, typer.Option(help="Letter of the contract type, with --scheme instead of --group.")
    ] = None,
    scheme: Annotated[str | None, typer.Option(help="Two digits of the scheme, such as 01.")] = None,
    public: Annotated[bool, typer.Option(help="The employer is of the public sector.")] = False,
    health_service: Annotated[
        str, typer.Option(help=f"Occupational health service of the employer: {', '.join(HealthService)}.")
    ] = HealthService.STM,
    earlier: Annotated[
        list[str] | None,
        typer.Option(
            help="An earlier month of the year with this employer, as MONTH:BASE:HOURS or "
            "MONTH:BASE:HOURS:GRATUITIES, such as 2026-01:12000.00:173. May be repeated, in order."
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Named choices where the law is silent, in this order.")
    ] = _DEFAULT_POLICY,
    known: Annotated[
        str | None, typer.Option(help="Compute as the law was known on that day, YYYY-MM-DD.")
    ] = None,
    explain: Annotated[bool, typer.Option(help="Print how each share was computed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute the contributions for one insured and one month, with the source of every rate.

    The ceiling is that of the year: without --earlier the month is the first one with the employer.
    """
    try:
        pay = Pay(
            base_wage=_cents(base, "--base"),
            supplements=_cents(supplements, "--supplements"),
            overtime_pay=_cents(overtime, "--overtime"),
            gratuities=_cents(gratuities, "--gratuities"),
            unemployment_pay=_cents(unemployment, "--unemployment"),
            hours=_hours(hours, "--hours"),
        )
        employer = Classification(
            _mde_class(mde_class),
            _hundredths(accident_factor),
            public=public,
            health_service=_word(HealthService, health_service, "--health-service"),
        )
        day = None if known is None else _day(known)
        month = schedule_of(_period(period, "--period"), day)
        insurance = Insurance(_age(age), _group(group, contract, scheme, month))
        months = [*_earlier(earlier or (), insurance, month.period), Month(month.period, pay, insurance)]
        choices = _policy(policy)
        due = year(months, employer, policy=choices, known=day)[-1]
    except (_WrongUseError, NoParametersError) as error:
        typer.echo(f"secugate contributions: {error}", err=True)
        raise typer.Exit(2) from error
    warnings = _warnings(due, insurance.group, employer, month)
    if as_json:
        head = {"period": str(month.period), "group": insurance.group, "policy": choices.name, "known": known}
        typer.echo(json.dumps({**head, **_document(due, month, warnings)}, ensure_ascii=False, indent=2))
    else:
        _print(due, month, warnings, explain=explain)


class _WrongUseError(ValueError):
    """An option is not as it must be."""


def _refuse(option: str, text: str, wanted: str) -> NoReturn:
    raise _WrongUseError(f"{option} is {wanted}, not {text!r}")


def _cents(text: str, option: str) -> int:
    if _AMOUNT.fullmatch(text) is None:
        _refuse(option, text, "an amount in euro such as 3812.40, not negative, with at most two decimals")
    return int(Decimal(text).scaleb(2))


def _hours(text: str, option: str) -> Decimal:
    if _HOURS.fullmatch(text) is None or Decimal(text) > _MOST_HOURS:
        _refuse(option, text, f"a number from 0 to {_MOST_HOURS} with at most two decimals")
    return Decimal(text)


def _mde_class(text: str) -> int | None:
    if text == "none":
        return None
    if text not in {"1", "2", "3", "4"}:
        _refuse("--mde-class", text, "a class from 1 to 4, or none")
    return int(text)


def _word(words: type[Word], text: str, option: str) -> Word:
    if text not in list(words):
        _refuse(option, text, f"one of {', '.join(words)}")
    return words(text)


def _group(group: str | None, contract: str | None, scheme: str | None, month: Schedule) -> Group:
    """The group that is named, or that of an affiliation; an employee when nothing is said."""
    if contract is None and scheme is None:
        return Group.EMPLOYEE if group is None else _word(Group, group, "--group")
    if contract is None or scheme is None or group is not None:
        raise _WrongUseError("--contract and --scheme go together, without --group")
    try:
        return month.groups.of(contract, scheme)
    except UnknownGroupError as error:
        raise _WrongUseError(f"--contract, --scheme: {error}") from error


def _earlier(texts: Sequence[str], insurance: Insurance, period: Period) -> list[Month]:
    """The months before a period; each later than the one before."""
    months: list[Month] = []
    for text in texts:
        parts = text.split(":")
        if len(parts) not in {3, 4}:
            _refuse("--earlier", text, "MONTH:BASE:HOURS or MONTH:BASE:HOURS:GRATUITIES")
        pay = Pay(
            base_wage=_cents(parts[1], "the base of --earlier"),
            gratuities=_cents(parts[3], "the gratuities of --earlier") if len(parts) == 4 else 0,
            hours=_hours(parts[2], "the hours of --earlier"),
        )
        months.append(Month(_period(parts[0], "--earlier"), pay, insurance))
    listed = [month.period for month in months]
    if listed != sorted(set(listed)) or any(one.year != period.year or one >= period for one in listed):
        raise _WrongUseError(f"--earlier lists months of {period.year} before {period}, each once, in order")
    return months


def _policy(text: str) -> Policy:
    try:
        return Policy.parse(text)
    except ValueError as error:
        raise _WrongUseError(f"--policy: {error}") from error


def _day(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        _refuse("--known", text, "a day, YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _WrongUseError(f"--known: {error}") from error


def _hundredths(text: str) -> int:
    if _FACTOR.fullmatch(text) is None or Decimal(text) == 0:
        _refuse("--accident-factor", text, "a factor from 0.01 to 9.99 with at most two decimals")
    return int(Decimal(text).scaleb(2))


def _age(text: str | None) -> int | None:
    if text is None:
        return None
    if re.fullmatch(r"[1-9][0-9]{1,2}", text) is None or int(text) < 15:
        _refuse("--age", text, "in completed years, from 15 on")
    return int(text)


def _period(text: str, option: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise _WrongUseError(f"{option}: {error}") from error


def _warnings(due: Contribution, group: Group, employer: Classification, month: Schedule) -> list[str]:
    """What has to be confirmed before anybody is charged, and what later months may still charge."""
    warnings = [_doubt(parameter, str(parameter.value)) for parameter in due.doubts]
    warnings += [_doubt(parameter, ", ".join(parameter.value)) for parameter in month.groups.doubts[group]]
    excess = due.room.excess
    if excess:
        warnings.append(
            f"up to {euro(round_half_up(excess))} of pay is above the ceiling until now; later months of "
            f"{month.period.year} charge it as far as they have room"
        )
    if employer.accident_factor not in month.factors:
        known = ", ".join(str(Decimal(factor).scaleb(-2)) for factor in sorted(month.factors))
        warnings.append(f"accident factor {employer.factor} is not in use in {month.period}, but {known} are")
    checked = law().checked_up_to
    if month.period > checked:
        warnings.append(f"the parameters were checked up to {checked}, so later changes may be missing")
    return warnings


def _doubt(parameter: Parameter[T], value: str) -> str:
    note = f" ({parameter.note})" if parameter.note else ""
    return (
        f"{parameter.name} {value} from {parameter.quotation} is {parameter.confidence}{note}: "
        f"confirm it at {law().confirm_at}"
    )


def _document(due: Contribution, month: Schedule, warnings: list[str]) -> dict[str, object]:
    return {
        "lines": [
            {
                "branch": line.branch,
                "base": euro(round_half_up(line.base)),
                "rate": _plain(line.rate),
                "employee": euro(line.employee),
                "employer": euro(line.employer),
                "formula": line.formula,
                "source": line.source,
            }
            for line in due.lines
        ],
        "employee_total": euro(due.employee_total),
        "employer_total": euro(due.employer_total),
        "total": euro(due.total),
        "parameters": month.version,
        "warnings": warnings,
    }


def _plain(number: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    return f"{number.normalize():f}"


def _print(due: Contribution, month: Schedule, warnings: list[str], *, explain: bool) -> None:
    """A table for a payroll clerk, the values it rests on with their sources, and what to confirm."""
    used: dict[tuple[Decimal, str], Parameter[Decimal]] = {}
    for parameter in (p for line in due.lines for p in line.parameters):
        used.setdefault((parameter.value, parameter.quotation), parameter)
    notes = {key: str(number) for number, key in enumerate(used, start=1)}
    table = Table(title=f"Contributions for {month.period}, in euro")
    table.add_column("Branch")
    for heading in ("Base", "Rate", "Employee", "Employer", "Note"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in due.lines:
        table.add_row(
            _BRANCHES[line.branch],
            euro(round_half_up(line.base)),
            f"{_plain(line.rate * 100)} %",
            euro(line.employee),
            euro(line.employer),
            ", ".join(dict.fromkeys(notes[p.value, p.quotation] for p in line.parameters)),
        )
    table.add_section()
    table.add_row("totals", "", "", euro(due.employee_total), euro(due.employer_total), "")
    table.add_row("to pay, both shares", "", "", "", euro(due.total), "")
    console = Console(highlight=False)
    console.print(table)
    if explain:
        for line in due.lines:
            console.print(f"{_BRANCHES[line.branch]}: {line.formula}", soft_wrap=True, markup=False)
        console.print()
    lines = [f"{notes[key]}: {p.name} {p.value} from {p.quotation}" for key, p in used.items()]
    ids = sorted({source for p in used.values() for source in p.sources})
    lines += ["", *(f"{source}: {law().sources[source]}" for source in ids)]
    lines += ["", f"Parameters {month.version}", *(f"To confirm: {warning}" for warning in warnings)]
    for text in lines:
        console.print(text, soft_wrap=True, markup=False)
