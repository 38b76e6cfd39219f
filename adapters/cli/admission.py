"""Who gives a command, and may they? Asked whenever a command opens a gateway.

A gateway without staff in its register is run by whoever has its folder. With the first administrator
registered, everybody proves who they are with their own key; each command is kept with its signature.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NoReturn

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    SSHPrivateKeyTypes,
    SSHPublicKeyTypes,
    load_ssh_private_key,
    ssh_key_fingerprint,
)

from adapters.cli.given import ARGUMENTS, REASON
from adapters.cli.output import at_second, console, refused, wrong_use
from adapters.database import Database
from adapters.database.members import fingerprint
from adapters.database.staff import Act, Kind, Staff, people
from adapters.premises import Premises
from adapters.settings import Settings
from gateway.moments import Received, system_clock
from gateway.staff import LINK, PROPOSAL_LASTS, RIGHTS, Call, Denied, Person, Role, check, check_approval
from signing.certificates import load_certificate

UNATTENDED = frozenset({"serve", "migrate"})
"""Commands that a service or an installation gives, not a person."""
ENTER_THEMSELVES = frozenset({"approve", "decline", LINK})
"""Commands that are acts of a kind of their own: they ask who gives them, and enter it."""
ADMINISTRATORS = 2
"""So many there must be before staff are changed by two; from then on there are never fewer."""

_approved: ContextVar[tuple[Path, tuple[str, ...], str] | None] = ContextVar("approved", default=None)
"""Of the proposal that is being carried out: the gateway it was approved on, its arguments, both persons."""


def staff_of(premises: Premises, database: Database) -> Staff:
    """The register of staff of a gateway."""
    return Staff(database, fingerprint(load_certificate(premises.signing_certificate)))


def admit(premises: Premises, database: Database, settings: Settings) -> None:
    """Let a command pass, or leave with status 1: it is denied, or waits for a second person.

    What the command writes from here on names the person in the journal.
    """
    call = _call()
    if call.command in UNATTENDED | ENTER_THEMSELVES:
        return
    registered = people(database)
    if not registered:
        return
    approved = _approved.get()
    if approved is not None and approved[:2] == (premises.folder.resolve(), call.arguments):
        database.act_as(approved[2])
        return
    person, key = _identify(registered, settings)
    database.act_as(person.name)
    _judge(staff_of(premises, database), person, key, call, registered)


def _judge(
    staff: Staff, person: Person, key: Ed25519PrivateKey, call: Call, registered: Sequence[Person]
) -> None:
    now = Received(system_clock())
    try:
        right = check(person, call)
    except Denied as no:
        staff.enter(person, key, Kind.DENIED, call, now)
        refused(f"Not allowed: {no.reason}")
    if right.four_eyes and not _is_founding(call, registered):
        number = staff.enter(person, key, Kind.PROPOSED, call, now)
        _say_it_waits(number, call, right.roles, now)
    staff.enter(person, key, Kind.GIVEN, call, now)


def _is_founding(call: Call, registered: Sequence[Person]) -> bool:
    """Whether staff are still too few to change the register by two."""
    administrators = [one for one in registered if Role.ADMINISTRATOR in one.roles]
    return call.command == "staff add" and len(administrators) < ADMINISTRATORS


def _say_it_waits(number: int, call: Call, roles: frozenset[Role], now: Received) -> NoReturn:
    until = Received(now.at + PROPOSAL_LASTS)
    console.print(
        f"Not done yet: {call.command} takes two persons. This is proposal {number}; another"
        f" {' or '.join(sorted(roles))} gives, until {at_second(until)} UTC: secugate approve {number}",
        markup=False,
        highlight=False,
    )
    raise typer.Exit(1)


@contextmanager
def carrying_out(premises: Premises, proposal: Act, second: str) -> Iterator[None]:
    """Let the command of a proposal pass, on the gateway where it was approved and on no other; the
    journal names both persons."""
    both = f"{proposal.person}+{second}"
    token = _approved.set((premises.folder.resolve(), proposal.call.arguments, both))
    try:
        yield
    finally:
        _approved.reset(token)


def answer(
    premises: Premises, database: Database, settings: Settings, number: int, kind: Kind
) -> tuple[Act, str]:
    """Enter somebody's yes or no to a proposal; the proposal, and who answered.

    Leaves with status 1 when it cannot be answered by this person, or its files are not what they were.
    """
    registered = people(database)
    if not registered:
        refused("Nobody of the staff is registered: commands need no second person.")
    person, key = _identify(registered, settings)
    database.act_as(person.name)
    staff = staff_of(premises, database)
    now = Received(system_clock())
    proposal = staff.open_proposal(number, now)
    if proposal is None:
        refused(f"No proposal {number} waits for an answer.")
    _check_answer(person, proposal)
    staff.enter(person, key, kind, proposal.call, now, answers=number)
    return proposal, person.name


def open_console(premises: Premises, database: Database, settings: Settings) -> str:
    """Enter that somebody comes to the console, signed with their key; what the link has to hold."""
    registered = people(database)
    if not registered:
        refused("The console is for registered staff, and nobody is: secugate staff add")
    person, key = _identify(registered, settings)
    database.act_as(person.name)
    return staff_of(premises, database).open_link(person, key, _call(), Received(system_clock())).token


def _check_answer(person: Person, proposal: Act) -> None:
    if not proposal.genuine:
        refused(f"Proposal {proposal.number} does not bear the signature of {proposal.person}.")
    try:
        check_approval(person, proposal.call, proposal.person)
    except Denied as no:
        refused(f"Not allowed: {no.reason}")
    for name, digest in proposal.call.files:
        if _digest(Path(name)) != digest:
            refused(f"{name} is not the file that was proposed. Nothing was done.")


def _call() -> Call:
    arguments = ARGUMENTS.get()
    command = next(
        (words for count in (3, 2, 1) if (words := " ".join(arguments[:count])) in RIGHTS),
        arguments[0] if arguments else "",
    )
    named = (text.rpartition("=")[2] if text.startswith("--") else text for text in arguments)
    files = tuple((name, digest) for name in named if (digest := _digest(Path(name))) is not None)
    return Call(command, arguments, files, REASON.get())


def _digest(file: Path) -> str | None:
    """SHA-256 of a file, hexadecimal; None when there is none."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _identify(registered: Sequence[Person], settings: Settings) -> tuple[Person, Ed25519PrivateKey]:
    """Who gives the command, by the key that the settings name."""
    if settings.staff_key is None:
        wrong_use("Say who you are: SECUGATE_STAFF_KEY names the file of your private key (Ed25519).")
    key = read_key(settings.staff_key)
    digest = key_fingerprint(key.public_key())
    person = next((one for one in registered if one.key == digest), None)
    if person is None:
        refused(f"{settings.staff_key} is the key of nobody in the register of staff.")
    return person, key


