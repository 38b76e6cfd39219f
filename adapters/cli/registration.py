"""The operator's registers: members with their agreements, employers, mandates."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from adapters.cli import clients, keys
from adapters.cli.keys import certificate_in, public_key_in
from adapters.cli.output import AsJson, at_second, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, employer_of, member_of, open_gateway, right_now
from adapters.database.decisions import decisions_on
from adapters.database.members import ALL, Members
from adapters.database.registers.mandates import SqlMandates, history
from gateway.agreement import Pages, Spelling
from gateway.contributions import Classification, HealthService
from gateway.procedures import PROCEDURES
from gateway.registers import Mandate, MandateState
from gateway.returns import calcul

app = typer.Typer()
member = typer.Typer(help="Members: who may come through the doors.", no_args_is_help=True)
employer = typer.Typer(help="Employers: class and factor by year.", no_args_is_help=True)
mandate = typer.Typer(help="Mandates: who may act for whom.", no_args_is_help=True)
app.add_typer(member, name="member")
member.add_typer(clients.app, name="client")
member.add_typer(keys.app, name="key")
app.add_typer(employer, name="employer")
app.add_typer(mandate, name="mandate")

ALL_PROCEDURES = (*(procedure.code for procedure in PROCEDURES), calcul.CODE)


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
    _, database, _ = open_gateway(data)
    if kind not in ("employer", "fiduciary", "agency"):
        wrong_use("--kind is employer, fiduciary or agency")
    members, who, now = Members(database), member_of(identifier), right_now()
    loaded = certificate_in(certificate)
    public = None if ssh_key is None else public_key_in(ssh_key)
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
    pages: Annotated[
        str | None, typer.Option(help="Statements as PDF and UBL too: fr, de, en, or none.")
    ] = None,
    triples: Annotated[
        bool | None, typer.Option(help="Batch, signature and go come one by one over SFTP.")
    ] = None,
    release_above: Annotated[
        int | None,
        typer.Option(min=-1, help="Files of more records wait for a second person; -1: none does."),
    ] = None,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show what was agreed with a member, after the changes given."""
    _, database, _ = open_gateway(data)
    members, who, now = Members(database), member_of(identifier), right_now()
    standing = members.agreement(who, now)
    if standing is None:
        refused(f"There is no member {who}.")
    given: dict[str, Any] = {
        "procedures": None if procedures is None else _codes(procedures, ALL),
        "environment": environment,
        "answers": None if answers is None else _spelling(answers),
        "own_computation": own_computation,
        "pages": None if pages is None else _pages(pages),
        "triples": triples,
    }
    if environment not in (None, "production", "test"):
        wrong_use("--environment is production or test")
    changes = {name: value for name, value in given.items() if value is not None}
    if release_above is not None:
        changes["release_above"] = None if release_above < 0 else release_above
    agreed = replace(standing, **changes)
    if changes:
        members.agree(who, agreed, now)
    shown: dict[str, Any] = {**asdict(agreed), "procedures": sorted(agreed.procedures)}
    if as_json:
        print_json(shown)
    else:
        shown["procedures"] = " ".join(shown["procedures"]) or "none: revoked"
        rows = ((name.replace("_", " "), str(value)) for name, value in shown.items())
        print_table(f"Agreement of {who}", ("What", "Agreed"), rows)


