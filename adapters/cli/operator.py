"""The operator's commands: set up, run, register, bill, verify."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import paramiko
import sqlalchemy as sa
import typer
from cryptography import x509

from adapters import renumbering
from adapters.billing import BillingRun, UnknownEmployer
from adapters.cli.output import AsJson, console, errors, print_json, print_table, progress, refused, wrong_use
from adapters.database import Database, deposits
from adapters.database.members import ALL, Members
from adapters.database.statistics import Figures, statistics
from adapters.installation import install
from adapters.notices import Notices, Posted
from adapters.premises import Premises, seal_of
from adapters.settings import Settings
from adapters.spool import Spool
from adapters.verification import inspect
from gateway.agreement import Spelling
from gateway.batch import MemberId
from gateway.contributions import NoParametersError
from gateway.matricule import is_employer
from gateway.moments import Period, Received, system_clock
from gateway.money import euro
from gateway.procedures import PROCEDURES
from gateway.registers import MandateState
from gateway.rejections import REJECTIONS
from gateway.returns import calcul
from signing.certificates import load_certificate, load_seals

Folder = Annotated[Path | None, typer.Option("--data", help="Folder of the gateway (or SECUGATE_DATA).")]

app = typer.Typer()
member = typer.Typer(help="Members: who may come through the doors.", no_args_is_help=True)
employer = typer.Typer(help="Employers: class and factor by year.", no_args_is_help=True)
mandate = typer.Typer(help="Mandates: who may act for whom.", no_args_is_help=True)
app.add_typer(member, name="member")
app.add_typer(employer, name="employer")
app.add_typer(mandate, name="mandate")

ALL_PROCEDURES = (*(procedure.code for procedure in PROCEDURES), calcul.CODE)


def _settings(folder: Path | None, **more: object) -> Settings:
    given = {name: value for name, value in more.items() if value is not None}
    return Settings(**given) if folder is None else Settings(data=folder, **given)  # type: ignore[arg-type]


def _open(folder: Path | None) -> tuple[Premises, Database, Settings]:
    settings = _settings(folder)
    premises = Premises(settings.data)
    if not premises.database.exists():
        wrong_use(f"{settings.data} is no gateway. Make one with: secugate init --data {settings.data}")
    return premises, Database(premises.database), settings


def _member(text: str) -> MemberId:
    matricule, number = text[:13], text[13:]
    if not (is_employer(matricule) and len(number) == 6 and number.isascii() and number.isdigit()):
        wrong_use(
            f"A member is its 13-digit employer matricule and 6-digit SECUline number, joined; not {text}"
        )
    return MemberId(matricule, number)


def _employer(text: str) -> str:
    if not is_employer(text):
        wrong_use(f"{text} is no employer matricule: 13 digits with right check digits")
    return text


def _now() -> Received:
    return Received(system_clock())


@app.command()
def init(data: Folder = None) -> None:
    """Make a gateway: database, spool, and throw-away keys and authority where none are given."""
    settings = _settings(data)
    if Premises(settings.data).database.exists():
        wrong_use(f"{settings.data} is a gateway already")
    install(settings, system_clock())
    console.print(
        f"A gateway is ready in {settings.data}. Run it with: secugate serve --data {settings.data}"
    )


@app.command()
def serve(
    data: Folder = None,
    https_port: Annotated[int | None, typer.Option(help="0 takes a free port.")] = None,
    sftp_port: Annotated[int | None, typer.Option(help="0 takes a free port.")] = None,
) -> None:
    """Open the doors and treat deposits until stopped (Ctrl-C)."""
    _open(data)
    # Loaded here: no other command needs the doors and the engine.
    serving = import_module("adapters.serve")
    try:
        serving.serve(_settings(data, https_port=https_port, sftp_port=sftp_port))
    except serving.AlreadyOpen as error:
        refused(f"Not opened: {error}.")


@member.command("add")
def add_member(
    identifier: Annotated[str, typer.Argument(help="Employer matricule and SECUline number, 19 digits.")],
    name: Annotated[str, typer.Option()],
    kind: Annotated[str, typer.Option(help="employer, fiduciary or agency")],
    certificate: Annotated[Path, typer.Option(help="PEM certificate for signatures and HTTPS.")],
    ssh_key: Annotated[Path | None, typer.Option(help="OpenSSH public key for SFTP.")] = None,
    data: Folder = None,
) -> None:
    """Register a member with its keys."""
    _, database, _ = _open(data)
    if kind not in ("employer", "fiduciary", "agency"):
        wrong_use("--kind is employer, fiduciary or agency")
    members, who, now = Members(database), _member(identifier), _now()
    loaded = _certificate(certificate)
    public = None if ssh_key is None else _public_key(ssh_key)
    try:
        members.register(who, name=name, kind=kind, at=now)
        members.add_certificate(who, loaded, now)
        if public is not None:
            members.add_ssh_key(who, public.fingerprint, f"{public.get_name()} {public.get_base64()}", now)
    except sa.exc.IntegrityError:
        refused(f"Member {who}, or one of its keys, is registered already.")
    console.print(f"Member {who} ({name}) is registered.", markup=False)


@member.command("agreement")
def change_agreement(
    identifier: Annotated[str, typer.Argument(help="Employer matricule and SECUline number, 19 digits.")],
    procedures: Annotated[
        str | None, typer.Option(help="Codes, separated by blanks; '' revokes the agreement.")
    ] = None,
    environment: Annotated[str | None, typer.Option(help="production or test")] = None,
    answers: Annotated[str | None, typer.Option(help="xml or dta")] = None,
    own_computation: Annotated[bool | None, typer.Option(help="The member computes contributions.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show what was agreed with a member, after the changes given."""
    _, database, _ = _open(data)
    members, who, now = Members(database), _member(identifier), _now()
    standing = members.agreement(who, now)
    if standing is None:
        refused(f"There is no member {who}.")
    given: dict[str, Any] = {
        "procedures": None if procedures is None else _procedures(procedures),
        "environment": environment,
        "answers": None if answers is None else _spelling(answers),
        "own_computation": own_computation,
    }
    if environment not in (None, "production", "test"):
        wrong_use("--environment is production or test")
    changes = {name: value for name, value in given.items() if value is not None}
    agreed = replace(standing, **changes)
    if changes:
        members.agree(who, agreed, now)
    shown: dict[str, Any] = {**asdict(agreed), "procedures": sorted(agreed.procedures)}
    if as_json:
        print_json(shown)
    else:
        shown["procedures"] = " ".join(shown["procedures"]) or "none: revoked"
        print_table(f"Agreement of {who}", ("", ""), ((name, str(value)) for name, value in shown.items()))


