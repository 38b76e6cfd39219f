"""The decisions on rights: for each employer a deposit names, may its sender act for it? Each with an id."""

from __future__ import annotations

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


def record_decisions(
    connection: sa.Connection, one: Kept, batch: Batch, outcome: Outcome, right: Rights, now: Received
) -> tuple[Decision, ...]:
    """Enter the decisions of a deposit; those that allowed, each with the mandate used.

    Its records ask once for each employer. The id is the number of the deposit and the place of the employer
    among those decided on (after those of other parts of the file), so that a deposit treated again gets
    the same ids. A procedure that needs no mandate leaves nothing to decide.
    """
    code = batch.header.procedure
    if not procedure(code).form.by_mandate:
        return ()
    allowed = right.mandates.keys() & {record.fields.get("Employer", "") for record in batch.records}
    refused = {
        anomaly.value or ""
        for refusal in outcome.refusals
        for anomaly in refusal.anomalies
        if anomaly.code == NO_MANDATE
    }
    before = connection.execute(
        sa.select(sa.func.count()).select_from(decision).where(decision.c.deposit == one.number)
    ).scalar_one()
    ids = {
        employer: f"{one.number}-{place}"
        for place, employer in enumerate([*sorted(allowed - refused), *sorted(refused)], start=before + 1)
    }
    rows = [
        {
            "id": ids[employer],
            "deposit": one.number,
            "employer": employer,
            "procedure": code,
            "mandate": None if employer in refused else right.mandates[employer],
            "allowed": employer not in refused,
            "at": str(now),
        }
        for employer in ids
    ]
    if rows:
        connection.execute(sa.insert(decision), rows)
    return tuple(
        Decision(employer, right.mandates[employer], identifier)
        for employer, identifier in ids.items()
        if employer not in refused
    )
