"""The register of refunds of the Mutualité des employeurs: every one and every reversal is a row."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import enter, keyed
from gateway.billing.refunds import Refunded, RefundKey
from gateway.billing.statement import Cause, RefundChange
from gateway.moments import Period
from gateway.mutuality import Ground, Refund, RefundPart
from gateway.parameters import Branch
from gateway.registers import InsuredMonth

refund = tables.MUTUALITY_REFUND

_COLUMNS = tuple(column.name for column in refund.columns if column.name != "id")


@keyed(2)
def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """What was refunded and taken back for pairs of employer and insured, in order."""
    same = sa.and_(refund.c.employer == wanted.c.a, refund.c.insured == wanted.c.b)
    return sa.select(refund).join(wanted, same).order_by(refund.c.id)


class SqlRefunds:
    """The register of refunds in a transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def standing(self, employer: str, insured: Collection[str]) -> Refunded:
        """What stands for some insured of an employer, in all months."""
        rows = _of(self._connection, ((employer, one) for one in insured))
        last = {RefundKey(row.insured, Period.parse(row.period)): row for row in rows}
        return Refunded(
            refunds={key: _refund(row) for key, row in last.items() if not row.reversal},
            versions={key: row.version for key, row in last.items()},
        )

    def of_statement(self, number: int) -> list[RefundChange]:
        """What a statement refunded and took back, by month and insured."""
        query = (
            sa.select(refund)
            .where(refund.c.statement == number)
            .order_by(refund.c.period, refund.c.insured, refund.c.id)
        )
        found: dict[RefundKey, RefundChange] = {}
        for row in self._connection.execute(query):
            key = RefundKey(row.insured, Period.parse(row.period))
            one, taken_back = _refund(row), found[key].reversal if key in found else None
            found[key] = RefundChange(
                period=key.period,
                insured=key.insured,
                version=row.version,
                causes=tuple(map(Cause, row.causes.split())),
                reversal=one if row.reversal else taken_back,
                result=None if row.reversal else one,
            )
        return list(found.values())

    def add(self, employer: str, number: int, changes: Iterable[RefundChange]) -> None:
        """Enter reversals and new refunds on a statement."""
        enter(
            self._connection,
            "mutuality_refund",
            _COLUMNS,
            (
                (
                    employer,
                    change.insured,
                    str(change.period),
                    change.version - (one is change.reversal and change.result is not None),
                    int(one is change.reversal),
                    number,
                    " ".join(change.causes),
                    one.total,
                    _content(one),
                )
                for change in changes
                for one in (change.reversal, change.result)
                if one is not None
            ),
        )


def _content(one: Refund) -> str:
    parts = [
        {
            "kind": part.kind,
            "first": part.first.isoformat(),
            "last": part.last.isoformat(),
            "hours": part.hours,
            "ground": part.ground.value,
            "rate": str(part.rate),
            "pay_continued": part.pay_continued,
            "pay_refund": part.pay_refund,
            "shares": {branch.value: cents for branch, cents in part.shares.items()},
            "days_counted": part.days_counted,
            "formula": part.formula,
            "source": part.source,
            "doubtful": part.doubtful,
        }
        for part in one.parts
    ]
    return json.dumps({"policy": one.policy, "parameters": one.parameters, "parts": parts})


def _refund(row: sa.Row[Any]) -> Refund:
    content = json.loads(row.content)
    return Refund(
        month=InsuredMonth(row.employer, row.insured, Period.parse(row.period)),
        parts=tuple(map(_part, content["parts"])),
        left_out=(),
        policy=content["policy"],
        parameters=content["parameters"],
    )


def _part(one: Mapping[str, Any]) -> RefundPart:
    return RefundPart(
        kind=one["kind"],
        first=date.fromisoformat(one["first"]),
        last=date.fromisoformat(one["last"]),
        hours=one["hours"],
        ground=Ground(one["ground"]),
        rate=Decimal(one["rate"]),
        pay_continued=one["pay_continued"],
        pay_refund=one["pay_refund"],
        shares={Branch(branch): cents for branch, cents in one["shares"].items()},
        days_counted=one["days_counted"],
        formula=one["formula"],
        source=one["source"],
        doubtful=one["doubtful"],
    )
