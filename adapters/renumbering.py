"""The national register gives a person another matricule: the registers follow, and employers are told.

All that stands under the old number (person, affiliations, missions, wages, incapacities, activities abroad,
own computations) stands under the new one from then on; versions that were replaced before keep the number
they had. What was charged or refunded under the old number stays as it is in the registers: the next run
reverses it, and charges it under the new one. One transaction for that, the journal entry and the notices
(CHGMAT).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.journal import append
from adapters.database.registers import bind, recalculations
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.wages import SqlWages
from adapters.notices import Posted, deliver, remember
from gateway.batch import MemberId
from gateway.matricule import is_person
from gateway.moments import Received
from gateway.notices import chgmat as telling
from gateway.procedures import held
from gateway.registers import Affiliation
from gateway.returns import chgmat
from gateway.seal import Seal

affiliation = tables.table(tables.Affiliation)
person = tables.table(tables.Person)
renumbering = tables.table(tables.Renumbering)

_STANDING = tuple(
    tables.table(noun)
    for noun in (
        tables.Wage,
        tables.Absence,
        tables.Mission,
        tables.ActivityAbroad,
        tables.OwnCalculation,
        tables.Affiliation,
    )
)
_HOLDING = tuple(tables.table(noun) for noun in (tables.Wage, tables.ActivityAbroad))
_STANDS = ("current", "held")


class NotRenumbered(Exception):
    """A number cannot take the place of another; the sentence says why."""


def renumber(
    database: Database, seal: Seal, *, old: str, new: str, effective: date, now: Received
) -> list[Posted]:
    """Put a new matricule in the place of an old one, and tell the members concerned.

    Args:
        effective: day from which the new number counts, as the national register says.
        now: moment of the command.

    Raises:
        NotRenumbered: a number is wrong, unknown or taken; nothing has changed.
    """
    if not is_person(new):
        raise NotRenumbered(f"{new} is no matricule of a person: 13 digits with right check digits")
    try:
        with database.write() as connection:
            _check(connection, old, new)
            _change(connection, old, new)
            connection.execute(
                sa.insert(renumbering).values(old=old, new=new, effective=effective.isoformat())
            )
            append(connection, at=now, event="renumbered", subject=f"{old} {new} {effective.isoformat()}")
            return _tell(connection, seal, old, new, effective, now)
    except sa.exc.IntegrityError:
        raise NotRenumbered(f"something is declared for the same days under {old} and {new}") from None


def _check(connection: sa.Connection, old: str, new: str) -> None:
    if _exists(connection, renumbering, renumbering.c.old == old):
        raise NotRenumbered(f"{old} has been replaced already")
    if not (_is_known(connection, old) or _exists(connection, renumbering, renumbering.c.new == old)):
        raise NotRenumbered(f"nobody is registered or was ever affiliated under {old}")
    if _is_known(connection, new) or _exists(
        connection, renumbering, sa.or_(renumbering.c.old == new, renumbering.c.new == new)
    ):
        raise NotRenumbered(f"{new} belongs to somebody already")


def _is_known(connection: sa.Connection, number: str) -> bool:
    registered = _exists(connection, person, person.c.matricule == number)
    return registered or _exists(connection, affiliation, affiliation.c.insured == number)


def _exists(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> bool:
    return (
        connection.execute(sa.select(sa.literal(1)).select_from(table).where(condition)).first() is not None
    )


def _change(connection: sa.Connection, old: str, new: str) -> None:
    # A version that does not stand any more keeps the number of its time, which may be an earlier one.
    numbers = _former(connection, old)
    known = sa.select(affiliation.c.employer).where(affiliation.c.insured.in_(numbers)).distinct()
    employers = list(connection.execute(known).scalars())
    recalculations.renumbered(connection, employers, old, new)
    # What is on hold may be of an employer without any affiliation.
    for table in _HOLDING:
        waits = sa.and_(table.c.insured == old, sa.text(f"{table.name}.state = 'held'"))
        connection.execute(sa.update(table).where(waits).values(insured=new))
    # Affiliations last: they tell with which employers the others are.
    for table in _STANDING:
        stands = sa.and_(table.c.employer.in_(employers), table.c.insured == old, table.c.state.in_(_STANDS))
        connection.execute(sa.update(table).where(stands).values(insured=new))
    connection.execute(sa.update(person).where(person.c.matricule == old).values(matricule=new))


def _former(connection: sa.Connection, number: str) -> list[str]:
    """A number, and those in whose place it stands."""
    numbers = [number]
    for one in numbers:
        numbers += connection.execute(sa.select(renumbering.c.old).where(renumbering.c.new == one)).scalars()
    return numbers


def _affiliations(connection: sa.Connection, insured: str) -> list[Affiliation]:
    query = sa.select(affiliation.c.employer).where(
        affiliation.c.insured == insured, affiliation.c.state == "current"
    )
    pairs = {(employer, insured) for employer in connection.execute(query).scalars()}
    return [one for known in SqlAffiliations(connection).of(pairs).values() for one in known]


def _tell(
    connection: sa.Connection, seal: Seal, old: str, new: str, effective: date, now: Received
) -> list[Posted]:
    registers = bind(connection, SqlWages(connection), SqlActivities(connection))
    known = _affiliations(connection, new)
    # Somebody may have declared under the new number before we knew it.
    held.release({(one.employer, one.insured) for one in known}, registers)
    found: dict[MemberId, list[chgmat.Change]] = defaultdict(list)
    for employer in telling.employers(known, effective):
        for member in telling.recipients(registers.mandates.for_employer(employer), now):
            found[member].append(chgmat.Change(employer, old, new, effective))
            remember(connection, chgmat.CODE, employer, f"{old} {new}", member, now, old)
    return [
        deliver(
            connection,
            seal,
            member,
            chgmat.CODE,
            tuple(change.employer for change in changes),
            chgmat.write(chgmat.Changes(seal.header(member, now.at), tuple(changes))),
            now,
        )
        for member, changes in sorted(found.items())
    ]