def key_fingerprint(key: SSHPublicKeyTypes) -> str:
    """The fingerprint of a public key, as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(ssh_key_fingerprint(key, SHA256())).decode().rstrip("=")


def read_key(file: Path) -> Ed25519PrivateKey:
    """A private Ed25519 key as OpenSSH keeps it, readable by its owner alone; asks for its passphrase."""
    try:
        if file.stat().st_mode & 0o077:
            wrong_use(f"{file} can be read by others. Take their rights away: chmod 600 {file}")
        content = file.read_bytes()
    except OSError as error:
        wrong_use(f"{file} cannot be read: {error.strerror}")
    try:
        key = load_ssh_private_key(content, None)
    except TypeError:
        key = _unlocked(file, content)
    except ValueError:
        wrong_use(f"{file} is no private key as OpenSSH keeps it")
    if not isinstance(key, Ed25519PrivateKey):
        wrong_use(f"{file} is no Ed25519 key. Make one with: ssh-keygen -t ed25519")
    return key


def _unlocked(file: Path, content: bytes) -> SSHPrivateKeyTypes:
    passphrase = typer.prompt(f"Passphrase of {file}", hide_input=True, err=True)
    try:
        return load_ssh_private_key(content, passphrase.encode())
    except ValueError:
        refused("The passphrase is wrong.")
