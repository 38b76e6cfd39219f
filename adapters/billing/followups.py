"""What follows statements: pages for people, and own computations compared with what is charged.

Both are made from what was posted, after the statements themselves, so that a run does not keep the database
to itself while pages are set. How far each has come is kept (the table `bookmark`), in the transaction of
what is posted: cut off, it goes on where it stopped; repeated, it posts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from adapters.answering import give, give_statement
from adapters.billing.documents import recipients
from adapters.database import Database, dialects, tables
from adapters.database.documents import answer_place, read_document
from adapters.database.members import agreement_of
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages
from adapters.faults import place_of
from adapters.invoices import ubl
from adapters.pdf.statement import statement_page
from gateway.agreement import Agreement, Pages
from gateway.batch import MemberId
from gateway.billing.differences import Comparison
from gateway.billing.own import differences
from gateway.billing.statement import printed_number
from gateway.contributions import Policy
from gateway.moments import Clock, Period, Received
from gateway.returns import calcul, difcal, extcpt
from gateway.seal import Seal
from signing.parse import parse

log = structlog.get_logger()

answer = tables.table(tables.Answer)
bookmark = tables.table(tables.Bookmark)
statement = tables.table(tables.Statement)

PAGES = "statement-pages"
COMPARISONS = "statement-comparisons"


class Followups:
    """Posts what follows the statements issued so far."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock

    def pages(self) -> Iterator[str]:
        """Put the pages of every statement posted since the last time on the shelf beside it; their names."""
        for number in self._after(PAGES, answer.c.number, answer.c.kind == extcpt.CODE):
            try:
                name = self._page(number, Received(self._clock()))
            except Exception as error:
                self._put_off(PAGES, number, error)
                continue
            if name is not None:
                yield name

    def comparisons(self) -> Iterator[str]:
        """Compare statements issued since the last time with the employers' own computations; file names."""
        for number in self._after(COMPARISONS, statement.c.number, sa.true()):
            try:
                now = Received(self._clock())
                with self._database.read() as connection:
                    compared = _compared(connection, number)
                with self._database.write() as connection:
                    names = [] if compared is None else list(self._tell(connection, compared, now))
                    _mark(connection, COMPARISONS, number)
            except Exception as error:
                self._put_off(COMPARISONS, number, error)
                continue
            yield from names

    def _put_off(self, name: str, number: int, error: Exception) -> None:
        """Our failure with one of them stops no other: it is tried again the next time."""
        log.error("followup.failed", what=name, number=number, reason=place_of(error))
        with self._database.write() as connection:
            _mark(connection, name, number)
            connection.execute(
                dialects.of(connection)
                .insert(bookmark)
                .values(name=f"{name} {number}", row=number)
                .on_conflict_do_nothing()
            )

    def _after(self, name: str, column: sa.Column[int], wanted: sa.ColumnElement[bool]) -> Sequence[int]:
        """The numbers put off, and those that are new."""
        with self._database.read() as connection:
            late = sa.select(bookmark.c.row).where(bookmark.c.name.startswith(f"{name} "))
            put_off = list(connection.execute(late.order_by(bookmark.c.row)).scalars())
            row = connection.execute(sa.select(bookmark.c.row).where(bookmark.c.name == name)).scalar() or 0
            query = sa.select(column).where(column > row, wanted).order_by(column)
            return [*put_off, *connection.execute(query).scalars()]

    def _page(self, number: int, now: Received) -> str | None:
        """Set the pages of one statement for one member, and post them; their name."""
        with self._database.read() as connection:
            copy = _copy(connection, number, now)
        if copy is None:
            with self._database.write() as connection:
                _mark(connection, PAGES, number)
            return None
        page, due = copy.pages(now, test=self._seal.environment == "test")
        with self._database.write() as connection:
            _mark(connection, PAGES, number)
            return give_statement(connection, self._seal, copy.member, page=page, invoice=due, at=now.at).name

    def _tell(self, connection: sa.Connection, compared: Comparison, now: Received) -> Iterator[str]:
        for member in recipients(connection, compared.employer, now):
            document = difcal.Differences(self._seal.header(member, now.at), compared)
            yield give(connection, self._seal, member, difcal.write(document), now.at).name


def _compared(connection: sa.Connection, number: int) -> Comparison | None:
    """What a statement charges beside the employer's own computation; None without one. Finding reasons takes
    a second at the most, in which others may write."""
    row = connection.execute(sa.select(statement).where(statement.c.number == number)).one()
    period = Period.parse(row.period)
    registers = bind(connection, SqlWages(connection), SqlActivities(connection))
    if not registers.own.of_month(row.employer, period):
        return None
    return differences(
        registers,
        row.employer,
        period,
        registers.charges.of_month(row.employer, period),
        statement=printed_number(period, number),
        earlier=registers.charges.reversed_of(row.employer, period),
        policy=Policy.parse(row.policy),
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    """A statement as one member got it.

    Attributes:
        statement, detail: the signed documents.
        language: of its pages.
    """

    member: MemberId
    statement: bytes
    detail: bytes
    language: str

    def pages(self, at: Received, *, test: bool) -> tuple[bytes, bytes]:
        """The statement as PDF and in UBL, from the very documents that the member got."""
        said = extcpt.read(parse(self.statement)).statement
        calculation = calcul.read(parse(self.detail)).calculation
        if calculation.statement != said.number:
            raise ValueError(f"no detail was posted with statement {said.number}")
        page = statement_page(said, calculation, self.statement, self.language, at.at, test=test)
        return page, ubl(said, self.language)


def _copy(connection: sa.Connection, number: int, now: Received) -> _Copy | None:
    """The copy of a statement that is an answer; None when its member wants no pages."""
    row = connection.execute(sa.select(answer).where(answer.c.number == number)).one()
    member = MemberId(row.recipient[:13], row.recipient[13:])
    agreed = agreement_of(connection, member, now) or Agreement(frozenset())
    if agreed.pages is Pages.NONE:
        return None
    before = sa.and_(answer.c.recipient == row.recipient, answer.c.number < number)
    detail = connection.execute(
        sa.select(answer.c.id, answer.c.content)
        .where(before, answer.c.kind == calcul.CODE)
        .order_by(answer.c.number.desc())
        .limit(1)
    ).one()
    said, calculated = (read_document(connection, one.content, answer_place(one.id)) for one in (row, detail))
    return _Copy(member, said, calculated, agreed.pages.value)


def _mark(connection: sa.Connection, name: str, row: int) -> None:
    """One of them is done; those before it are, or were put off."""
    kept = connection.execute(sa.select(bookmark.c.row).where(bookmark.c.name == name)).scalar() or 0
    connection.execute(sa.delete(bookmark).where(bookmark.c.name.in_([name, f"{name} {row}"])))
    connection.execute(sa.insert(bookmark).values(name=name, row=max(row, kept)))
