"""Whether what was billed adds up: charges against statements, and these against ledger and journal.

Nothing is believed, not even its type: what is no amount counts as one so large that no sum is right.
All is read as a stream, statement by statement and entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from gateway.billing.statement import printed_number
from gateway.moments import Period
from gateway.parameters import Branch

_MOST = 10**15
"""More cents than any amount has, and so few that as many as there may be still have a sum."""

_SHARES = tuple(f"{branch}_{part}" for branch in Branch for part in ("employee", "employer"))
_AMOUNTS = tuple(f"{branch}_{part}" for branch in Branch for part in ("base", "employee", "employer"))


def _cents(column: str) -> str:
    """An amount in SQL; a text or other bytes are above every number there."""
    return (
        f"CASE WHEN {column} IS NULL THEN 0 WHEN {column} > {_MOST} THEN {_MOST}"
        f" WHEN {column} < -{_MOST} THEN -{_MOST} ELSE {column} END"
    )


_CHARGED = " + ".join(_cents(f"c.{share}") for share in _SHARES)
_OF_CHARGES = (
    f"SELECT s.number, coalesce(sum(CASE WHEN c.period = s.period THEN {_CHARGED} END), 0) AS contributions,"  # noqa: S608 - our own names
    f" coalesce(sum(CASE WHEN c.period <> s.period THEN {_CHARGED} END), 0) AS corrected,"
    " coalesce(sum(CASE WHEN c.employer <> s.employer THEN 1 ELSE 0 END), 0) AS strangers"
    " FROM statement s LEFT JOIN charge c ON c.statement = s.number GROUP BY s.number ORDER BY s.number"
)
_OF_REFUNDS = (
    f"SELECT s.number, coalesce(sum({_cents('r.total')}), 0) AS refunded,"  # noqa: S608 - our own names
    " coalesce(sum(CASE WHEN r.employer <> s.employer THEN 1 ELSE 0 END), 0) AS strangers"
    " FROM statement s LEFT JOIN mutuality_refund r ON r.statement = s.number"
    " GROUP BY s.number ORDER BY s.number"
)
_BEFORE = (
    "FROM statement b WHERE b.employer = s.employer AND b.period < s.period ORDER BY b.period DESC LIMIT 1"
)
_OF_LEDGER = (
    "SELECT s.*,"  # noqa: S608 - our own names
    f" coalesce((SELECT b.balance {_BEFORE}), 0) AS before,"
    f" (SELECT coalesce(sum({_cents('p.amount')}), 0) FROM ledger_posting p"
    "   WHERE p.account = 'employer' AND p.holder = s.employer AND p.entry <= s.entries) AS ledger,"
    " (SELECT max(e.number) FROM ledger_entry e WHERE e.employer = s.employer"
    f"   AND e.number <= s.entries) AS latest, {{}}"
    " FROM statement s ORDER BY s.number"
).format(
    ", ".join(
        f"(SELECT coalesce(sum({_cents('p.amount')}), 0) FROM ledger_entry e"  # noqa: S608 - our own names
        " JOIN ledger_posting p ON p.entry = e.number AND p.account = 'employer'"
        " WHERE e.employer = s.employer AND e.number <= s.entries"
        f"   AND e.number > coalesce((SELECT b.entries {_BEFORE}), 0)"
        f"   AND e.statement = s.number AND e.kind = '{kind}') AS {name}"
        for name, kind in (
            ("booked_contributions", "contributions"),
            ("booked_corrections", "correction"),
            ("booked_refunds", "mutuality-refund"),
        )
    )
)
_OF_ENTRIES = (
    f"SELECT e.number, count(p.entry) AS postings, coalesce(sum({_cents('p.amount')}), 0) AS total,"  # noqa: S608 - our own names
    " coalesce(sum(CASE WHEN p.account = 'employer' AND p.holder IS DISTINCT FROM e.employer"
    " THEN 1 ELSE 0 END), 0) AS strangers"
    " FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry = e.number"
    " GROUP BY e.number ORDER BY e.number"
)
_ORPHANS = (
    "SELECT DISTINCT p.entry FROM ledger_posting p"
    " WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.number = p.entry)"
)


def account_findings(connection: sa.Connection, journal: Sequence[sa.Row[Any]]) -> Iterator[str]:
    """What does not add up, a sentence each; of each kind of rows the first one that is wrong is named.

    Args:
        journal: its entries.
    """
    billed = {row.subject: row.at for row in journal if row.event == "billed"}
    yield from _first(_statements(connection, billed))
    yield from (f"Statement {str(subject).partition(' ')[0]}: in the journal, but gone" for subject in billed)
    yield from _first(_entries(connection))
    yield from _first(_chains(connection, "charge", '"group"', _AMOUNTS))
    yield from _first(_chains(connection, "mutuality_refund", "''", ("total",)))


def _first(findings: Iterator[str]) -> Iterator[str]:
    """The first finding, but the rest is looked at."""
    found = next(findings, None)
    if found is not None:
        yield found
        for _ in findings:
            pass


def _statements(connection: sa.Connection, billed: dict[object, object]) -> Iterator[str]:
    """Every statement against its charges and refunds, the ledger, the one before it and the journal."""
    streams = (_stream(connection, query) for query in (_OF_LEDGER, _OF_CHARGES, _OF_REFUNDS))
    for place, (row, charges, refunds) in enumerate(zip(*streams, strict=True), start=1):
        text = printed_number(Period.parse(str(row.period)), row.number)
        at = billed.pop(f"{text} {row.employer}", None)
        if row.number != place:
            yield f"Statement number {place}: it is missing"
        elif at is None:
            yield f"Statement {text}: not in the journal"
        elif at != row.issued:
            yield f"Statement {text}: row and journal differ"
        else:
            yield from (f"Statement {text}: {fault}" for fault in _faults(row, charges, refunds))


def _faults(row: sa.Row[Any], charges: sa.Row[Any], refunds: sa.Row[Any]) -> Iterator[str]:
    """What is wrong with the amounts of a statement."""
    said = (row.contributions, row.corrected, row.refunded)
    if charges.strangers or refunds.strangers:
        yield "it shows what belongs to another employer"
    if said != (charges.contributions, charges.corrected, refunds.refunded):
        yield "its amounts are not the sums of the charges and refunds entered for it"
    if said != (row.booked_contributions, row.booked_corrections, -row.booked_refunds):
        yield "its amounts are not those that the ledger has booked for it"
    if row.previous_balance != row.before:
        yield "its previous balance is not that of the statement before it"
    if row.balance != row.ledger or row.entries != (row.latest or 0):
        yield "its balance is not that of the ledger"
    amounts = (row.previous_balance, row.booked, row.contributions, row.corrected, row.refunded)
    if not all(isinstance(one, int) for one in amounts) or row.balance != sum(amounts) - 2 * row.refunded:
        yield "its amounts do not add up to its balance"


def _entries(connection: sa.Connection) -> Iterator[str]:
    """Every entry of the ledger: its postings sum to zero, and none is missing."""
    place = 0
    for place, row in enumerate(_stream(connection, _OF_ENTRIES), start=1):
        if row.number != place:
            yield f"Ledger entry {place}: it is missing"
        if row.total or not row.postings:
            yield f"Ledger entry {row.number}: its postings do not sum to zero"
        if row.strangers:
            yield f"Ledger entry {row.number}: it is on the account of another employer"
    yield from (f"Ledger entry {row.entry}: it is missing" for row in _stream(connection, _ORPHANS))


def _chains(connection: sa.Connection, table: str, part: str, amounts: Sequence[str]) -> Iterator[str]:
    """Versions of what stands for one insured and month follow each other; a reversal takes back what stood.

    Args:
        part: what tells the chains of one month apart.
    """
    key = "employer, insured, period"
    query = (
        f"SELECT {key} FROM {table} GROUP BY {key}"  # noqa: S608 - our own names
        " HAVING count(*) > 1 OR max(version) IS DISTINCT FROM 1 OR max(reversal) IS DISTINCT FROM 0"
    )
    rows = sa.text(
        f"SELECT {part} AS part, id, version, reversal, {', '.join(amounts)} FROM {table}"  # noqa: S608 - our own names
        " WHERE employer IS NOT DISTINCT FROM :employer AND insured IS NOT DISTINCT FROM :insured"
        " AND period IS NOT DISTINCT FROM :period ORDER BY part, id"
    )
    for one in _stream(connection, query):
        for _, chain in groupby(connection.execute(rows, one._asdict()), key=lambda row: row.part):
            fault = _chain_fault(chain)
            if fault is not None:
                number, words = fault
                yield f"{_NOUNS[table]} {number}: {words}"


_NOUNS: Mapping[str, str] = {"charge": "Charge", "mutuality_refund": "Refund"}


def _chain_fault(rows: Iterable[sa.Row[Any]]) -> tuple[int, str] | None:
    """The first row of a chain that does not follow from those before it."""
    stands: tuple[object, ...] | None = None
    version = 0
    for row in rows:
        number, this, reversal = row.id, row.version, row.reversal
        amounts: tuple[object, ...] = tuple(row[4:])
        if reversal not in (0, 1) or bool(reversal) == (stands is None) or this != version + 1 - reversal:
            return number, "its version does not follow from the one before it"
        if reversal and amounts != stands:
            return number, "it does not take back what stood"
        version = this
        stands = None if reversal else tuple(_opposite(each) for each in amounts)
    return None


def _opposite(amount: object) -> object:
    return -amount if isinstance(amount, int) else amount


def _stream(connection: sa.Connection, query: str) -> Iterator[sa.Row[Any]]:
    return iter(connection.execute(sa.text(query), execution_options={"yield_per": 1000}))