def _codes(text: str, known: frozenset[str]) -> frozenset[str]:
    """Codes between commas or blanks, in capitals or not."""
    codes = frozenset(text.upper().replace(",", " ").split())
    unknown = sorted(codes - known)
    if unknown:
        wrong_use(f"--procedures: there is no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return codes


def _spelling(text: str) -> Spelling:
    try:
        return Spelling(text)
    except ValueError:
        wrong_use("--answers is xml or dta")


def _pages(text: str) -> Pages:
    try:
        return Pages(text)
    except ValueError:
        wrong_use("--pages is fr, de, en or none")


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
    _, database, _ = open_gateway(data)
    years = dict(_year(text) for text in year)
    try:
        Members(database).enter_employer(employer_of(matricule), name=name, years=years, household=household)
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
    _, database, _ = open_gateway(data)
    years = dict(_year(text) for text in year)
    if not Members(database).set_year(employer_of(matricule), years, right_now()):
        refused(f"Employer {matricule} is not in the register.")
    console.print(f"Employer {matricule}: {', '.join(year)}.", markup=False)


_YEAR = re.compile(r"(20[0-9]{2}):([1-4-]):([0-9])\.([0-9]{2})(:sti|:own|:stm)?(:public)?")


def _year(text: str) -> tuple[int, Classification]:
    match = _YEAR.fullmatch(text)
    if match is None:
        wrong_use(
            "a year is written year:class:factor such as 2026:2:0.85; with - as the class of an employer who"
            " is no member of the Mutualité, then :sti or :own for another health service, then :public;"
            f" not {text}"
        )
    year, mde_class, whole, hundredths, service, public = match.groups()
    return int(year), Classification(
        mde_class=None if mde_class == "-" else int(mde_class),
        accident_factor=int(whole) * 100 + int(hundredths),
        public=public is not None,
        health_service=HealthService(service[1:]) if service else HealthService.STM,
    )


@mandate.command("add")
def add_mandate(
    identifier: Annotated[str, typer.Argument(help="The member, 19 digits.")],
    employer_matricule: Annotated[str, typer.Argument(metavar="EMPLOYER", help="13 digits.")],
    procedures: Annotated[
        str, typer.Option(help="Codes between commas or blanks; CALCUL is the right to the invoices.")
    ] = ",".join(ALL_PROCEDURES),
    first: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "",
    last: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; open without it.")] = None,
    data: Folder = None,
) -> None:
    """Give a member the right to act for an employer."""
    _, database, _ = open_gateway(data)
    codes = _codes(procedures, frozenset(ALL_PROCEDURES))
    if not codes:
        wrong_use(f"--procedures names none; there are {', '.join(ALL_PROCEDURES)}")
    now = right_now()
    try:
        number = Members(database).grant(
            member_of(identifier),
            employer_of(employer_matricule),
            sorted(codes),
            first=day_of(first) if first else now.day,
            last=None if last is None else day_of(last),
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
    _, database, _ = open_gateway(data)
    found = Members(database).mandates([MandateState.PENDING] if pending else MandateState)
    if as_json:
        print_json([_mandate(one) for one in found])
        return
    head = ("No", "State", "Member", "Employer and procedures", "First day", "End")
    print_table("Mandates", head, map(_shown, found), wraps="Employer and procedures")


def _mandate(one: Mandate) -> dict[str, object]:
    return {
        "number": one.number,
        "state": one.state.value,
        "member": str(one.member),
        "employer": one.employer,
        "procedures": sorted(one.procedures),
        "first": one.first.isoformat(),
        "last": one.last and one.last.isoformat(),
        "ended": one.ended and str(one.ended),
    }


def _shown(one: Mandate) -> tuple[str, ...]:
    """A line of the list; in 80 columns the procedures stand below their employer."""
    named = f"{one.employer}\n{' '.join(sorted(one.procedures))}"
    end = str(one.ended.day if one.ended else one.last or "")
    return str(one.number), one.state.value, str(one.member), named, str(one.first), end


@mandate.command("history")
def mandate_history(
    number: Annotated[int, typer.Argument(help="Number of the mandate.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show how a mandate was entered and changed, when, by whom and by which deposit."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        one, turns = SqlMandates(connection).get(number), history(connection, number)
    if one is None:
        refused(f"There is no mandate {number}.")
    told = [
        {
            "at": str(turn.at),
            "state": turn.state.value,
            "last": turn.last and turn.last.isoformat(),
            "by": turn.by and str(turn.by),
            "deposit": turn.deposit,
        }
        for turn in turns
    ]
    if as_json:
        print_json({**_mandate(one), "history": told})
        return
    console.print(
        f"Mandate {number}: {one.member} for {one.employer}, from {one.first}: "
        f"{', '.join(sorted(one.procedures))}",
        markup=False,
        highlight=False,
    )
    rows = (
        (at_second(turn.at), turn.state.value, str(turn.last or ""), str(turn.by or "operator"))
        for turn in turns
    )
    print_table("History", ("At (UTC)", "State", "Last day", "By"), rows)
    for turn in turns:
        if turn.deposit is not None:
            console.print(f"{turn.state.value}: deposit {turn.deposit}", markup=False, highlight=False)


@mandate.command("decisions")
def mandate_decisions(
    deposit: Annotated[str, typer.Option(help="Id of the deposit, as in its receipt.")],
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show for which employers the records of a deposit were allowed or refused, and by which mandates."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        found = decisions_on(connection, deposit)
    if as_json:
        print_json([{**asdict(one), "allowed": one.allowed, "at": str(at)} for one, at in found])
        return
    if not found:
        refused(f"No decision stands on a deposit {deposit}.")
    rows = (
        (
            one.id,
            one.employer,
            one.procedure,
            str(one.records),
            f"mandate {one.mandate}" if one.allowed else "refused",
            at_second(at),
        )
        for one, at in found
    )
    print_table("Decisions", ("Id", "Employer", "Procedure", "Records", "Allowed by", "At (UTC)"), rows)


@mandate.command("confirm")
def confirm_mandate(
    number: Annotated[int, typer.Argument(help="Number of the mandate.")], data: Folder = None
) -> None:
    """Grant a mandate that a member asked for."""
    _, database, _ = open_gateway(data)
    if not Members(database).confirm_mandate(number, right_now()):
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
    _, database, _ = open_gateway(data)
    if not Members(database).end_mandate(number, None if last is None else day_of(last), right_now()):
        refused(f"No mandate {number} is there to be ended.")
    console.print(f"Mandate {number} ends {'at once' if last is None else f'on {last}'}.")
