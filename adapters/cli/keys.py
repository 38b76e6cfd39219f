"""The operator's commands on members' keys: a further one, the end of one, those that there are or end."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import paramiko
import sqlalchemy as sa
import typer
from cryptography import x509

from adapters.cli.output import AsJson, at_second, console, print_json, print_table, refused, wrong_use
from adapters.cli.premises import Folder, day_of, member_of, open_gateway, right_now
from adapters.database.members import Key, Members, enter_certificate, enter_ssh_key, keys_of
from adapters.keys import DAYS_BEFORE, expiring, tell_registered
from adapters.premises import seal_of
from gateway.moments import LUXEMBOURG, Received
from signing.certificates import load_certificate

app = typer.Typer(help="Keys of members: add, list, end; those that expire.", no_args_is_help=True)

Identifier = Annotated[str, typer.Argument(help="The member, 19 digits.")]


def certificate_in(file: Path) -> x509.Certificate:
    """The certificate of a PEM file; wrong use when there is none."""
    try:
        return load_certificate(file)
    except (OSError, ValueError) as error:
        wrong_use(f"{file} is no PEM certificate: {error}")


def public_key_in(file: Path) -> paramiko.PKey:
    """The key of an OpenSSH file; wrong use when there is none."""
    try:
        kind, text = file.read_text().split()[:2]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(text, validate=True))
    except (OSError, ValueError, paramiko.SSHException) as error:
        wrong_use(f"{file} is no OpenSSH public key: {error}")


@app.command("add")
def add(
    identifier: Identifier,
    certificate: Annotated[Path | None, typer.Option(help="PEM certificate.")] = None,
    ssh_key: Annotated[Path | None, typer.Option(help="OpenSSH public key for SFTP.")] = None,
    data: Folder = None,
) -> None:
    """Register a further key of a member, beside those it has; the member is told (AVICLE)."""
    premises, database, settings = open_gateway(data)
    if (certificate is None) == (ssh_key is None):
        wrong_use("name --certificate or --ssh-key, one of them")
    who, now, seal = member_of(identifier), right_now(), seal_of(premises, settings)
    try:
        with database.write() as connection:
            if certificate is not None:
                digest = enter_certificate(connection, who, certificate_in(certificate), now)
            elif ssh_key is not None:
                public = public_key_in(ssh_key)
                digest = public.fingerprint
                line = f"{public.get_name()} {public.get_base64()}"
                enter_ssh_key(connection, who, digest, line, now)
            [new] = [one for one in keys_of(connection, who) if one.fingerprint == digest]
            tell_registered(connection, seal, who, new, now)
    except sa.exc.IntegrityError:
        refused(f"There is no member {who}, or this key is registered already.")
    console.print(f"Key {digest} of {who} is registered.", markup=False, highlight=False)


@app.command("end")
def end(
    identifier: Identifier,
    fingerprint: Annotated[str, typer.Argument(help="Of the key, as `member key list` prints it.")],
    last: Annotated[
        str | None, typer.Option(help="Last day on which it counts, YYYY-MM-DD; at once without it.")
    ] = None,
    data: Folder = None,
) -> None:
    """Have a key of a member count no more: at once, or after a day."""
    _, database, _ = open_gateway(data)
    who, now = member_of(identifier), right_now()
    until = now if last is None else _end_of(last)
    if not Members(database).end_key(who, fingerprint, until, now):
        refused(f"Member {who} has no key {fingerprint} that counts for longer.")
    console.print(f"Key {fingerprint} of {who} counts until {at_second(until)} UTC.", highlight=False)


def _end_of(day: str) -> Received:
    return Received(datetime.combine(day_of(day) + timedelta(days=1), time.min, LUXEMBOURG))


@app.command("list")
def listed(identifier: Identifier, data: Folder = None, as_json: AsJson = False) -> None:
    """List all keys of a member, those that count no more too."""
    _, database, _ = open_gateway(data)
    now = right_now()
    found = Members(database).keys(member_of(identifier))
    if as_json:
        print_json([{**_told(one), "counts": one.counts(now)} for one in found])
        return
    rows = (
        (
            one.fingerprint,
            "sftp" if one.is_ssh else "https",
            at_second(one.registered),
            at_second(one.ended) if one.ended else "",
            at_second(one.expires) if one.expires else "",
            "yes" if one.counts(now) else "no",
        )
        for one in found
    )
    head = ("Key", "Door", "Registered (UTC)", "Ends", "Expires", "Counts")
    print_table(f"Keys of {identifier}", head, rows, wraps="Key")


def _told(one: Key) -> dict[str, object]:
    told = {name: value if value is None else str(value) for name, value in asdict(one).items()}
    moments = {"registered": one.registered, "ended": one.ended, "expires": one.expires}
    return {**told, **{name: at and str(at) for name, at in moments.items()}}


@app.command("expiring")
def soon(
    days: Annotated[int, typer.Option(min=0, max=3660, help="Within so many days.")] = max(DAYS_BEFORE),
    data: Folder = None,
    as_json: AsJson = False,
) -> None:
    """List the certificates that end soon without another one in their place."""
    _, database, _ = open_gateway(data)
    with database.read() as connection:
        found = expiring(connection, right_now(), days)
    if as_json:
        print_json(
            [
                {"member": str(one.member), "key": one.key, "expires": str(one.expires), "days": one.days}
                for one in found
            ]
        )
        return
    rows = ((str(one.member), one.key, at_second(one.expires), str(one.days)) for one in found)
    print_table("Certificates that end", ("Member", "Key", "Expires (UTC)", "Days"), rows, wraps="Key")
