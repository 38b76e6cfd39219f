"""The documents of statements, sealed and put on the shelves of those who may have them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa

from adapters.answering import give
from adapters.database import tables
from adapters.database.answers import Shelves, posting
from adapters.database.journal import Event
from adapters.database.members import agreement_of
from adapters.database.registers.mandates import SqlMandates
from adapters.sealing import RollingSigner
from gateway import names, wire
from gateway.agreement import Spelling
from gateway.batch import MemberId
from gateway.billing.settlement import Occasion
from gateway.billing.statement import Invoice
from gateway.moments import Received
from gateway.names import Extension, FileName
from gateway.registers import Mandate
from gateway.returns import calcul, extcpt
from gateway.seal import Seal
from outbox.post import Answer, post

agreement = tables.table(tables.Agreement)


class Posting:
    """The documents of many statements, which are put on the shelves together.

    Args:
        employers: whose statements they are.
        now: moment of issue.
    """

    def __init__(
        self, connection: sa.Connection, seal: Seal, employers: Collection[str], now: Received
    ) -> None:
        self._connection = connection
        # Looking whether the key was exchanged costs two system calls: once is enough for one moment.
        self._seal = _steady(seal, now)
        self._now = now
        self._mandates = SqlMandates(connection).for_employers(employers)
        everybody = {member for employer in employers for member in self.recipients(employer)}
        self._otherwise = _otherwise(connection, everybody, now)
        shelves = Shelves(connection)
        self._names = {kind: dict(shelves.latest(kind, everybody)) for kind in (calcul.CODE, extcpt.CODE)}
        self._stamp = names.stamp(now.at)
        self._answers: list[tuple[Answer, bytes]] = []

    def recipients(self, employer: str) -> Sequence[MemberId]:
        """The members with the right to an employer's invoices, each once."""
        return _with_right(self._mandates.get(employer, ()), self._now)

    def add(self, occasion: Occasion, due: Invoice) -> Sequence[Event]:
        """Seal a statement and its detail for all its recipients; what the journal tells of it."""
        found = []
        for member in self.recipients(occasion.employer):
            header = self._seal.header(member, self._now.at)
            detail = calcul.canonical(calcul.CalculationReturn(header, due.calculation))
            said = extcpt.canonical(extcpt.StatementReturn(header, due.statement))
            for kind, document in ((calcul.CODE, detail), (extcpt.CODE, said)):
                if member in self._otherwise:
                    give(self._connection, self._seal, member, wire.tree(document), self._now.at)
                else:
                    found.append(posting(self._post(kind, member, document)))
        return found

    def finish(self) -> None:
        """Put all of them on the shelves, in the order in which they were added."""
        Shelves(self._connection).put_all(self._answers)

    def _post(self, kind: str, member: MemberId, document: bytes) -> Answer:
        name = self._name(kind, member)
        content = self._seal.sign_canonical(document, self._now.at)
        return post(
            self, recipient=str(member), kind=kind, name=str(name), content=content, posted=self._now.at
        )

    def put(self, answer: Answer, content: bytes) -> None:
        """Keep one until all are there, as a shelf for `post`."""
        self._answers.append((answer, content))

    def _name(self, kind: str, member: MemberId) -> FileName:
        """A name that this member has never had: stamps of one kind only grow."""
        had, key = self._names[kind], str(member)
        latest = had.get(key)
        if latest is None or latest.stamp < self._stamp:
            name = names.write(kind, member, self._now.at)
        else:
            name = names.next_stamp(latest)
            if name.extension is not Extension.XML:
                name = replace(name, extension=Extension.XML)
        had[key] = name
        return name


def _steady(seal: Seal, now: Received) -> Seal:
    """A seal with the key that counts at a moment."""
    signer = seal.signer
    return replace(seal, signer=signer.at(now.at)) if isinstance(signer, RollingSigner) else seal


def recipients(connection: sa.Connection, employer: str, now: Received) -> Sequence[MemberId]:
    """The members with the right to an employer's invoices, each once."""
    return _with_right(SqlMandates(connection).for_employer(employer), now)


def _with_right(mandates: Sequence[Mandate], now: Received) -> Sequence[MemberId]:
    return sorted({mandate.member for mandate in mandates if mandate.covers(calcul.CODE, now)})


def _otherwise(
    connection: sa.Connection, members: Collection[MemberId], now: Received
) -> Collection[MemberId]:
    """Those of some members who get answers in another form than XML."""
    query = sa.select(agreement.c.member).where(agreement.c.answers != Spelling.XML.value).distinct()
    ever = set(connection.execute(query).scalars())
    found = ((one, agreement_of(connection, one, now)) for one in members if str(one) in ever)
    return {one for one, agreed in found if agreed is not None and agreed.answers is not Spelling.XML}
