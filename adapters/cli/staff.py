"""The operator's staff: who they are, what they did, and the second person's yes or no."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from adapters.cli.admission import ADMINISTRATORS, answer, carrying_out, key_fingerprint, staff_of
from adapters.cli.output import AsJson, at_second, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, open_gateway, right_now
from adapters.database.staff import Act, Kind, people
from gateway.staff import Person, Role

app = typer.Typer()
staff = typer.Typer(help="Staff: who may give which command.", no_args_is_help=True)
app.add_typer(staff, name="staff")

_NAME = re.compile(r"[a-z][a-z0-9.-]{1,39}")


@staff.command("add")
def add_person(
    name: Annotated[str, typer.Argument(help="By which the journal calls them, such as a.weber.")],
    role: Annotated[list[Role], typer.Option(help="What they do. Repeatable.")],
    key: Annotated[Path, typer.Option(help="Their OpenSSH public key, Ed25519.")],
    data: Folder = None,
) -> None:
    """Register somebody of the staff. With the first, an administrator, everybody has to say who they are."""
    premises, database, _ = open_gateway(data)
    if not _NAME.fullmatch(name):
        wrong_use("A name has 2 to 40 characters: small letters, digits, dots and hyphens, a letter first")
    text, loaded = _public_key(key)
    register = staff_of(premises, database)
    if not people(database) and Role.ADMINISTRATOR not in role:
        refused("The first person is an administrator, or nobody could register the next.")
    try:
        register.add(Person(name, frozenset(role), key_fingerprint(loaded)), text, right_now())
    except sa.exc.IntegrityError:
        refused(f"{name}, or that key, is or was in the register already.")
    console.print(f"{name} is registered: {', '.join(sorted(role))}.", markup=False)


@staff.command("end")
def end_person(
    name: Annotated[str, typer.Argument(help="Whose rights end at once.")], data: Folder = None
) -> None:
    """End the rights of somebody of the staff."""
    premises, database, _ = open_gateway(data)
    register = staff_of(premises, database)
    left = [one for one in people(database) if Role.ADMINISTRATOR in one.roles and one.name != name]
    if len(left) < ADMINISTRATORS:
        refused(f"There must be {ADMINISTRATORS} administrators left. Register another one first.")
    if not register.end(name, right_now()):
        refused(f"There is no {name} with rights.")
    console.print(f"The rights of {name} have ended.", markup=False)


@staff.command("list")
def list_people(data: Folder = None, as_json: AsJson = False) -> None:
    """List who may give commands."""
    _, database, _ = open_gateway(data)
    registered = people(database)
    if as_json:
        print_json([{**asdict(one), "roles": sorted(one.roles)} for one in registered])
        return
    rows = ((one.name, ", ".join(sorted(one.roles)), one.key) for one in registered)
    print_table("Staff", ("Name", "Roles", "Key"), rows, wraps="Roles")


@staff.command("acts")
def list_acts(
    waiting: Annotated[bool, typer.Option("--waiting", help="Proposals without an answer.")] = False,
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """List what staff did, why, and whether each act bears its person's signature; 1 when one does not."""
    premises, database, _ = open_gateway(data)
    register, now = staff_of(premises, database), right_now()
    acts = register.acts([Kind.PROPOSED] if waiting else list(Kind))
    if waiting:
        acts = [one for one in acts if register.open_proposal(one.number, now)]
    if as_json:
        print_json([_told(one) for one in acts])
    else:
        head = ("No", "At (UTC)", "Who", "What", "Command and reason")
        print_table("Acts", head, map(_shown, acts), wraps="Command and reason")
    if not all(one.genuine for one in acts):
        raise typer.Exit(1)


def _told(one: Act) -> dict[str, object]:
    return {
        "number": one.number,
        "at": str(one.at),
        "person": one.person,
        "kind": one.kind.value,
        "arguments": one.call.arguments,
        "files": dict(one.call.files),
        "reason": one.call.reason,
        "answers": one.answers,
        "genuine": one.genuine,
    }


def _shown(one: Act) -> tuple[str, ...]:
    what = one.kind.value + (f" {one.answers}" if one.answers else "")
    reason = f"\n{one.call.reason}" if one.call.reason else ""
    forged = "" if one.genuine else "\nNOT SIGNED BY THIS PERSON"
    said = " ".join(one.call.arguments) + reason + forged
    return str(one.number), at_second(one.at), one.person, what, said


Number = Annotated[int, typer.Argument(help="Number of the proposal.")]


@app.command()
def approve(number: Number, data: Folder = None) -> None:
    """Be the second person of a command that waits; it is carried out at once."""
    premises, database, settings = open_gateway(data)
    proposal, second = answer(premises, database, settings, number, Kind.APPROVED)
    database.close()
    arguments = list(proposal.call.arguments)
    console.print(f"Approved: secugate {' '.join(arguments)}", markup=False, highlight=False)
    with carrying_out(premises, proposal, second):
        raise typer.Exit(import_module("adapters.cli").app(args=arguments, standalone_mode=False) or 0)


@app.command()
def decline(number: Number, data: Folder = None) -> None:
    """Refuse a command that waits for a second person."""
    premises, database, settings = open_gateway(data)
    proposal, _ = answer(premises, database, settings, number, Kind.DECLINED)
    arguments = " ".join(proposal.call.arguments)
    console.print(f"Declined: secugate {arguments}", markup=False, highlight=False)


def _public_key(file: Path) -> tuple[str, Ed25519PublicKey]:
    try:
        text = " ".join(file.read_text().split()[:2])
        key = load_ssh_public_key(text.encode())
    except (OSError, ValueError) as error:
        wrong_use(f"{file} is no OpenSSH public key: {error}")
    if not isinstance(key, Ed25519PublicKey):
        wrong_use(f"{file} is no Ed25519 key. Make one with: ssh-keygen -t ed25519")
    return text, key
