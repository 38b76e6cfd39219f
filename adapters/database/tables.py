"""Our tables: one class a noun. Amounts are whole cents in 64-bit integers.

Moments are kept as text in UTC with microseconds (`2026-08-03T09:15:00.120000Z`), which sorts in
the order of time; days as ISO text; periods as `YYYY-MM`.
"""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

# What is in the partial indexes. Queries spell it out alike: with a bound value SQLite would not use them.
WAGE_STANDS = "state IN ('current', 'held')"
WAGE_HELD = "state = 'held'"
ABSENCE_STANDS = "state = 'current'"


def table(noun: type[SQLModel]) -> sa.Table:
    """The table of a noun, for statements below the ORM."""
    return SQLModel.metadata.tables[str(noun.__tablename__)]


class Member(SQLModel, table=True):
    """A SECUline member: who may come through the doors."""

    __tablename__: ClassVar[str] = "member"
    id: str = Field(primary_key=True, description="employer matricule and SECUline number, 19 digits")
    name: str
    kind: str = Field(description="employer, fiduciary or agency")
    registered: str


class Certificate(SQLModel, table=True):
    """A registered key of a member, for signatures and for the HTTPS door."""

    __tablename__: ClassVar[str] = "certificate"
    fingerprint: str = Field(primary_key=True, description="SHA-256 of the certificate, hexadecimal")
    member: str = Field(foreign_key="member.id", index=True)
    pem: str
    registered: str
    ended: str | None = Field(default=None, description="moment from which it counts no more")


class SshKey(SQLModel, table=True):
    """A registered key of a member, for the SFTP door."""

    __tablename__: ClassVar[str] = "ssh_key"
    fingerprint: str = Field(primary_key=True, description="SHA256:… as ssh-keygen prints it")
    member: str = Field(foreign_key="member.id", index=True)
    public_key: str
    registered: str
    ended: str | None = None


class Mandate(SQLModel, table=True):
    """The right of a member to act for an employer."""

    __tablename__: ClassVar[str] = "mandate"
    number: int | None = Field(default=None, primary_key=True)
    member: str = Field(foreign_key="member.id", index=True)
    employer: str = Field(index=True)
    procedures: str = Field(description="codes, separated by blanks")
    first: str
    last: str | None = None


class Employer(SQLModel, table=True):
    """An employer of the register."""

    __tablename__: ClassVar[str] = "employer"
    matricule: str = Field(primary_key=True)
    name: str
    household: bool = False


class EmployerYear(SQLModel, table=True):
    """What the MDE and the AAA set for an employer and a year."""

    __tablename__: ClassVar[str] = "employer_year"
    matricule: str = Field(primary_key=True, foreign_key="employer.matricule")
    year: int = Field(primary_key=True)
    mde_class: int
    accident_factor: int = Field(description="bonus-malus factor in hundredths")


class Person(SQLModel, table=True):
    """A natural person registered here."""

    __tablename__: ClassVar[str] = "person"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("person_identity", "surname", "first_name", "born", unique=True),
        sa.Index("person_born", "born"),
    )
    matricule: str = Field(primary_key=True)
    surname: str
    first_name: str
    born: str
    nationality: str
    house_number: str
    street: str
    postcode: str
    town: str
    country: str


class Company(SQLModel, table=True):
    """A user company abroad that was given a number here."""

    __tablename__: ClassVar[str] = "company"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index(
            "company_identity", "country", "postcode", "name", "town", "street", "house_number", unique=True
        ),
    )
    matricule: str = Field(primary_key=True)
    name: str
    house_number: str
    street: str
    postcode: str
    town: str
    country: str


