"""The passkeys of people at the portal; each call a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.visits import note
from gateway.moments import Received
from gateway.people import PortalPerson

passkey = tables.table(tables.Passkey)


@dataclass(frozen=True, slots=True)
class KnownPasskey:
    """A passkey that counts; attributes as of `tables.Passkey`."""

    id: str
    person: str
    public_key: bytes
    uses: int
    name: str
    registered: Received


class Passkeys:
    """The register of passkeys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, who: PortalPerson, identifier: str, public_key: bytes, uses: int, name: str, at: Received
    ) -> None:
        """Register a passkey of somebody.

        Raises:
            sqlalchemy.exc.IntegrityError: it is registered already.
        """
        row = {
            "id": identifier,
            "person": who.id,
            "public_key": public_key,
            "uses": uses,
            "name": name,
            "registered": str(at),
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(passkey).values(row))
            note(connection, who, "passkey", identifier, at)

    def end(self, who: PortalPerson, identifier: str, at: Received) -> None:
        """Have a passkey of somebody count no more."""
        mine = sa.and_(passkey.c.id == identifier, passkey.c.person == who.id, passkey.c.ended.is_(None))
        with self._database.write() as connection:
            if connection.execute(sa.update(passkey).where(mine).values(ended=str(at))).rowcount:
                note(connection, who, "passkey-ended", identifier, at)

    def of(self, who: PortalPerson) -> Sequence[KnownPasskey]:
        """The passkeys of somebody that count, in the order of their registration."""
        mine = sa.select(passkey).where(passkey.c.person == who.id, passkey.c.ended.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(mine.order_by(passkey.c.registered)).all()
        return [_known(row) for row in rows]

    def find(self, identifier: str) -> KnownPasskey | None:
        """A passkey that counts."""
        query = sa.select(passkey).where(passkey.c.id == identifier, passkey.c.ended.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _known(row)

    def used(self, identifier: str, uses: int) -> None:
        """Keep how often a passkey says it was used."""
        with self._database.write() as connection:
            connection.execute(sa.update(passkey).where(passkey.c.id == identifier).values(uses=uses))


def _known(row: sa.Row[tuple[object, ...]]) -> KnownPasskey:
    registered = Received.parse(row.registered)
    return KnownPasskey(row.id, row.person, row.public_key, row.uses, row.name, registered)