def _procedures(text: str) -> frozenset[str]:
    codes = frozenset(text.upper().split())
    unknown = sorted(codes - ALL)
    if unknown:
        wrong_use(f"--procedures: there is no {', '.join(unknown)}")
    return codes


def _spelling(text: str) -> Spelling:
    try:
        return Spelling(text)
    except ValueError:
        wrong_use("--answers is xml or dta")


def _certificate(file: Path) -> x509.Certificate:
    try:
        return load_certificate(file)
    except (OSError, ValueError) as error:
        wrong_use(f"{file} is no PEM certificate: {error}")


def _public_key(file: Path) -> paramiko.PKey:
    try:
        kind, text = file.read_text().split()[:2]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(text, validate=True))
    except (OSError, ValueError, paramiko.SSHException) as error:
        wrong_use(f"{file} is no OpenSSH public key: {error}")


@employer.command("add")
def add_employer(
    matricule: Annotated[str, typer.Argument(help="13 digits.")],
    name: Annotated[str, typer.Option()],
    year: Annotated[
        list[str], typer.Option(help="Year, MDE class, accident factor, such as 2026:2:0.85. Repeatable.")
    ],
    household: Annotated[bool, typer.Option(help="Simplified procedure of private households.")] = False,
    data: Folder = None,
) -> None:
    """Enter an employer with its MDE class and accident factor by year."""
    _, database, _ = _open(data)
    years = dict(_year(text) for text in year)
    try:
        Members(database).enter_employer(_employer(matricule), name=name, years=years, household=household)
    except sa.exc.IntegrityError:
        refused(f"Employer {matricule} is in the register already.")
    console.print(f"Employer {matricule} ({name}) is entered.", markup=False)


@employer.command("year")
def set_year(
    matricule: Annotated[str, typer.Argument(help="13 digits.")],
    year: Annotated[
        list[str], typer.Argument(help="Year, MDE class, accident factor, such as 2027:2:0.85. Repeatable.")
    ],
    data: Folder = None,
) -> None:
    """Set the MDE class and the accident factor of an employer of the register for a year."""
    _, database, _ = _open(data)
    if not Members(database).set_year(_employer(matricule), dict(_year(text) for text in year)):
        refused(f"Employer {matricule} is not in the register.")
    console.print(f"Employer {matricule}: {', '.join(year)}.", markup=False)


_YEAR = re.compile(r"(20[0-9]{2}):([1-4]):([0-9])\.([0-9]{2})")


def _year(text: str) -> tuple[int, tuple[int, int]]:
    match = _YEAR.fullmatch(text)
    if match is None:
        wrong_use(f"--year is year:class:factor such as 2026:2:0.85, not {text}")
    return int(match[1]), (int(match[2]), int(match[3]) * 100 + int(match[4]))


