"""`secugate demo`: one month, played and told."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from adapters import demo as story
from adapters.cli.output import AsJson, console, errors, print_json, print_table
from gateway import names
from gateway.billing.differences import Reason
from gateway.client.seals import GOOD
from gateway.money import euro
from gateway.procedures import PROCEDURES, REFUSED_FILE
from gateway.returns.acktrt import Acknowledgement

app = typer.Typer()
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a command."""

_NOTICES = {
    "SALMAN": "wages missing beside those declared",
    "LISPER": "the staff of the month to be declared next",
    "CHAPRO": "the employees counted for the Chambre des salariés",
    "CHGMAT": "somebody's matricule has changed",
    "AVICLE": "news of a key",
    "CALEND": "time limits and runs of the month",
}


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="A new folder to keep; a temporary one without it.")
    ] = None,
    serve: Annotated[
        bool | None,
        typer.Option("--serve/--close", help="Stay open afterwards; without it at a terminal only."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play one real month on this machine: payroll files in, receipts, returns and invoices out."""
    signal.signal(signal.SIGTERM, _leave)
    stays = sys.stdin.isatty() and not as_json if serve is None else serve
    if data is not None and data.exists() and any(data.iterdir()):
        errors.print(f"{data} is not empty; name a new folder", style="red", markup=False)
        raise typer.Exit(2)
    if data is None:
        with tempfile.TemporaryDirectory(prefix="secugate-demo-") as folder:
            _play(Path(folder), keep=False, serve=stays, as_json=as_json)
    else:
        _play(data, keep=True, serve=stays, as_json=as_json)


def _play(folder: Path, *, keep: bool, serve: bool, as_json: bool) -> None:
    began = time.monotonic()
    try:
        month, gateway = story.run(
            folder, lambda line: errors.print(f"· {line}", markup=False, highlight=False)
        )
    except story.DemoFailed as failure:
        errors.print(f"The demo failed: {failure}", style="red", markup=False)
        raise typer.Exit(1) from None
    try:
        if as_json:
            print_json(_json(month))
        else:
            _tell(month, time.monotonic() - began)
            _keep_pages(month, folder / "statements" if keep else Path(tempfile.mkdtemp(prefix="secugate-")))
            _show_portal(gateway, stays=serve)
        if serve:
            _stay(folder, gateway)
    finally:
        gateway.close()
    if not month.ok:
        raise typer.Exit(1)


def _keep_pages(month: story.Month, folder: Path) -> None:
    """Put the statements where they can be opened."""
    folder.mkdir(exist_ok=True)
    for name, page in month.pages():
        (folder / name).write_bytes(page)
    console.print(f"The statements as people read them (PDF): {folder}", soft_wrap=True, markup=False)


def _tell(month: story.Month, seconds: float) -> None:
    console.print()
    print_table(
        "What was sent, and what came back",
        ("Sender", "Batch", "What", "Outcome", "Return"),
        (_row(sent) for sent in month.deposits),
        wraps="What",
    )
    console.print("Each got a signed receipt (ACKREC) at once and a signed acknowledgement (ACKTRT).\n")
    print_table(
        "What each employer owes for the month, in euro",
        ("Employer", "Name", "Employees", "Employer", "Due", "Payable by"),
        (
            (
                one.employer,
                one.name,
                euro(one.employee_total),
                euro(one.employer_total),
                euro(one.balance),
                one.due.isoformat(),
            )
            for one in sorted(month.statements(), key=lambda one: one.number)
        ),
        wraps="Name",
    )
    print_table(
        "Where an employer's own computation differs from what is charged (DIFCAL), in euro",
        ("Insured", "Branch", "Side", "Own", "Charged", "Why"),
        (
            (line.insured, line.branch or "all", line.side, euro(line.own), euro(line.billed), line.reason)
            for comparison in month.comparisons()
            for line in comparison.reconciliation.lines
            if line.reason not in (None, Reason.NOT_OWN)
        ),
        wraps="Why",
    )
    print_table(
        "What nobody had to ask for",
        ("To", "Notice", "What"),
        ((one.member, one.kind, _NOTICES[one.kind]) for one in month.of_kind(*story.NOTICES)),
        wraps="What",
    )
    good = sum(answer.signature == GOOD for answer in month.answers)
    console.print(f"{good} of {len(month.answers)} signatures are good. {seconds:.0f} seconds in all.")
    for fault in month.faults:
        console.print(f"✗ {fault}", style="red", markup=False)
    console.print("All is as expected." if month.ok else "Not all is as expected.", style="bold")


def _row(sent: story.Sent) -> tuple[str, ...]:
    step = sent.step
    start = (step.member, f"{step.procedure} {step.door.upper()}", step.title)
    if sent.outcome is None:
        return (*start, "never answered", "")
    returns = " ".join(names.parse(name).kind for name in sent.outcome.returns)
    return (*start, _outcome(sent.outcome), returns)


def _outcome(outcome: Acknowledgement) -> str:
    if not outcome.records:
        return ", ".join(dict.fromkeys(anomaly.code for anomaly in outcome.anomalies))
    counts = ((outcome.accepted, "taken"), (outcome.held, "held"), (outcome.rejected, "refused"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _json(month: story.Month) -> dict[str, object]:
    def answers(*kinds: str) -> list[dict[str, object]]:
        return [
            {
                "file": str(one.file),
                "sender": one.member,
                "type": one.kind,
                "signature": one.signature,
                **({"verdict": one.verdict} if one.verdict else {}),
            }
            for one in month.of_kind(*kinds)
        ]

    return {
        "deposits": [
            {
                "file": str(sent.batch),
                "sender": sent.step.member,
                "type": sent.step.procedure,
                "door": sent.step.door,
                "verdict": sent.outcome.verdict if sent.outcome else None,
            }
            for sent in month.deposits
        ],
        "receipts": answers("ACKREC"),
        "acknowledgements": answers("ACKTRT"),
        "returns": answers(*REFUSED_FILE, *chain.from_iterable(one.all_returns for one in PROCEDURES)),
        "statements": answers("CALCUL", "EXTCPT"),
        "notices": answers(*story.NOTICES),
        "trust": month.trust.read_text(),
        "faults": month.faults,
        "ok": month.ok,
    }


def by_hand(member: Path) -> str:
    """The commands that send a batch as the employer of the story, to be pasted into a shell.

    Args:
        member: the employer's folder, with its profile.
    """
    secugate = shlex.quote(str(Path(sys.executable).with_name("secugate")))
    wages = shlex.quote(str(story.EXAMPLES / "employer" / "DECSAL.dta"))
    return f"""
  cd {shlex.quote(str(member.absolute()))}
  {secugate} convert {wages} --out by-hand
  {secugate} sign by-hand/*.XML --profile profile.toml --out by-hand/signed
  {secugate} send by-hand/signed/*.XML --profile profile.toml
  {secugate} collect --profile profile.toml --out by-hand/collected
"""


def _stay(folder: Path, gateway: story.Gateway) -> None:
    console.print(
        f"""
The gateway stays open: HTTPS {gateway.https}, SFTP {gateway.sftp}. Stop it with Ctrl-C.
Send a batch by hand, as the employer; the receipt comes at once, what came of it a moment later:
{by_hand(folder / "members" / "employer")}""",
        markup=False,
        highlight=False,
    )
    try:
        gateway.process.wait()
    except KeyboardInterrupt:
        console.print("Closing.")


def _show_portal(gateway: story.Gateway, *, stays: bool) -> None:
    """Where the month can be looked at by hand, and how to come in."""
    link = story.portal_link(gateway.premises)
    console.print(
        f"""
The employer's portal: {gateway.https}/portal
Sign in once, within 15 minutes (the browser will not know the throw-away certificate):
{link}""",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if not stays:
        console.print("It closes with the demo; leave it open with: secugate demo --serve", markup=False)


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C would: what stands open is closed on the way out."""
    raise SystemExit(_SIGNALLED + signum)
