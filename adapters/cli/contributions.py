"""`secugate contributions`: what is due for one insured in one month, line by line, with sources."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from gateway.contributions import (
    Branch,
    Classification,
    Contribution,
    Insurance,
    NoParametersError,
    Pay,
    Schedule,
    contribution,
    schedule_of,
)
from gateway.moments import Period
from gateway.money import euro, round_half_up
from gateway.parameters import Parameter, law

app = typer.Typer()

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?")
_HOURS = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?")
_FACTOR = re.compile(r"[0-9](\.[0-9]{1,2})?")
_MOST_HOURS = 24 * 31
_BRANCHES = {
    Branch.CARE: "sickness, care",
    Branch.CASH: "sickness, cash benefits",
    Branch.PENSION: "pension",
    Branch.DEPENDENCY: "dependency",
    Branch.ACCIDENT: "accident",
    Branch.MDE: "mutuality (MDE)",
    Branch.HEALTH_AT_WORK: "health at work",
}


@app.command()
def contributions(
    *,
    period: Annotated[str, typer.Option(help="Wage month, YYYY-MM.")],
    base: Annotated[str, typer.Option(help="Base wage in euro, such as 3812.40.")],
    hours: Annotated[str, typer.Option(help="Hours paid in the month, such as 173 or 86.5.")],
    mde_class: Annotated[str, typer.Option(help="Class of the employer at the MDE, 1 to 4.")],
    accident_factor: Annotated[str, typer.Option(help="Bonus-malus factor of the employer, such as 0.85.")],
    supplements: Annotated[str, typer.Option(help="Supplements payable monthly in cash, in euro.")] = "0",
    overtime: Annotated[str, typer.Option(help="Overtime at 100 %, without surcharges, in euro.")] = "0",
    gratuities: Annotated[str, typer.Option(help="Gratuities, 13th month, benefits in kind, in euro.")] = "0",
    unemployment: Annotated[
        str, typer.Option(help="Bad weather, cyclical or short-time unemployment, in euro.")
    ] = "0",
    age: Annotated[str | None, typer.Option(help="Completed years; an adult when not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute the contributions for one insured and one month, with the source of every rate."""
    try:
        pay = Pay(
            base_wage=_cents(base, "--base"),
            supplements=_cents(supplements, "--supplements"),
            overtime_pay=_cents(overtime, "--overtime"),
            gratuities=_cents(gratuities, "--gratuities"),
            unemployment_pay=_cents(unemployment, "--unemployment"),
            hours=_hours(hours),
        )
        employer = Classification(_mde_class(mde_class), _hundredths(accident_factor))
        insurance = Insurance(_age(age))
        month = schedule_of(_period(period))
    except (_WrongUseError, NoParametersError) as error:
        typer.echo(f"secugate contributions: {error}", err=True)
        raise typer.Exit(2) from error
    due = contribution(pay, insurance, employer, month)
    warnings = _warnings(due, employer, month)
    if as_json:
        typer.echo(json.dumps(_document(due, month, warnings), ensure_ascii=False, indent=2))
    else:
        _print(due, month, warnings)


class _WrongUseError(ValueError):
    """An option is not as it must be."""


def _refuse(option: str, text: str, wanted: str) -> NoReturn:
    raise _WrongUseError(f"{option} is {wanted}, not {text!r}")


def _cents(text: str, option: str) -> int:
    if _AMOUNT.fullmatch(text) is None:
        _refuse(option, text, "an amount in euro such as 3812.40, not negative, with at most two decimals")
    return int(Decimal(text).scaleb(2))


def _hours(text: str) -> Decimal:
    if _HOURS.fullmatch(text) is None or Decimal(text) > _MOST_HOURS:
        _refuse("--hours", text, f"a number from 0 to {_MOST_HOURS} with at most two decimals")
    return Decimal(text)


def _mde_class(text: str) -> int:
    if text not in {"1", "2", "3", "4"}:
        _refuse("--mde-class", text, "a class from 1 to 4")
    return int(text)


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


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise _WrongUseError(f"--period: {error}") from error


def _warnings(due: Contribution, employer: Classification, month: Schedule) -> list[str]:
    """What has to be confirmed before anybody is charged."""
    warnings = [_doubt(parameter) for parameter in due.doubts]
    if employer.accident_factor not in month.factors:
        known = ", ".join(str(Decimal(factor).scaleb(-2)) for factor in sorted(month.factors))
        warnings.append(f"accident factor {employer.factor} is not in use in {month.period}, but {known} are")
    checked = law().checked_up_to
    if month.period > checked:
        warnings.append(f"the parameters were checked up to {checked}, so later changes may be missing")
    return warnings


def _doubt(parameter: Parameter[Decimal]) -> str:
    note = f" ({parameter.note})" if parameter.note else ""
    return (
        f"{parameter.name} {parameter.value} from {parameter.quotation} is {parameter.confidence}{note}: "
        f"confirm it at {law().confirm_at}"
    )


def _document(due: Contribution, month: Schedule, warnings: list[str]) -> dict[str, object]:
    return {
        "period": str(month.period),
        "lines": [
            {
                "branch": line.branch,
                "base": euro(round_half_up(line.base)),
                "rate": _plain(line.rate),
                "employee": euro(line.employee),
                "employer": euro(line.employer),
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


def _print(due: Contribution, month: Schedule, warnings: list[str]) -> None:
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
    lines = [f"{notes[key]}: {p.name} {p.value} from {p.quotation}" for key, p in used.items()]
    ids = sorted({source for p in used.values() for source in p.sources})
    lines += ["", *(f"{source}: {law().sources[source]}" for source in ids)]
    lines += ["", f"Parameters {month.version}", *(f"To confirm: {warning}" for warning in warnings)]
    for text in lines:
        console.print(text, soft_wrap=True, markup=False)
