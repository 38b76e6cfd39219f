"""The whole life of a deposit: every entry about it, every answer, every decision, who looked at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography import x509

from adapters.console.finding import COLUMNS
from adapters.database import deposits, tables
from adapters.database.deposits import Kept
from adapters.database.documents import answer_place, read_document, receipt_place
from adapters.database.members import fingerprint
from gateway.batch import Anomaly
from gateway.moments import Received
from gateway.rejections import Rejection, known_or_gone
from gateway.returns import acktrt
from outbox.states import State as AnswerState
from signing.parse import parse

act = tables.table(tables.StaffAct)
answer = tables.table(tables.Answer)
certificate_evidence = tables.table(tables.CertificateEvidence)
count = tables.table(tables.AnomalyCount)
decision = tables.table(tables.Decision)
deposit = deposits.deposit
deposit_evidence = tables.table(tables.DepositEvidence)
journal = tables.table(tables.Journal)
member = tables.table(tables.Member)
release = tables.table(tables.Release)

MOST_ENTRIES = 500
"""Entries of the journal that are shown; a deposit has about ten."""

_END = "\uffff"


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the journal about a deposit or one of its answers.

    Attributes:
        sequence: its place in the journal.
        event: as the journal calls it, such as `received https`.
        actor: who of the staff did it; empty when nobody of them.
        answer: name of the answer it is about; None when it is about the deposit itself.
    """

    sequence: int
    at: Received
    event: str
    actor: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer to a deposit; to others than its sender as well."""

    id: str
    recipient: str
    kind: str
    name: str
    posted: Received
    size: int
    digest: str
    collected: Received | None
    acknowledged: Received | None
    put_away: bool

    @property
    def state(self) -> AnswerState:
        """How far it has come."""
        if self.acknowledged is not None:
            return AnswerState.ACKNOWLEDGED
        return AnswerState.AVAILABLE if self.collected is None else AnswerState.FETCHED


@dataclass(frozen=True, slots=True)
class Decided:
    """Whether the sender might act for an employer."""

    employer: str
    procedure: str
    records: int
    mandate: int | None
    allowed: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records were given a code; none for a code about the file."""

    code: Rejection
    records: int


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose certificate was believed, as it says itself."""

    subject: str
    issuer: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Looked:
    """That somebody of the staff saw or did something with a deposit."""

    number: int
    at: Received
    person: str
    kind: str
    command: str
    reason: str


@dataclass(frozen=True, slots=True)
class Life:
    """All that the register tells of a deposit without opening any of its documents.

    Attributes:
        kept: how it stands.
        member: what its sender is called.
        procedure, software: as its batch says.
        group: the workflow that is treating it; None when none is.
        not_before: when it is tried again.
        asked, released: when a second person of the sender was asked for, and what that one said.
    """

    kept: Kept
    member: str
    procedure: str | None
    software: str | None
    group: str | None
    not_before: Received | None
    asked: Received | None
    released: bool | None
    signer: Signer | None
    steps: tuple[Step, ...]
    answers: tuple[Posted, ...]
    decisions: tuple[Decided, ...]
    codes: tuple[Counted, ...]
    looked: tuple[Looked, ...]

    @property
    def treated(self) -> Posted | None:
        """Its acknowledgement of treatment, if it has one."""
        return next((one for one in self.answers if one.kind == acktrt.CODE), None)


def life(connection: sa.Connection, identifier: str) -> Life | None:
    """The life of a deposit; None when there is none of that id."""
    columns: tuple[sa.ColumnElement[Any], ...] = (*COLUMNS, release.c.asked, release.c.released)
    query = (
        sa.select(*columns)
        .join(member, member.c.id == deposit.c.sender)
        .outerjoin(release, release.c.deposit == deposit.c.number)
        .where(deposit.c.id == identifier)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    answers = tuple(_answers(connection, identifier))
    return Life(
        kept=deposits.kept(row),
        member=row.called,
        procedure=row.procedure,
        software=row.software,
        group=row.group,
        not_before=_moment(row.not_before),
        asked=_moment(row.asked),
        released=row.released,
        signer=_signer(connection, row.number),
        steps=tuple(_steps(connection, identifier, answers)),
        answers=answers,
        decisions=tuple(_decisions(connection, row.number)),
        codes=tuple(_codes(connection, row.number)),
        looked=tuple(_looked(connection, identifier)),
    )


def _moment(text: str | None) -> Received | None:
    return None if text is None else Received.parse(text)


def _answers(connection: sa.Connection, identifier: str) -> Iterator[Posted]:
    columns = (column for column in answer.columns if column.name != "content")
    query = sa.select(*columns).where(answer.c.deposit == identifier).order_by(answer.c.number)
    return (posted(row) for row in connection.execute(query))


def posted(row: sa.Row[Any]) -> Posted:
    """An answer from a row of its table."""
    return Posted(
        row.id,
        row.recipient,
        row.kind,
        row.name,
        Received.parse(row.posted),
        row.size,
        row.digest,
        _moment(row.collected),
        _moment(row.acknowledged),
        row.put_away,
    )


def _steps(connection: sa.Connection, identifier: str, answers: Sequence[Posted]) -> Iterator[Step]:
    """What the journal tells of a deposit and its answers, in its order."""
    named = {one.id: one.name for one in answers}
    # A subject is an id, or one and what follows it behind a blank. Each is asked for by itself: with all of
    # them in one condition the journal would be read from end to end.
    columns = (journal.c.sequence, journal.c.at, journal.c.event, journal.c.subject, journal.c.actor)
    asked = (
        sa.select(*columns).where(journal.c.subject >= one, journal.c.subject < one + _END)
        for one in (identifier, *named)
    )
    query = sa.union_all(*asked).order_by("sequence").limit(MOST_ENTRIES)
    for row in connection.execute(query):
        about = named.get(row.subject.partition(" ")[0])
        yield Step(row.sequence, Received.parse(row.at), row.event, row.actor, about)


def _decisions(connection: sa.Connection, number: int) -> Iterator[Decided]:
    query = sa.select(decision).where(decision.c.deposit == number).order_by(decision.c.id)
    for row in connection.execute(query):
        yield Decided(row.employer, row.procedure, row.records, row.mandate, row.allowed)


def _codes(connection: sa.Connection, number: int) -> Iterator[Counted]:
    query = sa.select(count).where(count.c.deposit == number).order_by(count.c.records.desc(), count.c.code)
    for row in connection.execute(query):
        yield Counted(known_or_gone(row.code), row.records)


def _signer(connection: sa.Connection, number: int) -> Signer | None:
    """Whose certificate a deposit was believed on; None when it was refused before, or waits."""
    query = (
        sa.select(certificate_evidence.c.der)
        .join(deposit_evidence, deposit_evidence.c.digest == certificate_evidence.c.digest)
        .where(deposit_evidence.c.deposit == number, deposit_evidence.c.kind == "certificate")
        .order_by(deposit_evidence.c.place)
        .limit(1)
    )
    der = connection.execute(query).scalar()
    if der is None:
        return None
    found = x509.load_der_x509_certificate(der)
    return Signer(found.subject.rfc4514_string(), found.issuer.rfc4514_string(), fingerprint(found))


def _looked(connection: sa.Connection, identifier: str) -> Iterator[Looked]:
    query = (
        sa.select(act)
        .where(act.c.arguments.contains(identifier, autoescape=True))
        .order_by(act.c.number.desc())
        .limit(MOST_ENTRIES)
    )
    for row in connection.execute(query):
        yield Looked(row.number, Received.parse(row.at), row.person, row.kind, row.command, row.reason)


@dataclass(frozen=True, slots=True)
class Told:
    """What an acknowledgement says of one record, or of the file.

    Attributes:
        anomaly: code, place and value.
        code: its texts.
    """

    anomaly: Anomaly
    code: Rejection


def told(connection: sa.Connection, identifier: str) -> Sequence[Told] | None:
    """All that the acknowledgement of a deposit says of its records; None while there is none.

    Raises:
        Erased: its key was destroyed.
    """
    query = (
        sa.select(answer.c.id, answer.c.content)
        .where(answer.c.deposit == identifier, answer.c.kind == acktrt.CODE)
        .order_by(answer.c.number)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    content = read_document(connection, row.content, answer_place(row.id))
    found = acktrt.read(parse(content))
    return [Told(one, known_or_gone(one.code)) for one in found.anomalies]


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes that lie at the gateway, with what the journal needs to tell that somebody read them.

    Attributes:
        name: for the file.
        member: whose they are.
        subject: id of the deposit or answer.
    """

    name: str
    content: bytes
    member: str
    subject: str


def receipt(connection: sa.Connection, identifier: str) -> Document | None:
    """The receipt that was given for a deposit.

    Raises:
        Erased: its key was destroyed.
    """
    query = sa.select(deposit.c.sender, deposit.c.receipt).where(deposit.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        return None
    content = read_document(connection, row.receipt, receipt_place(identifier))
    return Document(f"receipt-{identifier}.xml", content, row.sender, identifier)


def answer_document(connection: sa.Connection, identifier: str) -> Document | None:
    """An answer as it was posted.

    Raises:
        Erased: its key was destroyed.
    """
    query = sa.select(answer.c.recipient, answer.c.name, answer.c.content).where(answer.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        return None
    content = read_document(connection, row.content, answer_place(identifier))
    return Document(row.name, content, row.recipient, identifier)
