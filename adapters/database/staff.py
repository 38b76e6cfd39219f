"""The register of staff, and every command they gave, signed by whoever gave it.

Acts are only added to. A proposal is an act too; what answers it says so. The journal names each act
with its person and the digest of what was signed, so that no act can be put in or taken out later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.moments import Received
from gateway.staff import PROPOSAL_LASTS, Call, Person, Role

staff = tables.table(tables.Staff)
act = tables.table(tables.StaffAct)


class Kind(StrEnum):
    """What an act was."""

    GIVEN = "given"
    """A command that took effect, or was tried, at once."""
    DENIED = "denied"
    """A command that this person may not give."""
    PROPOSED = "proposed"
    """A command that waits for a second person."""
    APPROVED = "approved"
    """The second person's yes; the command followed it."""
    DECLINED = "declined"
    """The second person's no."""


@dataclass(frozen=True, slots=True)
class Act:
    """A command that somebody of the staff gave, as it is kept.

    Attributes:
        number: its place among all acts.
        at: when.
        person: who.
        kind: what it was.
        call: the command.
        answers: number of the proposal it approves or declines, if any.
        genuine: whether it bears the signature of that person's key.
    """

    number: int
    at: Received
    person: str
    kind: Kind
    call: Call
    answers: int | None
    genuine: bool


class Staff:
    """The register of staff, each call a transaction of its own."""

    def __init__(self, database: Database, gateway: str) -> None:
        """
        Args:
            gateway: fingerprint of the gateway's seal; what is signed names it.
        """
        self._database = database
        self._gateway = gateway

    def add(self, person: Person, public_key: str, at: Received) -> None:
        """Enter somebody; a name or a key is never used twice.

        Raises:
            sqlalchemy.exc.IntegrityError: the name or the key stands or stood in the register.
        """
        roles = " ".join(sorted(person.roles))
        with self._database.write() as connection:
            connection.execute(
                sa.insert(staff).values(
                    name=person.name, roles=roles, key=person.key, public_key=public_key, registered=str(at)
                )
            )
            append(connection, at=at, event="staff", subject=f"{person.name} {person.key} {roles}")

    def end(self, name: str, at: Received) -> bool:
        """End the rights of somebody at once; False when nobody of that name has any."""
        with self._database.write() as connection:
            standing = (staff.c.name == name, staff.c.ended.is_(None))
            ended = connection.execute(sa.update(staff).where(*standing).values(ended=str(at))).rowcount
            if ended:
                append(connection, at=at, event="staff ended", subject=name)
        return bool(ended)

    def enter(
        self,
        person: Person,
        key: Ed25519PrivateKey,
        kind: Kind,
        call: Call,
        at: Received,
        answers: int | None = None,
    ) -> int:
        """Enter an act, signed by whoever did it; its number."""
        text = call.signed_text(self._gateway, person.name, str(at), answers)
        with self._database.write() as connection:
            number = connection.execute(
                sa.insert(act)
                .values(
                    at=str(at),
                    person=person.name,
                    kind=kind.value,
                    command=call.command,
                    arguments=json.dumps(call.arguments, ensure_ascii=False),
                    files=json.dumps(call.files, ensure_ascii=False),
                    reason=call.reason,
                    answers=answers,
                    gateway=self._gateway,
                    signature=key.sign(text).hex(),
                )
                .returning(act.c.number)
            ).scalar_one()
            append(
                connection,
                at=at,
                event=f"act {kind}",
                subject=f"{number} {person.name} {call.command}",
                digest=hashlib.sha256(text).hexdigest(),
            )
        return int(number)

    def acts(self, kinds: Collection[Kind] = tuple(Kind)) -> list[Act]:
        """All acts of some kinds, oldest first."""
        query = sa.select(act).where(act.c.kind.in_([kind.value for kind in kinds])).order_by(act.c.number)
        with self._database.read() as connection:
            keys = _public_keys(connection)
            return [_act(row, keys) for row in connection.execute(query)]

    def open_proposal(self, number: int, now: Received) -> Act | None:
        """A proposal that still waits for its second person; None without one of that number."""
        answered = sa.select(act.c.answers).where(act.c.answers == number)
        query = sa.select(act).where(
            act.c.number == number, act.c.kind == Kind.PROPOSED.value, ~sa.exists(answered)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
            found = row and _act(row, _public_keys(connection))
        return found if found and now.at - found.at.at <= PROPOSAL_LASTS else None


def people(database: Database) -> Sequence[Person]:
    """Everybody who stands in the register of staff, by name."""
    with database.read() as connection:
        rows = connection.execute(sa.select(staff).where(staff.c.ended.is_(None)).order_by(staff.c.name))
    return [Person(row.name, frozenset(map(Role, row.roles.split())), row.key) for row in rows]


def _public_keys(connection: sa.Connection) -> dict[str, str]:
    rows = connection.execute(sa.select(staff.c.name, staff.c.public_key))
    return {row.name: row.public_key for row in rows}


def _act(row: sa.Row[tuple[object, ...]], keys: dict[str, str]) -> Act:
    call = Call(
        row.command,
        tuple(json.loads(row.arguments)),
        tuple((name, digest) for name, digest in json.loads(row.files)),
        row.reason,
    )
    text = call.signed_text(row.gateway, row.person, row.at, row.answers)
    genuine = row.person in keys and is_signed(text, bytes.fromhex(row.signature), keys[row.person])
    return Act(row.number, Received.parse(row.at), row.person, Kind(row.kind), call, row.answers, genuine)


def is_signed(text: bytes, signature: bytes, public_key: str) -> bool:
    """Whether a text was signed with the private half of an OpenSSH Ed25519 key."""
    key = load_ssh_public_key(public_key.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True
