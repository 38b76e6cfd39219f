"""What is held, in the database: noted once, settled when a later run finds it no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed
from gateway.billing.holds import Code, Hold
from gateway.moments import Period, Received

hold = tables.table(tables.BillingHold)

_STANDS = sa.text(f"billing_hold.{tables.HOLD_STANDS}")


@keyed(1)
def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for employers."""
    return sa.select(hold).join(wanted, hold.c.employer == wanted.c.a).where(_STANDS)


def note(connection: sa.Connection, found: Mapping[str, Iterable[Hold]], now: Received) -> None:
    """Make what stands for each of some employers what was found now: all of theirs was looked at."""
    now_found = _each_once(one for each in found.values() for one in each)
    # What is said otherwise now is settled before it is said anew: it stands once.
    for one, number in _standing(connection, found).items():
        if one not in now_found:
            connection.execute(sa.update(hold).where(hold.c.id == number).values(settled=str(now)))
    add(connection, now_found, now)


def add(connection: sa.Connection, found: Collection[Hold], now: Received) -> None:
    """Note what was found, where it does not stand already; all else that is held stays so."""
    standing = _standing(connection, {one.employer for one in found})
    for one in found:
        if one not in standing:
            values = {**one._asdict(), "code": one.code.value, "period": str(one.period), "since": str(now)}
            connection.execute(sa.insert(hold).values(values))


def _standing(connection: sa.Connection, employers: Iterable[str]) -> Mapping[Hold, int]:
    """What stands for some employers, with its number."""
    return {_hold(row): row.id for row in _of(connection, employers)}


def _each_once(found: Iterable[Hold]) -> set[Hold]:
    """What is held for several reasons under one code, once, with all of them."""
    details: defaultdict[Hold, set[str]] = defaultdict(set)
    for one in found:
        details[one._replace(detail="")].add(one.detail)
    return {one._replace(detail="; ".join(sorted(told - {""}))) for one, told in details.items()}


def standing(connection: sa.Connection) -> Sequence[Hold]:
    """All that is held, by code, employer, month and insured."""
    return sorted(map(_hold, connection.execute(sa.select(hold).where(_STANDS))))


def _hold(row: sa.Row[tuple[object, ...]]) -> Hold:
    return Hold(Code(row.code), row.employer, Period.parse(row.period), row.insured, row.detail)