@mandate.command("add")
def add_mandate(
    identifier: Annotated[str, typer.Argument(help="The member, 19 digits.")],
    employer_matricule: Annotated[str, typer.Argument(metavar="EMPLOYER", help="13 digits.")],
    procedures: Annotated[
        str, typer.Option(help="Codes separated by commas; CALCUL is the right to the invoices.")
    ] = ",".join(ALL_PROCEDURES),
    first: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "",
    last: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; open without it.")] = None,
    data: Folder = None,
) -> None:
    """Give a member the right to act for an employer."""
    _, database, _ = _open(data)
    codes = procedures.split(",")
    if unknown := sorted(set(codes) - set(ALL_PROCEDURES)):
        wrong_use(f"Unknown procedures {', '.join(unknown)}; there are {', '.join(ALL_PROCEDURES)}")
    now = _now()
    try:
        number = Members(database).grant(
            _member(identifier),
            _employer(employer_matricule),
            codes,
            first=_day(first) if first else now.day,
            last=None if last is None else _day(last),
            at=now,
        )
    except sa.exc.IntegrityError:
        refused(f"There is no member {identifier}.")
    console.print(f"Mandate {number}: {identifier} may act for {employer_matricule}.")


@mandate.command("list")
def list_mandates(
    pending: Annotated[bool, typer.Option("--pending", help="Those that wait to be confirmed.")] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """List the mandates, or the requests that wait for the employer or the operator."""
    _, database, _ = _open(data)
    rows = [
        {
            "number": one.number,
            "state": one.state.value,
            "member": str(one.member),
            "employer": one.employer,
            "procedures": sorted(one.procedures),
            "first": one.first.isoformat(),
            "last": one.last and one.last.isoformat(),
            "ended": one.ended and str(one.ended),
        }
        for one in Members(database).mandates([MandateState.PENDING] if pending else MandateState)
    ]
    if as_json:
        print_json(rows)
        return
    head = ("Number", "State", "Member", "Employer", "Procedures", "First day", "End")
    print_table("Mandates", head, map(_shown, rows))


def _shown(row: Mapping[str, Any]) -> tuple[str, ...]:
    who = (str(row["number"]), row["state"], row["member"], row["employer"])
    return (*who, " ".join(row["procedures"]), row["first"], row["ended"] or row["last"] or "")


@mandate.command("confirm")
def confirm_mandate(
    number: Annotated[int, typer.Argument(help="Number of the mandate.")], data: Folder = None
) -> None:
    """Grant a mandate that a member asked for."""
    _, database, _ = _open(data)
    if not Members(database).confirm_mandate(number, _now()):
        refused(f"No mandate {number} waits to be confirmed.")
    console.print(f"Mandate {number} is granted.")


@mandate.command("end")
def end_mandate(
    number: Annotated[int, typer.Argument(help="Number of the mandate.")],
    last: Annotated[
        str | None, typer.Option(help="Last day on which it holds, YYYY-MM-DD; at once without it.")
    ] = None,
    data: Folder = None,
) -> None:
    """End a mandate at once, or set its last day; or refuse a request."""
    _, database, _ = _open(data)
    if not Members(database).end_mandate(number, None if last is None else _day(last), _now()):
        refused(f"No mandate {number} is there to be ended.")
    console.print(f"Mandate {number} ends {'at once' if last is None else f'on {last}'}.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong_use(f"A day is written YYYY-MM-DD, not {text}")


@app.command()
def bill(
    period: Annotated[str, typer.Option(help="Wage month, YYYY-MM.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Issue the account statements of a month that are due and post them."""
    premises, database, settings = _open(data)
    try:
        month = Period.parse(period)
    except ValueError as error:
        wrong_use(str(error))
    run = BillingRun(database, seal_of(premises, settings), system_clock)
    try:
        issued = list(progress(run.run(month), f"Billing {month}", len(run.due(month))))
    except (UnknownEmployer, NoParametersError) as gap:
        refused(f"Billing stopped: {gap}. What was issued before stands; run again once it is entered.")
    if as_json:
        print_json([{**asdict(one), "total": euro(one.total)} for one in issued])
        return
    rows = [
        (one.number, one.employer, euro(one.total), ", ".join(one.recipients) or "nobody") for one in issued
    ]
    print_table(f"Statements for {month}", ("Statement", "Employer", "Amount due EUR", "Posted to"), rows)


@app.command()
def notices(
    day: Annotated[str, typer.Option(help="What is due on this day, YYYY-MM-DD; today without it.")] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Post what is due without being asked for: missing wages, staff lists, counted employees.

    A running gateway does so every day by itself; what was posted is not posted again.
    """
    premises, database, settings = _open(data)
    due = _day(day) if day else _now().day
    _print_posted(list(Notices(database, seal_of(premises, settings), system_clock).run(due)), as_json)


@app.command()
def renumber(
    old: Annotated[str, typer.Argument(help="Matricule that counts no more.")],
    new: Annotated[str, typer.Argument(help="Matricule in its place.")],
    first: Annotated[str, typer.Option(help="Day from which it counts, YYYY-MM-DD; today without it.")] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Enter that the national register has given a person another matricule, and tell the employers."""
    premises, database, settings = _open(data)
    now = _now()
    effective = _day(first) if first else now.day
    seal = seal_of(premises, settings)
    try:
        posted = renumbering.renumber(database, seal, old=old, new=new, effective=effective, now=now)
    except renumbering.NotRenumbered as error:
        refused(f"Nothing has changed: {error}.")
    _print_posted(posted, as_json)


def _print_posted(posted: Sequence[Posted], as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in posted])
        return
    rows = [(one.kind, ", ".join(one.employers), one.member, one.name) for one in posted]
    print_table("Notices posted", ("Notice", "Employer", "To", "File"), rows)


@app.command()
def verify(data: Folder = None, as_json: AsJson = False) -> None:
    """Check the journal, and every deposit and answer against it; name what is wrong."""
    premises, database, settings = _open(data)
    report = inspect(database, Spool(premises.spool, settings.largest_deposit), load_seals(premises.seals))
    if as_json:
        print_json({"entries": report.entries, "head": report.head, "findings": list(report.findings)})
    else:
        for finding in report.findings:
            errors.print(finding, style="red", markup=False)
        console.print(
            f"{report.entries} journal entries, {report.deposits} deposits, {report.answers} answers"
        )
        console.print(f"Head of the journal: {report.head}")
        console.print("All is as it was entered." if not report.findings else "Something was changed.")
    if report.findings:
        raise typer.Exit(1)


@app.command("statistics")
def show_statistics(
    first: Annotated[str | None, typer.Option("--from", help="First day of receipt, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="Last day of receipt, YYYY-MM-DD.")] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show how often each code was given, in all, by sending software and by procedure; names no sender."""
    _, database, _ = _open(data)
    days = [None if text is None else _day(text) for text in (first, last)]
    with database.read() as connection:
        found = statistics(connection, *days)
    groups = {"software": found.software, "procedure": found.procedures}
    if as_json:
        rows = {
            name: [{name: one or None, **_figures(figures)} for one, figures in _largest(group)]
            for name, group in groups.items()
        }
        print_json({"from": first, "until": last, **_figures(found.total), **rows})
        return
    total = found.total
    title = f"Deposits: {total.deposits}; records: {total.records}, of which refused: {total.rejected}"
    head = ("Code", "Meaning", "Severity", "Records", "Deposits", "% of records")
    print_table(title, head, (tuple(map(str, row.values())) for row in _codes(total)[:TOP]), wraps="Meaning")
    for name, group in groups.items():
        head = (name.capitalize(), "Deposits", "Records", "Refused", "% refused", "Most frequent code")
        print_table(f"By {name}", head, (_line(one, figures) for one, figures in _largest(group)))


TOP = 20
"""Codes that are shown to people; JSON has them all."""


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "deposits": figures.deposits,
        "records": figures.records,
        "rejected": figures.rejected,
        "codes": _codes(figures),
    }


def _codes(figures: Figures) -> list[dict[str, object]]:
    return [
        {
            "code": code,
            "title": REJECTIONS[code].titles["en"],
            "severity": REJECTIONS[code].severity.value,
            "records": given.records,
            "deposits": given.deposits,
            "share": str(figures.share(given.records)),
        }
        for code, given in figures.top
    ]


def _largest(group: Mapping[str | None, Figures]) -> list[tuple[str, Figures]]:
    """The groups, the one with the most records first; what is not named is called nothing."""
    named = [(name or "", figures) for name, figures in group.items()]
    return sorted(named, key=lambda one: (-one[1].records, -one[1].deposits, one[0]))


def _line(name: str, figures: Figures) -> tuple[str, ...]:
    counts = (str(figures.deposits), str(figures.records), str(figures.rejected))
    most = figures.top[0][0] if figures.codes else ""
    return (name or "not named", *counts, str(figures.share(figures.rejected)), most)


@app.command()
def replay(
    deposit: Annotated[str, typer.Argument(help="Id of a parked deposit.")], data: Folder = None
) -> None:
    """Have a parked deposit treated again, once our fault is mended."""
    _, database, _ = _open(data)
    with database.write() as connection:
        done = deposits.replay(connection, deposit, _now())
    if not done:
        refused(f"No deposit {deposit} is parked.")
    console.print(f"Deposit {deposit} will be treated again.")