class Affiliation(SQLModel, table=True):
    """One version of an affiliation; history stays."""

    __tablename__: ClassVar[str] = "affiliation"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("affiliation_pair", "employer", "insured"),
        sa.Index("affiliation_insured", "insured"),
        sa.Index(
            "affiliation_once",
            "employer",
            "insured",
            "entry",
            unique=True,
            sqlite_where=sa.text("state = 'current'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    entry: str
    exit: str | None = None
    contract: str
    scheme: str
    state: str = Field(default="current", description="current, replaced or cancelled")


class Wage(SQLModel, table=True):
    """One declared wage."""

    __tablename__: ClassVar[str] = "wage"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("wage_period", "period", "employer"),
        sa.Index("wage_held", "deposit", "record", sqlite_where=sa.text(WAGE_HELD)),
        sa.Index(
            "wage_once",
            "employer",
            "insured",
            "period",
            "first_day",
            "last_day",
            unique=True,
            sqlite_where=sa.text(WAGE_STANDS),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    period: str
    first_day: int
    last_day: int
    deposit: int = Field(foreign_key="deposit.number")
    record: int
    base_wage: int
    work_hours: int
    supplements: int
    overtime_pay: int
    overtime_hours: int
    gratuities: int
    unemployment_pay: int
    inactive_hours: int
    non_pensionable: int
    capped: bool
    reference: str | None = None
    state: str


class Absence(SQLModel, table=True):
    """One declared incapacity; history stays."""

    __tablename__: ClassVar[str] = "absence"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index(
            "absence_once",
            "employer",
            "insured",
            "period",
            "first_day",
            unique=True,
            sqlite_where=sa.text(ABSENCE_STANDS),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    period: str
    kind: str = Field(description="digit of the type of incapacity, as declared")
    first_day: str
    last_day: str
    hours: int
    deposit: int = Field(foreign_key="deposit.number")
    record: int
    state: str = Field(description="current or cancelled")


class Deposit(SQLModel, table=True):
    """A deposit and how far it has come."""

    __tablename__: ClassVar[str] = "deposit"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.UniqueConstraint("sender", "digest", name="deposit_once"),
        sa.Index("deposit_name", "sender", "name"),
        sa.Index("deposit_state", "state", "number"),
        {"sqlite_autoincrement": True},
    )
    number: int | None = Field(default=None, primary_key=True, description="in the order of receipt")
    id: str = Field(unique=True)
    sender: str
    name: str
    size: int
    digest: str
    received: str
    door: str
    receipt: bytes
    state: str
    changed: str = Field(description="moment of the last change of state")
    tries: int = 0
    not_before: str | None = Field(default=None, description="moment of the next try")
    group: str | None = Field(default=None, index=True, description="the group that is being treated")
    fault: str | None = Field(default=None, description="why it waits or is parked")
    evidence: str | None = Field(
        default=None, description="on what the signer's certificate was believed, JSON"
    )
    verdict: str | None = None
    records: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    held: int | None = None


class Journal(SQLModel, table=True):
    """The register of all entries and exits (RGD 12 May 1975, art. 20), append-only."""

    __tablename__: ClassVar[str] = "journal"
    sequence: int = Field(primary_key=True)
    at: str
    event: str
    subject: str
    member: str
    digest: str
    hash: str


class Answer(SQLModel, table=True):
    """A sealed answer on a member's shelf."""

    __tablename__: ClassVar[str] = "answer"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.UniqueConstraint("recipient", "name", name="answer_name_once"),
        sa.Index("answer_shelf", "recipient", "number"),
        {"sqlite_autoincrement": True},
    )
    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    recipient: str
    kind: str
    name: str
    posted: str
    digest: str
    size: int
    content: bytes
    deposit: str | None = Field(default=None, index=True)
    collected: str | None = None
    put_away: bool = False


class Statement(SQLModel, table=True):
    """An account statement issued to an employer."""

    __tablename__: ClassVar[str] = "statement"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.UniqueConstraint("employer", "period", name="statement_once"),
        {"sqlite_autoincrement": True},
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str
    period: str
    issued: str
    employee_total: int
    employer_total: int
    total: int


OURS: tuple[sa.Table, ...] = tuple(
    table(noun)
    for noun in (
        Member,
        Certificate,
        SshKey,
        Mandate,
        Employer,
        EmployerYear,
        Person,
        Company,
        Affiliation,
        Deposit,
        Wage,
        Absence,
        Journal,
        Answer,
        Statement,
    )
)
"""Our tables, in the order of their references; the durable engine keeps its own in the same file."""
