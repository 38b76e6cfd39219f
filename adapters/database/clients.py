"""Software clients of members, and the tokens that they get: each call a transaction of its own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from adapters.database import dialects, tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.batch import MemberId
from gateway.moments import Received

client = tables.table(tables.SoftwareClient)
used = tables.table(tables.ClientAssertion)
token = tables.table(tables.AccessToken)

SCOPES = frozenset(("deposit", "collect", "bill"))
"""What a token may be for: sending and trying, fetching answers and proofs, reading bills."""
TOKEN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that acts for one member.

    Attributes:
        key: its public key, PEM.
        scopes: what it may get tokens for.
        ended: since when it gets none, and those it has are worth nothing.
    """

    id: str
    member: MemberId
    name: str
    key: str
    scopes: frozenset[str]
    registered: Received
    ended: Received | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a token gives."""

    member: MemberId
    scopes: frozenset[str]


class Clients:
    """The register of software clients."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, member: MemberId, name: str, key: str, scopes: Iterable[str], at: Received) -> str:
        """Register a client; its id.

        Args:
            key: public key, PEM.

        Raises:
            sqlalchemy.exc.IntegrityError: there is no such member.
        """
        identifier = secrets.token_hex(16)
        row = {
            "id": identifier,
            "member": str(member),
            "name": name,
            "key": key,
            "scopes": " ".join(sorted(scopes)),
            "registered": str(at),
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(client).values(row))
            append(connection, at=at, event="client", subject=identifier, member=str(member))
        return identifier

    def end(self, identifier: str, at: Received) -> bool:
        """End a client with all tokens that it has; False when there is none that counts."""
        counts = sa.and_(client.c.id == identifier, client.c.ended.is_(None))
        with self._database.write() as connection:
            member = connection.execute(sa.select(client.c.member).where(counts)).scalar()
            if member is None:
                return False
            connection.execute(sa.update(client).where(counts).values(ended=str(at)))
            append(connection, at=at, event="client ended", subject=identifier, member=member)
        return True

    def of(self, member: MemberId) -> Sequence[Client]:
        """All clients of a member, in the order of their registration."""
        query = sa.select(client).where(client.c.member == str(member)).order_by(client.c.registered)
        with self._database.read() as connection:
            return [_client(row) for row in connection.execute(query)]

    def find(self, identifier: str, at: Received) -> Client | None:
        """A client that counts at a moment."""
        query = sa.select(client).where(client.c.id == identifier, *_counts(at))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _client(row)

    def issue(
        self, of: Client, scopes: Iterable[str], assertion: str, until: Received, at: Received
    ) -> str | None:
        """A token for an assertion, which is used up by it; None when it was used up before.

        Args:
            assertion: its identifier (`jti`).
            until: end of the assertion; its identifier is remembered as long.
        """
        issued = secrets.token_urlsafe(32)
        row = {
            "digest": _digest(issued),
            "client": of.id,
            "scopes": " ".join(sorted(scopes)),
            "expires": str(Received(at.at + TOKEN_LIFE)),
        }
        with self._database.write() as connection:
            connection.execute(sa.delete(used).where(used.c.expires <= str(at)))
            connection.execute(sa.delete(token).where(token.c.expires <= str(at)))
            remembered = dialects.of(connection).insert(used).on_conflict_do_nothing()
            entered = connection.execute(
                remembered.values(id=f"{of.id} {_digest(assertion)}", expires=str(until))
            )
            if not entered.rowcount:
                return None
            connection.execute(sa.insert(token).values(row))
            append(connection, at=at, event="token", subject=of.id, member=str(of.member))
        return issued

    def access(self, presented: str, at: Received) -> Access | None:
        """What a token gives at a moment, if anything."""
        query = (
            sa.select(client.c.member, token.c.scopes)
            .join_from(token, client, token.c.client == client.c.id)
            .where(token.c.digest == _digest(presented), token.c.expires > str(at), *_counts(at))
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Access(MemberId(row.member[:13], row.member[13:]), frozenset(row.scopes.split()))


def _counts(at: Received) -> Sequence[sa.ColumnElement[bool]]:
    return client.c.registered <= str(at), sa.or_(client.c.ended.is_(None), client.c.ended > str(at))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _client(row: sa.Row[tuple[object, ...]]) -> Client:
    return Client(
        id=row.id,
        member=MemberId(row.member[:13], row.member[13:]),
        name=row.name,
        key=row.key,
        scopes=frozenset(row.scopes.split()),
        registered=Received.parse(row.registered),
        ended=Received.parse(row.ended) if row.ended else None,
    )
