"""Which months that were charged have to be looked at again: entered by whatever changes what they came from.

Only what touches a month of a statement that was issued is entered; a month not charged yet is computed from
what stands when its statement is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers import keys
from adapters.database.registers.keys import Keyed, many
from gateway.moments import Period

hold = tables.table(tables.BillingHold)
recalculation = tables.table(tables.Recalculation)
statement = tables.table(tables.Statement)

_DUE = sa.text(f"recalculation.{tables.RECALCULATION_DUE}")
_HELD = sa.text(f"billing_hold.{tables.HOLD_STANDS}")
_COLUMNS = ("employer", "insured", "period")


def _noted(noun: sa.Table, stands: sa.TextClause) -> Keyed:
    """The months noted for employers."""
    return Keyed(
        1,
        lambda wanted: (
            sa.select(noun.c.employer, noun.c.insured, noun.c.period)
            .join(wanted, noun.c.employer == wanted.c.a)
            .where(stands)
        ),
    )


_changed, _held = _noted(recalculation, _DUE), _noted(hold, _HELD)
_LAST_RUN = sa.select(sa.func.max(statement.c.period))
_ENTER = (
    "INSERT INTO recalculation (employer, insured, period)"
    " SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM statement WHERE employer = ? AND period >= ?)"
)


class Due(NamedTuple):
    """A month to be looked at again, and all after it.

    Attributes:
        insured: matricule; empty for everybody with whom the employer has wages or charges.
    """

    insured: str
    period: Period


def enter(connection: sa.Connection, months: Iterable[tuple[str, str, str]]) -> None:
    """Enter what has changed: employer, insured (empty for all), period as text."""
    rows = set(months)
    many(connection, _ENTER, ((*row, row[0], row[2]) for row in rows))


def enter_late(connection: sa.Connection, months: Iterable[tuple[str, str, str]]) -> None:
    """Enter wages of months that were run, with or without a statement for their employer.

    Nobody would look for them otherwise when the employer has no wages of the month that is run next.
    """
    last = connection.execute(_LAST_RUN).scalar() or ""
    keys.enter(connection, "recalculation", _COLUMNS, (month for month in set(months) if month[2] <= last))


def of_employer(connection: sa.Connection, employer: str, first: Period) -> None:
    """All insured of an employer, from a month on."""
    enter(connection, [(employer, "", str(first))])


def of_month(connection: sa.Connection, period: str) -> None:
    """Everybody who was charged for a month."""
    charged = sa.select(tables.CHARGE.c.employer, sa.literal(""), sa.literal(period)).where(
        tables.CHARGE.c.period == period
    )
    connection.execute(
        sa.insert(recalculation).from_select(["employer", "insured", "period"], charged.distinct())
    )


def renumbered(connection: sa.Connection, employers: Sequence[str], old: str, new: str) -> None:
    """What some employers were charged and refunded for a person, or waits, under both numbers."""
    found: list[tuple[str, str, str]] = []
    for noun, wanted in (
        (tables.CHARGE, sa.true()),
        (tables.MUTUALITY_REFUND, sa.true()),
        (hold, _HELD),
        (recalculation, _DUE),
    ):
        for employer in employers:
            query = sa.select(sa.func.min(noun.c.period)).where(
                noun.c.employer == employer, noun.c.insured == old, wanted
            )
            first = connection.execute(query).scalar()
            found += [(employer, number, first) for number in (old, new) if first is not None]
    keys.enter(connection, "recalculation", _COLUMNS, set(found))


def due(connection: sa.Connection, employers: Sequence[str]) -> Mapping[str, Sequence[Due]]:
    """What is due for some employers: what has changed, and what was held and may be clear by now."""
    found: defaultdict[str, list[Due]] = defaultdict(list)
    for noted in (_changed, _held):
        for employer, insured, period in noted(connection, employers):
            found[employer].append(Due(insured, Period.parse(period)))
    return found


def employers(connection: sa.Connection) -> set[str]:
    """The employers for whom something is due."""
    return {
        employer
        for noun, stands in ((recalculation, _DUE), (hold, _HELD))
        for employer in connection.execute(sa.select(noun.c.employer).where(stands).distinct()).scalars()
    }


def settle(connection: sa.Connection, statements: Iterable[tuple[str, int | None]]) -> None:
    """What was due for some employers was looked at: a statement shows what came of it, or nothing did.

    Args:
        statements: employer, and number of that statement, if any.
    """
    many(
        connection,
        "UPDATE recalculation SET statement = ?, settled = true"  # noqa: S608 - our own words
        f" WHERE employer = ? AND {tables.RECALCULATION_DUE}",
        ((number, employer) for employer, number in statements),
    )
