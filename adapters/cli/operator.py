"""The operator's commands: set up, run, register, bill, verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Annotated

import typer

from adapters import renumbering
from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, open_gateway, right_now, settings_of
from adapters.database import deposits
from adapters.database.statistics import Figures, Times, statistics
from adapters.encryption import UnusableMasterKey
from adapters.installation import install, issue_encryption
from adapters.notices import Notices, Posted
from adapters.premises import Premises, is_made, seal_of, spool_of
from adapters.verification import inspect
from adapters.witness import Older, Unwitnessed
from gateway.moments import Received, system_clock
from gateway.rejections import known_or_gone
from gateway.states import State
from gateway.waits import quantile
from signing.certificates import load_seals
from signing.sign import UnusableKey

app = typer.Typer()


@app.command()
def init(data: Folder = None) -> None:
    """Make a gateway: database, spool, and throw-away keys and authority where none are given."""
    settings = settings_of(data)
    if is_made(settings):
        wrong_use(f"{settings.data} is a gateway already")
    now = system_clock()
    install(settings, now)
    issue_encryption(Premises(settings.data), now)
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
    premises, _, _ = open_gateway(data)
    if premises.sandbox_mark.exists():
        refused(f"Not opened: {premises.folder} is a sandbox. Start it with: secugate sandbox")
    # Loaded here: no other command needs the doors and the engine.
    serving = import_module("adapters.serve")
    try:
        serving.serve(settings_of(data, https_port=https_port, sftp_port=sftp_port))
    except (serving.AlreadyOpen, UnusableMasterKey, UnusableKey) as error:
        refused(f"Not opened: {error}.")
    except (Older, Unwitnessed) as error:
        refused(
            f"Not opened: {error}. Put the newest copy of the database back; what is lost for good is"
            " accepted with: secugate witness accept (see docs/backup.md)"
        )


@app.command()
def notices(
    day: Annotated[str, typer.Option(help="What is due on this day, YYYY-MM-DD; today without it.")] = "",
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Post what is due without being asked for: missing wages, staff lists, counted employees, the calendar.

    A running gateway does so every day by itself; what was posted is not posted again.
    """
    premises, database, settings = open_gateway(data)
    due = day_of(day) if day else right_now().day
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
    premises, database, settings = open_gateway(data)
    now = right_now()
    effective = day_of(first) if first else now.day
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
    """Check the journal, every row against it, and every deposit and answer; name what is wrong."""
    premises, database, settings = open_gateway(data)
    report = inspect(database, spool_of(settings, database), load_seals(premises.seals))
    counts = report.counts
    if as_json:
        print_json(
            {
                "entries": counts.entries,
                "changes": counts.changes,
                "head": report.head,
                "sealed_head": None if report.sealed is None else report.sealed.decode(errors="replace"),
                "findings": list(report.findings),
            }
        )
    else:
        for finding in report.findings:
            errors.print(finding, style="red", markup=False)
        console.print(
            f"{counts.entries} journal entries, {counts.changes} changes of rows, "
            f"{counts.deposits} deposits, {counts.answers} answers"
        )
        console.print(f"Head of the journal: {report.size} {report.head}")
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
    """Show how often each code was given and how soon, in all, by software and by procedure; names no sender.

    Times are counted from receipt: to the acknowledgement, and for records on hold to the last decision.
    """
    _, database, _ = open_gateway(data)
    since, until = (None if text is None else day_of(text) for text in (first, last))
    with database.read() as connection:
        found = statistics(connection, since, until, right_now())
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
    head = ("Code", "Meaning", "Severity", "Records", "Deposits", "%")
    print_table(title, head, (tuple(map(str, row.values())) for row in _codes(total)[:TOP]), wraps="Meaning")
    for name, group in groups.items():
        head = (name.capitalize(), "Deposits", "Records", "Refused", "%", "Most frequent code")
        lines = (_line(one, figures) for one, figures in _largest(group))
        print_table(f"By {name}", head, lines, wraps=name.capitalize())
    timed = [("all", total), *((name or "not named", one) for name, one in _largest(found.procedures))]
    answers = ((name, *_answer_times(one.times)) for name, one in timed)
    print_table("Answers", ("Procedure", "Answered", "Median s", "99 % s", "Longest s", "% in 2 s"), answers)
    holds = ((name, *_hold_times(one.times)) for name, one in timed)
    columns = ("Procedure", "Decided", "Longest h", "Waiting", "Longest h")
    print_table("Deposits with records on hold", columns, holds)


