"""What a member may read of the statements of its employers, by its right to their invoices at present."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from adapters.billing.explanation import Issue, document, issue_of
from adapters.database import Database, tables
from adapters.database.documents import answer_place, read_document
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.charges import SqlCharges, Version
from adapters.database.registers.mandates import SqlMandates
from adapters.database.registers.wages import SqlWages
from adapters.pdf.statement import statement_page
from gateway.batch import MemberId
from gateway.billing.differences import Comparison
from gateway.billing.own import differences
from gateway.billing.statement import BranchSum, printed_number
from gateway.contributions import Policy
from gateway.mandates import INVOICES, rights
from gateway.moments import Clock, Period, Received
from gateway.parameters import Branch
from gateway.returns import calcul, extcpt
from signing.container import MAGIC
from signing.parse import parse

answer = tables.table(tables.Answer)
statement = tables.table(tables.Statement)


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement that was issued, in sums. Amounts in cents.

    Attributes:
        cursor: its place in the order of issue.
        balance: after it; negative in the employer's favour.
        payable: by the due day: the balance, or what a payment plan asks for of it.
    """

    cursor: int
    number: str
    employer: str
    period: Period
    issued: Received
    due: date
    previous_balance: int
    booked: int
    contributions: int
    corrected: int
    refunded: int
    balance: int
    payable: int
    policy: str
    parameters: str


@dataclass(frozen=True, slots=True)
class StatedMonth:
    """What a statement charges and takes back of one wage month, branch by branch, in cents."""

    period: Period
    branches: tuple[BranchSum, ...]

    @property
    def total(self) -> int:
        return sum(branch.total for branch in self.branches)


class Statements:
    """Statements as members read them. Whatever a member has no right to is as if it were not there."""

    def __init__(self, database: Database, clock: Clock, environment: str) -> None:
        self._database = database
        self._clock = clock
        self._test = environment == "test"

    def listed(
        self, member: MemberId, employer: str | None, period: Period | None, after: int, limit: int
    ) -> Sequence[Stated] | None:
        """Statements after a cursor, in the order of issue; None for an employer that is not the member's."""
        with self._database.read() as connection:
            allowed = self.allowed(connection, member)
            if employer is not None and employer not in allowed:
                return None
            wanted = [statement.c.number > after]
            wanted.append(statement.c.employer.in_(sorted(allowed) if employer is None else [employer]))
            if period is not None:
                wanted.append(statement.c.period == str(period))
            query = sa.select(statement).where(*wanted).order_by(statement.c.number).limit(limit)
            return [stated_of(row) for row in connection.execute(query)]

    def one(self, member: MemberId, number: str) -> tuple[Stated, Sequence[StatedMonth]] | None:
        """A statement, with what it charges month by month."""
        with self._database.read() as connection:
            issue = self.issue(connection, member, number)
            if issue is None:
                return None
            query = sa.select(statement).where(statement.c.number == issue.number)
            found = stated_of(connection.execute(query).one())
            return found, list(months_of(SqlCharges(connection).of_statement(issue.number)))

    def explanation(self, member: MemberId, number: str, insured: str | None) -> dict[str, object] | None:
        """Why its amounts are what they are; see `explanation.document`.

        Raises:
            NotReproduced: when something else comes out than was charged.
        """
        with self._database.read() as connection:
            issue = self.issue(connection, member, number)
            return None if issue is None else document(connection, issue, insured)

    def page(self, member: MemberId, number: str, language: str) -> bytes | None:
        """Its pages for people, made of the very documents that the member got; None when it got none.

        Args:
            language: `fr`, `de` or `en`.
        """
        with self._database.read() as connection:
            issue = self.issue(connection, member, number)
            if issue is None:
                return None
            said = _posted(connection, member, issue, extcpt.CODE)
            detail = _posted(connection, member, issue, calcul.CODE)
        if said is None or detail is None:
            return None
        told = extcpt.read(parse(said)).statement
        calculation = calcul.read(parse(detail)).calculation
        return statement_page(told, calculation, said, language, self._clock(), test=self._test)

    def signed(self, member: MemberId, number: str) -> bytes | None:
        """The signed statement that the member got, as XML; None when it got none."""
        with self._database.read() as connection:
            issue = self.issue(connection, member, number)
            return None if issue is None else _posted(connection, member, issue, extcpt.CODE)

    def comparison(self, member: MemberId, employer: str, period: Period) -> Comparison | None:
        """An employer's own computation of a month beside what is charged; None without either."""
        with self._database.read() as connection:
            if employer not in self.allowed(connection, member):
                return None
            registers = bind(connection, SqlWages(connection), SqlActivities(connection))
            billed = registers.charges.of_month(employer, period)
            if not billed:
                return None
            last = connection.execute(
                sa.select(statement)
                .where(statement.c.employer == employer, statement.c.period >= str(period))
                .order_by(statement.c.period.desc())
            ).first()
            policy = Policy() if last is None else Policy.parse(last.policy)
            earlier = registers.charges.reversed_of(employer, period)
            return differences(registers, employer, period, billed, earlier=earlier, policy=policy)

    def allowed(self, connection: sa.Connection, member: MemberId) -> frozenset[str]:
        """The employers whose invoices a member may see now."""
        held = SqlMandates(connection).held_by(member)
        return frozenset(rights(held, INVOICES, Received(self._clock())).mandates)

    def issue(self, connection: sa.Connection, member: MemberId, number: str) -> Issue | None:
        """A statement by its number, if the member may see it now."""
        # The mandates are asked in any case, so that no number is told from another by time (P7).
        allowed = self.allowed(connection, member)
        issue = issue_of(connection, number)
        return issue if issue is not None and issue.employer in allowed else None


