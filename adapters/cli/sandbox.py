"""`secugate sandbox`: a gateway to try payroll software on, and what it shall play."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from pydantic import ValidationError

from adapters.cli.output import AsJson, console, not_now, print_json, refused, wrong_use
from adapters.settings import Settings
from gateway.client.profile import Profile
from gateway.moments import system_clock

app = typer.Typer()
_FOLDER = Path("secugate-sandbox")
_TIMEOUT_SECONDS = 30.0

ProfileOfSandbox = Annotated[
    Path, typer.Option("--profile", help="Profile of a member of the sandbox, as its start names it.")
]
_PROFILE = _FOLDER / "member" / "profile.toml"

sandbox = typer.Typer(
    help="A gateway to try payroll software on: real rules, made-up people, answers by script.",
    invoke_without_command=True,
)
app.add_typer(sandbox, name="sandbox")


@sandbox.callback()
def start(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option("--data", help="Folder of the sandbox; made when it is new.")
    ] = _FOLDER,
    https_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    sftp_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
) -> None:
    """Open a sandbox until stopped (Ctrl-C): one command, ready to be sent to.

    The gateway itself, in the environment `test`, on premises of its own, with members and people who do not
    exist. The numbers that get a code, the time and outages to be played: docs/senders/sandbox.md.
    """
    if context.invoked_subcommand is not None:
        return
    # Loaded here: the commands that talk to a sandbox need no server.
    premises = import_module("adapters.sandbox.premises")
    serving = import_module("adapters.serve")
    try:
        settings = Settings(data=data, https_port=https_port, sftp_port=sftp_port)
        if premises.is_sandbox(data) and (data / "doors.json").exists():
            premises.check(settings)
        else:
            premises.make(settings, system_clock())
        sandboxes = import_module("adapters.sandbox.gateway")
        serving.serve(settings, sandboxes.Sandbox, lambda doors: _tell(data, doors))
    except ValidationError as error:
        wrong_use(f"A setting cannot be used: {error.errors()[0]['msg']}")
    except (premises.NotASandbox, serving.AlreadyOpen) as error:
        refused(f"Not opened: {error}.")


def _tell(data: Path, doors: Any) -> None:
    """Where it is, and what to type next."""
    premises = import_module("adapters.sandbox.premises")
    equipment, places = import_module("adapters.equipment"), import_module("adapters.premises")
    home = premises.member_home(data)
    profile = equipment.introduce(home, premises.MEMBER, places.Premises(data), doors.https, doors.sftp)
    console.print(
        f"""The sandbox is open.  HTTPS {doors.https}  SFTP {doors.sftp}
Nobody in it is real, and nothing it seals has any legal effect.

Member {premises.MEMBER}, for employer {premises.EMPLOYER}
with staff {premises.STAFF[0]} to {premises.STAFF[-1]}.
Its profile: {profile}

In another window:
  secugate send BATCH --profile {profile}
  secugate collect --profile {profile} --out answers
  secugate sandbox numbers                       the number that gets each code
  secugate sandbox clock --days 30 --profile {profile}
  secugate sandbox outage busy --times 3 --profile {profile}

Ten minutes from a payroll file to its answer: docs/senders/start.md. Stop it with Ctrl-C.""",
        markup=False,
        highlight=False,
    )


@sandbox.command()
def numbers(as_json: AsJson = False) -> None:
    """List the number that gets each code; needs no sandbox that is open."""
    told = import_module("gateway.sandbox")
    rows = [
        {"code": code, "number": number, "procedures": list(told.procedures_of(code))}
        for code, number in told.numbers().items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        console.print(f"{row['number']}  {row['code']}", markup=False, highlight=False)


@sandbox.command()
def clock(
    days: Annotated[int, typer.Option(help="Let so many days pass.")] = 0,
    hours: Annotated[int, typer.Option(help="Let so many hours pass.")] = 0,
    to: Annotated[str, typer.Option(help="Let it be this moment, such as 2027-02-01T09:00:00+01:00.")] = "",
    profile: ProfileOfSandbox = _PROFILE,
) -> None:
    """Tell the time of the sandbox, or let it pass; it never runs back."""
    if to and (days or hours):
        wrong_use("Give a span or a moment, not both")
    if to:
        _show(profile, "PUT", "/sandbox/clock", {"now": _moment(to)})
    elif days or hours:
        seconds = int(timedelta(days=days, hours=hours).total_seconds())
        _show(profile, "PUT", "/sandbox/clock", {"advance_seconds": seconds})
    else:
        _show(profile, "GET", "/sandbox")


@sandbox.command()
def outage(
    kind: Annotated[str, typer.Argument(help="busy (503), slow, cut (at the end), garbage or forged.")],
    times: Annotated[int, typer.Option(help="To so many requests.")] = 1,
    path: Annotated[str, typer.Option(help="To requests whose path begins so.")] = "/v1/",
    method: Annotated[str, typer.Option(help="To requests of this method; without it to all.")] = "",
    seconds: Annotated[float, typer.Option(help="That a slow answer takes.")] = 5.0,
    profile: ProfileOfSandbox = _PROFILE,
) -> None:
    """Play a failure of the HTTPS door to the requests that come next."""
    play = {"kind": kind, "times": times, "path": path, "method": method, "seconds": seconds}
    _show(profile, "POST", "/sandbox/outages", play)


@sandbox.command()
def delay(
    hours: Annotated[float, typer.Argument(help="In the time of the sandbox; 0 ends it.")],
    profile: ProfileOfSandbox = _PROFILE,
) -> None:
    """Let every deposit wait before it is treated, so that its answers come late."""
    _show(profile, "PUT", "/sandbox/delay", {"seconds": int(hours * 3600)})


@sandbox.command()
def duplicates(
    on: Annotated[bool, typer.Option("--on/--off", help="List every answer twice, or once.")] = True,
    profile: ProfileOfSandbox = _PROFILE,
) -> None:
    """List every answer twice, as a network does that delivers at least once."""
    _show(profile, "PUT", "/sandbox/duplicates", {"on": on})


@sandbox.command()
def end(profile: ProfileOfSandbox = _PROFILE) -> None:
    """Play nothing more; the time goes on from where it is."""
    _show(profile, "DELETE", "/sandbox/script")


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        wrong_use(f"{text} is no moment such as 2027-02-01T09:00:00+01:00")
    if moment.tzinfo is None:
        wrong_use(f"{text} has no time zone, such as +01:00")
    return moment.isoformat()


def _show(profile: Path, method: str, path: str, asked: object = None) -> None:
    """Ask the sandbox, and print what it plays now."""
    try:
        loaded = Profile.load(profile)
        trusted = ssl.create_default_context(cafile=str(loaded.trust))
        trusted.load_cert_chain(loaded.certificate, loaded.key)
    except (OSError, ValueError) as error:
        wrong_use(f"The profile {profile} cannot be used: {error}")
    try:
        with httpx2.Client(base_url=loaded.https, verify=trusted, timeout=_TIMEOUT_SECONDS) as door:
            answer = door.request(method, path, json=asked)
    except httpx2.HTTPError as error:
        not_now(f"The sandbox does not answer at {loaded.https}: {error}")
    if answer.status_code == httpx2.codes.NOT_FOUND:
        refused(f"{loaded.https} is no sandbox")
    said = answer.json()
    if answer.is_error:
        refused(f"Not done: {said.get('detail', said)}")
    print_json(said)