TOP = 20
"""Codes that are shown to people; JSON has them all."""

MILLISECOND = timedelta(milliseconds=1)
TENTH_OF_AN_HOUR = timedelta(minutes=6)


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "deposits": figures.deposits,
        "records": figures.records,
        "rejected": figures.rejected,
        "codes": _codes(figures),
        "times": _times(figures.times),
    }


def _times(times: Times) -> dict[str, object]:
    return {
        "answered": len(times.answers),
        "median": _seconds(quantile(times.answers, 50)),
        "p99": _seconds(quantile(times.answers, 99)),
        "longest": _seconds(quantile(times.answers, 100)),
        "within_2_s": str(times.prompt),
        "decided": len(times.decisions),
        "longest_decided": _seconds(quantile(times.decisions, 100)),
        "waiting": len(times.waiting),
        "longest_waiting": _seconds(quantile(times.waiting, 100)),
    }


def _seconds(time: timedelta | None) -> str | None:
    """With three decimals; what is below counts as nought."""
    return None if time is None else str(Decimal(time // MILLISECOND).scaleb(-3))


def _answer_times(times: Times) -> tuple[str, ...]:
    quantiles = (_seconds(quantile(times.answers, one)) or "" for one in (50, 99, 100))
    return (str(len(times.answers)), *quantiles, str(times.prompt))


def _hold_times(times: Times) -> tuple[str, ...]:
    return tuple(
        text
        for several in (times.decisions, times.waiting)
        for text in (str(len(several)), _hours(quantile(several, 100)))
    )


def _hours(time: timedelta | None) -> str:
    """With one decimal."""
    return "" if time is None else str(Decimal(time // TENTH_OF_AN_HOUR).scaleb(-1))


def _codes(figures: Figures) -> list[dict[str, object]]:
    return [
        {
            "code": code,
            "title": known_or_gone(code).titles["en"],
            "severity": known_or_gone(code).severity.value,
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
def waiting(data: Folder = None, as_json: AsJson = False) -> None:
    """List the deposits that wait to be judged or are parked, and why; status 1 when one waits too long."""
    _, database, settings = open_gateway(data)
    limit, now = timedelta(minutes=settings.revocation_alarm), right_now()
    with database.read() as connection:
        found = deposits.unsettled(connection)
    told = [
        {
            "deposit": one.deposit.id,
            "member": one.deposit.sender,
            "received": str(Received(one.deposit.received)),
            "state": one.state.value,
            "tries": one.tries,
            "why": one.fault,
            "alarm": one.state is State.PARKED or now.at - one.deposit.received > limit,
        }
        for one in found
    ]
    if as_json:
        print_json(told)
    else:
        head = ("Deposit", "Received (UTC)", "State", "Tries", "Alarm", "Why")
        rows = (
            (
                str(one["deposit"]),
                str(one["received"])[:19],
                str(one["state"]),
                str(one["tries"]),
                "yes" if one["alarm"] else "",
                str(one["why"]),
            )
            for one in told
        )
        print_table("Deposits that wait", head, rows, wraps="Why")
    if any(one["alarm"] for one in told):
        raise typer.Exit(1)


@app.command()
def replay(
    deposit: Annotated[str, typer.Argument(help="Id of a deposit that is parked or waits.")],
    data: Folder = None,
) -> None:
    """Have a parked deposit treated again, once our fault is mended, or a waiting one tried now."""
    _, database, _ = open_gateway(data)
    with database.write() as connection:
        done = deposits.replay(connection, deposit, right_now())
    if not done:
        refused(f"No deposit {deposit} is parked or waits for a check.")
    console.print(f"Deposit {deposit} will be treated again.")
