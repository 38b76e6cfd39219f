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
ACTIVITY_STANDS = "state IN ('current', 'held')"
ACTIVITY_HELD = "state = 'held'"
MISSION_STANDS = "state = 'current'"


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


class Agreement(SQLModel, table=True):
    """What a member and the operator agreed; a later row replaces an earlier one, which stays as history."""

    __tablename__: ClassVar[str] = "agreement"
    number: int | None = Field(default=None, primary_key=True)
    member: str = Field(foreign_key="member.id", index=True)
    procedures: str = Field(description="codes, separated by blanks")
    environment: str = Field(description="production or test")
    answers: str = Field(description="xml or dta")
    own_computation: bool
    agreed: str = Field(description="moment from which it counts")


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
    state: str = Field(
        sa_column_kwargs={"server_default": "granted"}, description="pending, granted or ended"
    )
    since: str | None = Field(default=None, description="moment from which it holds, beside its first day")
    ended: str | None = Field(default=None, description="moment from which it holds no more")


class MandateEvent(SQLModel, table=True):
    """How a mandate stood after it was entered or changed, and by whom."""

    __tablename__: ClassVar[str] = "mandate_event"
    id: int | None = Field(default=None, primary_key=True)
    mandate: int = Field(foreign_key="mandate.number", index=True)
    state: str
    last: str | None = None
    at: str
    member: str | None = Field(default=None, description="who did it; none for the operator")
    deposit: int | None = Field(default=None, foreign_key="deposit.number")


class Decision(SQLModel, table=True):
    """Whether the sender of a deposit may act for an employer it names, and by which mandate."""

    __tablename__: ClassVar[str] = "decision"
    id: str = Field(primary_key=True, description="number of the deposit and place among its decisions")
    deposit: int = Field(foreign_key="deposit.number", index=True)
    employer: str
    procedure: str
    mandate: int | None = Field(default=None, foreign_key="mandate.number")
    allowed: bool
    at: str


class Employer(SQLModel, table=True):
    """An employer of the register. What its registration said beside its name is kept as it was said."""

    __tablename__: ClassVar[str] = "employer"
    matricule: str = Field(primary_key=True)
    name: str
    household: bool = False
    legal_form: str | None = None
    house_number: str | None = None
    street: str | None = None
    postcode: str | None = None
    town: str | None = None
    country: str | None = None
    activity: str | None = Field(default=None, description="NACE code, four digits")
    started: str | None = Field(default=None, description="day of the first employment")


class EmployerName(SQLModel, table=True):
    """A change of an employer's name; history stays."""

    __tablename__: ClassVar[str] = "employer_name"
    id: int | None = Field(default=None, primary_key=True)
    matricule: str = Field(foreign_key="employer.matricule", index=True)
    before: str
    name: str
    first: str = Field(description="first day of the new name")
    deposit: int = Field(foreign_key="deposit.number")


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


class Renumbering(SQLModel, table=True):
    """A matricule that the national register has replaced."""

    __tablename__: ClassVar[str] = "renumbering"
    old: str = Field(primary_key=True)
    new: str = Field(index=True)
    effective: str = Field(description="day from which the new number counts")


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
            sa.text("coalesce(user, '')"),
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
    user: str | None = Field(default=None, description="user company of a mission")
    state: str = Field(default="current", description="current, replaced or cancelled")
    deposit: int | None = Field(
        default=None, foreign_key="deposit.number", description="that declared it so; none for the operator"
    )
    replaces: int | None = Field(default=None, description="id of the version in whose place it stands")


class Mission(SQLModel, table=True):
    """One version of a mission of a temporary worker; history stays."""

    __tablename__: ClassVar[str] = "mission"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index(
            "mission_once",
            "employer",
            "insured",
            "user",
            "entry",
            unique=True,
            sqlite_where=sa.text(MISSION_STANDS),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    user: str = Field(description="number of the user company")
    entry: str
    exit: str | None = None
    contract: str
    scheme: str
    occupation: str = Field(description="ISCO-08 code")
    posting: str | None = Field(default=None, description="country to which the worker is posted")
    deposit: int = Field(foreign_key="deposit.number")
    record: int
    state: str = Field(description="current, replaced or cancelled")


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


class ActivityAbroad(SQLModel, table=True):
    """One declared activity abroad; history stays."""

    __tablename__: ClassVar[str] = "activity_abroad"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("activity_held", "deposit", "record", sqlite_where=sa.text(ACTIVITY_HELD)),
        sa.Index(
            "activity_once",
            "employer",
            "insured",
            "procedure",
            "first_day",
            unique=True,
            sqlite_where=sa.text(ACTIVITY_STANDS),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    procedure: str
    first_day: str
    last_day: str
    deposit: int = Field(foreign_key="deposit.number")
    record: int
    fields: str = Field(description="the record as it was declared, by element name: JSON")
    state: str = Field(description="current, held, replaced, cancelled or expired")


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
    procedure: str | None = Field(default=None, description="of its batch, or as its name says")
    software: str | None = Field(default=None, description="which made it, as its batch says")


class AnomalyCount(SQLModel, table=True):
    """How many records of a deposit were given a code; 0 for a code about the file as a whole."""

    __tablename__: ClassVar[str] = "anomaly_count"
    deposit: int = Field(primary_key=True, foreign_key="deposit.number")
    code: str = Field(primary_key=True, description="key of the table of rejections")
    records: int


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


class Notice(SQLModel, table=True):
    """That a member was told something without having asked, so that it is told once."""

    __tablename__: ClassVar[str] = "notice"
    __table_args__: ClassVar[tuple[sa.UniqueConstraint, ...]] = (
        sa.UniqueConstraint("kind", "employer", "occasion", "insured", "member", name="notice_once"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(description="code of its form, such as SALMAN")
    employer: str
    occasion: str = Field(description="what gave rise to it: a month, a year and stage, a deposit")
    insured: str = Field(default="", description="empty when it is about the whole staff")
    member: str = Field(foreign_key="member.id")
    posted: str


class Bookmark(SQLModel, table=True):
    """How far a register has been looked through for notices: the id of the last row."""

    __tablename__: ClassVar[str] = "bookmark"
    name: str = Field(primary_key=True, description="table of the register")
    row: int


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


class Outage(SQLModel, table=True):
    """A time during which senders were kept out, as the operator declared it."""

    __tablename__: ClassVar[str] = "outage"
    number: int | None = Field(default=None, primary_key=True)
    first: str = Field(description="moment of its beginning")
    until: str = Field(description="moment of its end")
    reason: str


class Circumstance(SQLModel, table=True):
    """What the operator knows that bears on a duty to declare."""

    __tablename__: ClassVar[str] = "circumstance"
    number: int | None = Field(default=None, primary_key=True)
    matter: str = Field(description="dispute, deactivated or health-fund")
    employer: str | None = Field(default=None, description="none: any")
    insured: str | None = Field(default=None, description="none: everybody")
    first: str
    last: str | None = Field(default=None, description="none: while it lasts")


OURS: tuple[sa.Table, ...] = tuple(
    table(noun)
    for noun in (
        Member,
        Agreement,
        Certificate,
        SshKey,
        Mandate,
        Employer,
        EmployerYear,
        EmployerName,
        Person,
        Renumbering,
        Company,
        Deposit,
        Affiliation,
        AnomalyCount,
        MandateEvent,
        Decision,
        Mission,
        Wage,
        Absence,
        ActivityAbroad,
        Journal,
        Answer,
        Notice,
        Bookmark,
        Statement,
        Outage,
        Circumstance,
    )
)
"""Our tables, in the order of their references; the durable engine keeps its own in the same file."""