def _posted(connection: sa.Connection, member: MemberId, issue: Issue, kind: str) -> bytes | None:
    """The document of a kind that a member got with a statement, as XML.

    Statements of one moment are posted in the order of their numbers, so that of thousands few are opened.
    """
    query = sa.select(answer.c.id).where(
        answer.c.recipient == str(member),
        answer.c.kind == kind,
        answer.c.posted == str(issue.issued),
    )
    found = connection.execute(query.order_by(answer.c.number)).scalars().all()
    first, last = 0, len(found)
    while first < last:
        middle = (first + last) // 2
        content = _content(connection, found[middle])
        if content.startswith(MAGIC):
            return None
        number = _number(content)
        if number == issue.text:
            return content
        first, last = (middle + 1, last) if number < issue.text else (first, middle)
    return None


def _content(connection: sa.Connection, identifier: str) -> bytes:
    kept = connection.execute(sa.select(answer.c.content).where(answer.c.id == identifier)).scalar_one()
    return read_document(connection, kept, answer_place(identifier))


def _number(content: bytes) -> str:
    """The number of the statement that a document is about."""
    return parse(content).findtext("{*}Statement") or ""


def months_of(versions: Iterable[Version]) -> Iterable[StatedMonth]:
    """What charges and reversals come to, month by month."""
    by_month: defaultdict[Period, dict[Branch, list[int]]] = defaultdict(dict)
    for version in versions:
        sign = -1 if version.reversal else 1
        for line in version.charge.lines:
            sums = by_month[version.charge.key.period].setdefault(line.branch, [0, 0, 0])
            for place, amount in enumerate((line.base, line.employee, line.employer)):
                sums[place] += sign * amount
    for period, branches in sorted(by_month.items()):
        yield StatedMonth(
            period, tuple(BranchSum(branch, *branches[branch]) for branch in Branch if branch in branches)
        )


def stated_of(row: sa.Row[tuple[object, ...]]) -> Stated:
    """A statement from a row of its table."""
    period = Period.parse(row.period)
    return Stated(
        cursor=row.number,
        number=printed_number(period, row.number),
        employer=row.employer,
        period=period,
        issued=Received.parse(row.issued),
        due=date.fromisoformat(row.due),
        previous_balance=row.previous_balance,
        booked=row.booked,
        contributions=row.contributions,
        corrected=row.corrected,
        refunded=row.refunded,
        balance=row.balance,
        payable=row.payable,
        policy=row.policy,
        parameters=row.parameters,
    )
