"""The decisions on rights: may the sender of a deposit act for an employer and procedure? Each has an id."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept
from gateway.batch import Batch
from gateway.mandates import Rights
from gateway.moments import Received
from gateway.outcome import Outcome
from gateway.procedures import procedure
from gateway.procedures.judgement import NO_MANDATE
from gateway.returns.acktrt import Decision

decision = tables.table(tables.Decision)
deposits = tables.table(tables.Deposit)

_INSERT = sa.insert(decision)
_DECIDED = sa.select(sa.func.count()).select_from(decision).where(decision.c.deposit == sa.bindparam("on"))


def record_decisions(
    connection: sa.Connection, one: Kept, batch: Batch, outcome: Outcome, right: Rights, now: Received
) -> tuple[Decision, ...]:
    """Enter and give the decisions on the rights to the records of a deposit, or of one part of it.

    Its records ask once for each employer, and all of them get that decision. The id is the number of the
    deposit and the place of the employer among those decided on (after those of other parts of the file), so
    that a deposit treated again gets the same ids. Without need of a mandate there is nothing to decide.
    """
    code = batch.header.procedure
    if not procedure(code).form.by_mandate:
        return ()
    named = Counter(record.fields.get("Employer", "") for record in (*batch.records, *batch.malformed))
    refused = Counter(
        anomaly.value or ""
        for refusal in outcome.refusals
        for anomaly in refusal.anomalies
        if anomaly.code == NO_MANDATE
    )
    allowed = sorted((right.mandates.keys() & named.keys()) - refused.keys())
    before = connection.execute(_DECIDED, {"on": one.number}).scalar_one()
    decided = tuple(
        Decision(
            employer=employer,
            procedure=code,
            records=refused[employer] or named[employer],
            mandate=None if employer in refused else right.mandates[employer],
            id=f"{one.number}-{place}",
        )
        for place, employer in enumerate([*allowed, *sorted(refused)], start=before + 1)
    )
    if decided:
        kept = {"deposit": one.number, "at": str(now)}
        connection.execute(_INSERT, [{**asdict(each), "allowed": each.allowed, **kept} for each in decided])
    return decided


def decisions_on(connection: sa.Connection, deposit: str) -> list[tuple[Decision, Received]]:
    """The decisions on a deposit, each with its moment, in order; none for an unknown id."""
    query = (
        sa.select(decision)
        .join(deposits, deposits.c.number == decision.c.deposit)
        .where(deposits.c.id == deposit)
    )
    return [
        (Decision(row.employer, row.procedure, row.records, row.mandate, row.id), Received.parse(row.at))
        for row in sorted(connection.execute(query), key=lambda row: _place(row.id))
    ]


def _place(identifier: str) -> int:
    """The place of a decision among those on its deposit."""
    return int(identifier.rpartition("-")[2])
