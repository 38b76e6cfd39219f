"""Our tables: one class a noun. Amounts are whole cents in 64-bit integers.

Moments are kept as text in UTC with microseconds (`2026-08-03T09:15:00.120000Z`), which sorts in
the order of time; days as ISO text; periods as `YYYY-MM`.
"""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import AutoString, Field, SQLModel

from gateway.parameters import Branch

# What is in the partial indexes. Queries spell it out alike: with a bound value SQLite would not use them.
DEPOSIT_COUNTS = "state <> 'rejected'"
"""Deposits whose bytes their sender cannot deposit again under any name (`gateway.states.REPEATS`)."""
WAGE_STANDS = "state IN ('current', 'held')"
WAGE_HELD = "state = 'held'"
ABSENCE_STANDS = "state = 'current'"
ACTIVITY_STANDS = "state IN ('current', 'held')"
ACTIVITY_HELD = "state = 'held'"
MISSION_STANDS = "state = 'current'"
OWN_STANDS = "state = 'current'"
RECALCULATION_DUE = "settled = false"
HOLD_STANDS = "settled IS NULL"
CHARGE_EXCEEDS = "excess > 0"
STILL_HOLDS = "ended IS NULL"
KEY_LIVES = "destroyed IS NULL"
PAYMENT_WAITS = "state IN ('unmatched', 'held')"
CONCERNS_NOBODY = "employer IS NULL"
ASSIGNS = "kind = 'assigned-payment'"
OWED_BY = "account = 'employer'"
REFUND_WAITS = "paid IS NULL"
ANSWER_UNREAD = "collected IS NULL"
RELEASE_WAITS = "released IS NULL"


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
    pages: str = Field(default="fr", description="language of pages: fr, de or en; none for no pages")
    release_above: int | None = Field(
        default=None, description="files of more records are released by a second person; none: no file"
    )
    triples: bool = Field(default=False, description="batch, signature and go come one by one over SFTP")
    agreed: str = Field(description="moment from which it counts")


class Certificate(SQLModel, table=True):
    """A registered key of a member, for signatures and for the HTTPS door."""

    __tablename__: ClassVar[str] = "certificate"
    fingerprint: str = Field(primary_key=True, description="SHA-256 of the certificate, hexadecimal")
    member: str = Field(foreign_key="member.id", index=True)
    public_key: str = Field(index=True, description="SHA-256 of its public key, hexadecimal")
    pem: str
    registered: str
    expires: str = Field(description="moment after which the certificate is not valid")
    ended: str | None = Field(default=None, description="moment from which it counts no more, however valid")


class SshKey(SQLModel, table=True):
    """A registered key of a member, for the SFTP door."""

    __tablename__: ClassVar[str] = "ssh_key"
    fingerprint: str = Field(primary_key=True, description="SHA256:… as ssh-keygen prints it")
    member: str = Field(foreign_key="member.id", index=True)
    public_key: str
    registered: str
    ended: str | None = None


class SoftwareClient(SQLModel, table=True):
    """A program, such as a payroll service, that fetches tokens and acts for one member."""

    __tablename__: ClassVar[str] = "software_client"
    id: str = Field(primary_key=True, description="ours, random")
    member: str = Field(foreign_key="member.id", index=True)
    name: str = Field(description="as the member calls it")
    key: str = Field(description="public key, PEM")
    scopes: str = Field(description="deposit, collect, bill; separated by blanks")
    registered: str
    ended: str | None = Field(default=None, description="moment from which it counts no more")


class ClientAssertion(SQLModel, table=True):
    """An assertion that was used up, until it expires."""

    __tablename__: ClassVar[str] = "client_assertion"
    id: str = Field(primary_key=True, description="client, and SHA-256 of the assertion's identifier")
    expires: str = Field(index=True)


class AccessToken(SQLModel, table=True):
    """A token that a software client got, until it expires."""

    __tablename__: ClassVar[str] = "access_token"
    digest: str = Field(primary_key=True, description="SHA-256 of the token, which we do not keep")
    client: str = Field(foreign_key="software_client.id", index=True)
    scopes: str = Field(description="separated by blanks")
    expires: str = Field(index=True)


class Webhook(SQLModel, table=True):
    """An address of a member that is told when an answer was posted. Holds no personal content."""

    __tablename__: ClassVar[str] = "webhook"
    id: str = Field(primary_key=True, description="ours, random")
    member: str = Field(foreign_key="member.id", index=True)
    url: str = Field(description="https, as the member gave it")
    registered: str
    confirmed: str | None = Field(default=None, description="since when it answers as it should")
    cursor: int = Field(description="number of the last answer it was told of")
    failing_since: str | None = Field(default=None, description="since when it does not take what it is told")
    failure: str | None = Field(default=None, description="why, in a sentence")
    tries: int = Field(default=0, description="in vain, since then")
    next_try: str = Field(description="not before")
    ended: str | None = Field(default=None, description="since when it is told nothing any more")


class PortalPerson(SQLModel, table=True):
    """Somebody who acts for a member at the portal. A row stays after its end: the journal names its id.

    Names persons of a member.
    """

    __tablename__: ClassVar[str] = "portal_person"
    id: str = Field(primary_key=True, description="random; of a member's certificate: its fingerprint")
    member: str = Field(foreign_key="member.id", index=True)
    name: str = Field(description="as the member calls them")
    roles: str = Field(description="sends, reads, releases, administers; separated by blanks")
    subject: str | None = Field(
        default=None, unique=True, description="issuer and subject at the identity provider, with a blank"
    )
    registered: str
    ended: str | None = Field(default=None, description="moment from which they may do nothing more")


class Passkey(SQLModel, table=True):
    """A passkey of a person at the portal (WebAuthn). The name of a device may tell of a person."""

    __tablename__: ClassVar[str] = "passkey"
    id: str = Field(primary_key=True, description="of the credential, base64url")
    person: str = Field(foreign_key="portal_person.id", index=True)
    public_key: bytes = Field(description="COSE")
    uses: int = Field(description="signature counter as last told")
    name: str = Field(description="as the person calls it")
    registered: str
    ended: str | None = None


class SignInLink(SQLModel, table=True):
    """A link that lets somebody in to the portal once. What is used up or late is deleted."""

    __tablename__: ClassVar[str] = "sign_in_link"
    digest: str = Field(primary_key=True, description="SHA-256 of its secret, which we do not keep")
    person: str = Field(foreign_key="portal_person.id")
    expires: str = Field(index=True)


class SignInChallenge(SQLModel, table=True):
    """What a browser that signs in has to come back with, once, within minutes. No personal content."""

    __tablename__: ClassVar[str] = "sign_in_challenge"
    digest: str = Field(primary_key=True, description="SHA-256 of the secret in the browser's cookie")
    content: str = Field(description="challenge of a passkey, or state, nonce and verifier of OpenID Connect")
    expires: str = Field(index=True)


class Visit(SQLModel, table=True):
    """Somebody who is signed in to the portal. Deleted when it is over; the journal keeps that it was.

    In the log of changes like all others, so that nobody lets himself in by writing a row.
    """

    __tablename__: ClassVar[str] = "visit"
    digest: str = Field(primary_key=True, description="SHA-256 of the secret in the cookie")
    person: str = Field(foreign_key="portal_person.id", index=True)
    way: str = Field(description="link, certificate, oidc or passkey")
    began: str
    seen: str = Field(index=True, description="last use, to some minutes")


class PortalKey(SQLModel, table=True):
    """A key with which a member has us sign what its people make at the portal (docs/decisions/0022)."""

    __tablename__: ClassVar[str] = "portal_key"
    certificate: str = Field(primary_key=True, foreign_key="certificate.fingerprint")
    member: str = Field(foreign_key="member.id", index=True)
    content: bytes = Field(description="private key, PKCS #8, sealed with a data key")
    person: str = Field(foreign_key="portal_person.id", description="who consented for the member")
    made: str
    ended: str | None = None


class PortalAct(SQLModel, table=True):
    """What somebody did for a member at the portal: only added to. No personal content but who it was."""

    __tablename__: ClassVar[str] = "portal_act"
    number: int | None = Field(default=None, primary_key=True)
    at: str
    person: str = Field(foreign_key="portal_person.id")
    member: str
    kind: str = Field(description="such as send, sign, release, consent")
    subject: str = Field(index=True, description="SHA-256 of the bytes that were sent, or our id of it")


class PortalDraft(SQLModel, table=True):
    """A version of what somebody prepares at the portal; the highest counts. Deleted when sent or later."""

    __tablename__: ClassVar[str] = "portal_draft"
    id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    member: str = Field(foreign_key="member.id", index=True)
    person: str = Field(foreign_key="portal_person.id", description="who made this version")
    procedure: str
    saved: str
    content: bytes = Field(description="records, JSON, sealed with a data key; personal")


class PortalFile(SQLModel, table=True):
    """A file that was checked at the portal; sent, its row stays for a day without its bytes, so that sending
    it once more leads to the same deposit."""

    __tablename__: ClassVar[str] = "portal_file"
    id: str = Field(primary_key=True)
    member: str = Field(foreign_key="member.id", index=True)
    person: str = Field(foreign_key="portal_person.id")
    name: str = Field(description="under which it would be sent")
    given: str = Field(description="as its sender called it; several names for a container made here")
    size: int
    digest: str = Field(description="SHA-256 of what would be sent, hexadecimal")
    source: str = Field(description="SHA-256 of what was given; other than `digest` when it is signed here")
    put: str
    content: bytes = Field(description="what would be sent, sealed with a data key; personal")
    findings: bytes = Field(description="what the check found, JSON, sealed; personal")
    deposit: str | None = Field(default=None, description="id of the deposit that it became")


class Staff(SQLModel, table=True):
    """Somebody of the operator's staff. A row stays after its end: acts are checked with its key."""

    __tablename__: ClassVar[str] = "staff"
    name: str = Field(primary_key=True, description="by which the journal calls them")
    roles: str = Field(description="separated by blanks")
    key: str = Field(unique=True, description="SHA256:… as ssh-keygen prints it")
    public_key: str = Field(description="OpenSSH, Ed25519")
    registered: str
    ended: str | None = None


class StaffAct(SQLModel, table=True):
    """A command that somebody of the staff gave, proposed, approved or declined, signed by them."""

    __tablename__: ClassVar[str] = "staff_act"
    number: int | None = Field(default=None, primary_key=True)
    at: str
    person: str = Field(foreign_key="staff.name")
    kind: str = Field(description="given, denied, proposed, approved or declined")
    command: str
    arguments: str = Field(description="JSON list, as they were typed; may name persons")
    files: str = Field(description="JSON list of name and SHA-256")
    reason: str
    answers: int | None = Field(default=None, foreign_key="staff_act.number", index=True)
    session: int | None = Field(
        default=None,
        foreign_key="staff_act.number",
        index=True,
        description="the act that names the key with which it is signed; none: the person's own",
    )
    gateway: str = Field(description="fingerprint of the seal at that time")
    signature: str = Field(description="Ed25519, hexadecimal")


class DataKey(SQLModel, table=True):
    """The key of a member's documents of one month, wrapped; destroyed, its row stays without it."""

    __tablename__: ClassVar[str] = "data_key"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("data_key_live", "member", "month", unique=True, sqlite_where=sa.text(KEY_LIVES)),
    )
    id: str = Field(primary_key=True)
    member: str = Field(foreign_key="member.id")
    month: str
    master: str = Field(description="name of the master key that wraps it")
    wrapped: bytes | None = Field(default=None, description="none: destroyed")
    made: str
    destroyed: str | None = Field(default=None, description="moment")


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
    employer: str = Field(index=True)
    procedure: str
    records: int = Field(description="how many records of the deposit it is about")
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
    """What the MDE and the AAA set for an employer and a year; the last row of a year counts."""

    __tablename__: ClassVar[str] = "employer_year"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("employer_year_of", "matricule", "year", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    matricule: str = Field(foreign_key="employer.matricule")
    year: int
    mde_class: int | None = Field(default=None, description="1 to 4; none: no member of the MDE")
    accident_factor: int = Field(description="bonus-malus factor in hundredths")
    public: bool = Field(default=False, description="of the public sector: owes family benefits")
    health_service: str = Field(default="stm", description="stm, sti or own")
    entered: str | None = Field(default=None, description="moment; none: with the employer itself")


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
            sa.text("coalesce(\"user\", '')"),
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
    trial: str | None = Field(default=None, description="last day of the trial period")
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


class OwnCalculation(SQLModel, table=True):
    """What an employer has computed itself for one insured and month; history stays."""

    __tablename__: ClassVar[str] = "own_calculation"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("own_stands", "employer", "period", "insured", sqlite_where=sa.text(OWN_STANDS)),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str
    period: str
    insured_as: str | None = Field(default=None, description="group; none: not stated")
    lines: str = Field(description="branch, base or null, employee, employer of each line, in cents: JSON")
    employee_total: int
    employer_total: int
    deposit: int = Field(foreign_key="deposit.number")
    record: int
    reference: str | None = None
    state: str = Field(description="current or superseded")


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
        sa.Index(
            "deposit_once",
            "sender",
            "digest",
            unique=True,
            sqlite_where=sa.text(DEPOSIT_COUNTS),
            postgresql_where=sa.text(DEPOSIT_COUNTS),
        ),
        sa.Index("deposit_name", "sender", "name"),
        sa.Index("deposit_state", "state", "number"),
        sa.Index("deposit_sender", "sender", "number"),
        sa.Index("deposit_named", "name"),
        sa.Index("deposit_received", "received"),
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
    receipt: bytes = Field(description="sealed with a data key: adapters.database.documents")
    state: str
    changed: str = Field(description="moment of the last change of state")
    tries: int = 0
    not_before: str | None = Field(default=None, description="moment of the next try")
    group: str | None = Field(default=None, index=True, description="the group that is being treated")
    fault: str | None = Field(default=None, description="why it waits or is parked")
    verdict: str | None = None
    records: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    held: int | None = None
    procedure: str | None = Field(default=None, description="of its batch, or as its name says")
    software: str | None = Field(default=None, description="which made it, as its batch says")


class Release(SQLModel, table=True):
    """A deposit that its sender releases by two persons, and what the second one said."""

    __tablename__: ClassVar[str] = "release"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("release_waits", "asked", sqlite_where=sa.text(RELEASE_WAITS)),
    )
    deposit: int = Field(primary_key=True, foreign_key="deposit.number")
    signer: str = Field(description="SHA-256 of the certificate that signed it")
    asked: str = Field(description="moment from which it waited")
    released: bool | None = Field(default=None, description="yes or no; none while it waits")
    answered: str | None = None
    answerer: str | None = Field(default=None, description="SHA-256 of a certificate; none: nobody in time")


class CertificateEvidence(SQLModel, table=True):
    """A certificate, revocation list or OCSP answer on which a signer was believed, once for all deposits.

    A member's certificate may name a person.
    """

    __tablename__: ClassVar[str] = "certificate_evidence"
    digest: str = Field(primary_key=True, description="SHA-256, hexadecimal")
    der: bytes


class DepositEvidence(SQLModel, table=True):
    """On what the signer of a deposit was believed. No personal content."""

    __tablename__: ClassVar[str] = "deposit_evidence"
    deposit: int = Field(primary_key=True, foreign_key="deposit.number")
    place: int = Field(primary_key=True, description="the path from the signer up, then lists, then answers")
    kind: str = Field(description="certificate, crl or ocsp; behind refused- where refused")
    digest: str = Field(foreign_key="certificate_evidence.digest", index=True)


class AnomalyCount(SQLModel, table=True):
    """How many records of a deposit were given a code; 0 for a code about the file as a whole."""

    __tablename__: ClassVar[str] = "anomaly_count"
    deposit: int = Field(primary_key=True, foreign_key="deposit.number")
    code: str = Field(primary_key=True, description="key of the table of rejections")
    records: int


class SpecialCase(SQLModel, table=True):
    """Who of the staff sees to what the machine cannot settle alone, and until when. Names no insured."""

    __tablename__: ClassVar[str] = "special_case"
    __table_args__: ClassVar[tuple[sa.UniqueConstraint, ...]] = (
        sa.UniqueConstraint("cause", "about", name="special_case_once"),
    )
    number: int | None = Field(default=None, primary_key=True)
    cause: str = Field(description="held, a code of the table of rejections, or one of billing")
    about: int = Field(description="number of a deposit, or id of a billing hold")
    owner: str = Field(foreign_key="staff.name")
    deadline: str = Field(description="last day")
    changed: str
    closed: str | None = Field(default=None, description="moment")


class Journal(SQLModel, table=True):
    """The register of all entries and exits (RGD 12 May 1975, art. 20), append-only."""

    __tablename__: ClassVar[str] = "journal"
    sequence: int = Field(primary_key=True)
    at: str
    event: str
    subject: str = Field(index=True)
    member: str
    digest: str
    actor: str = Field(description="who of the staff did it; empty when nobody of them")
    changes: str = Field(
        description="digest over the changes up to `change` since the entry before, or empty"
    )
    change: int = Field(description="id of the last change so far, 0 before the first")
    hash: str = Field(description="root of the Merkle tree of all entries up to this one, hexadecimal")


class JournalNode(SQLModel, table=True):
    """The hash of a full subtree of the journal, in the order in which they fill; append-only."""

    __tablename__: ClassVar[str] = "journal_node"
    place: int = Field(primary_key=True, description="from 0, without gaps; signing.journal.place")
    hash: bytes


class JournalHead(SQLModel, table=True):
    """A sealed statement of how far the journal went, and of its root (JOUHED)."""

    __tablename__: ClassVar[str] = "journal_head"
    sequence: int = Field(primary_key=True, description="size of the tree that it states")
    at: str
    content: bytes


class Answer(SQLModel, table=True):
    """A sealed answer on a member's shelf."""

    __tablename__: ClassVar[str] = "answer"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.UniqueConstraint("recipient", "name", name="answer_name_once"),
        sa.Index("answer_named", "name"),
        sa.Index("answer_shelf", "recipient", "number"),
        sa.Index("answer_unread", "posted", sqlite_where=sa.text(ANSWER_UNREAD)),
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
    content: bytes = Field(description="sealed with a data key; digest and size: of the plain bytes")
    deposit: str | None = Field(default=None, index=True)
    entry: int | None = Field(
        default=None, description="its place in the journal; none where many were posted at once"
    )
    collected: str | None = Field(default=None, description="when it was first given at a door")
    collected_entry: int | None = Field(default=None, description="place of that in the journal")
    acknowledged: str | None = Field(default=None, description="since when its recipient says that it has it")
    acknowledged_entry: int | None = Field(default=None, description="place of that in the journal")
    put_away: bool = False


class TimeStamp(SQLModel, table=True):
    """A token of the time-stamp authority: over the seal of an answer, or of a head of the journal."""

    __tablename__: ClassVar[str] = "time_stamp"
    id: int | None = Field(default=None, primary_key=True)
    answer: int | None = Field(default=None, unique=True, description="its number")
    head: int | None = Field(default=None, unique=True, description="how many entries the head is over")
    at: str = Field(description="as the token says")
    token: bytes = Field(description="RFC 3161, DER; holds no personal content")


class Notice(SQLModel, table=True):
    """That a member was told something without having asked, so that it is told once."""

    __tablename__: ClassVar[str] = "notice"
    __table_args__: ClassVar[tuple[sa.UniqueConstraint, ...]] = (
        sa.UniqueConstraint("kind", "employer", "occasion", "insured", "member", name="notice_once"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(description="code of its form, such as SALMAN")
    employer: str = Field(description="empty when it is about none")
    occasion: str = Field(description="what gave rise to it: a month, a year and stage, a deposit, an outage")
    insured: str = Field(default="", description="empty when it is about the whole staff")
    member: str = Field(foreign_key="member.id")
    posted: str


class Bookmark(SQLModel, table=True):
    """How far a register has been looked through for notices: the id of the last row."""

    __tablename__: ClassVar[str] = "bookmark"
    name: str = Field(primary_key=True, description="table of the register")
    row: int


class Statement(SQLModel, table=True):
    """An account statement issued to an employer. Amounts in cents, positive when the employer owes them."""

    __tablename__: ClassVar[str] = "statement"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.UniqueConstraint("employer", "period", name="statement_once"),
        sa.Index("statement_period", "period"),
        {"sqlite_autoincrement": True},
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str
    period: str
    issued: str = Field(description="moment; the law counts as known on its day")
    due: str
    previous_balance: int
    booked: int
    contributions: int
    corrected: int
    refunded: int
    balance: int
    payable: int = Field(description="by the last day to pay: the balance, or what a plan asks for of it")
    entries: int = Field(description="number of the last entry of the ledger that it shows")
    policy: str
    parameters: str = Field(description="version of the law's files")


class Recalculation(SQLModel, table=True):
    """That a month which was charged has to be looked at again, as what it came from has changed."""

    __tablename__: ClassVar[str] = "recalculation"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("recalculation_due", "employer", sqlite_where=sa.text(RECALCULATION_DUE)),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str = Field(description="empty: all insured of the employer")
    period: str = Field(description="first month concerned, and all after it")
    settled: bool = Field(default=False, sa_column_kwargs={"server_default": sa.text("false")})
    statement: int | None = Field(
        default=None, foreign_key="statement.number", description="that shows what came of it, if anything"
    )


class LawUsed(SQLModel, table=True):
    """By which values a month was last charged, so that a change of its law later on is noticed."""

    __tablename__: ClassVar[str] = "law_used"
    period: str = Field(primary_key=True)
    fingerprint: str = Field(description="of the values in force in that month")


class BillingHold(SQLModel, table=True):
    """What could not be charged, by name; settled once a later run finds it no more."""

    __tablename__: ClassVar[str] = "billing_hold"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index(
            "billing_hold_once",
            "employer",
            "insured",
            "period",
            "code",
            unique=True,
            sqlite_where=sa.text(HOLD_STANDS),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employer: str
    insured: str = Field(description="empty: all of the employer's")
    period: str
    code: str
    detail: str
    since: str
    settled: str | None = Field(default=None, description="moment")


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


class BankFile(SQLModel, table=True):
    """A statement or notification of the bank that was taken in, once."""

    __tablename__: ClassVar[str] = "bank_file"
    number: int | None = Field(default=None, primary_key=True)
    digest: str = Field(unique=True, description="SHA-256 of its bytes, hexadecimal")
    identifier: str = Field(description="that the bank gave each report in it, a line each")
    message: str = Field(description="such as camt.053.001.08")
    taken: str = Field(description="moment")


class DirectDebit(SQLModel, table=True):
    """A mandate for SEPA direct debits from an employer's account; history stays."""

    __tablename__: ClassVar[str] = "direct_debit"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("direct_debit_one", "employer", unique=True, sqlite_where=sa.text(STILL_HOLDS)),
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str = Field(foreign_key="employer.matricule")
    iban: str
    bic: str | None = None
    name: str = Field(description="of the holder of the account")
    mandate: str = Field(unique=True, description="id of the mandate, at most 35 characters")
    signed: str
    entered: str
    ended: str | None = Field(default=None, description="moment from which it holds no more")


class PayoutAccount(SQLModel, table=True):
    """The account to which credits of an employer are paid out; history stays."""

    __tablename__: ClassVar[str] = "payout_account"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("payout_account_one", "employer", unique=True, sqlite_where=sa.text(STILL_HOLDS)),
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str = Field(foreign_key="employer.matricule")
    iban: str
    name: str = Field(description="of the holder of the account")
    entered: str
    ended: str | None = None


class OrderFile(SQLModel, table=True):
    """A file of payment orders that was written for the bank."""

    __tablename__: ClassVar[str] = "order_file"
    number: int | None = Field(default=None, primary_key=True)
    message: str = Field(unique=True, description="id of the message")
    kind: str = Field(description="collection or refund")
    made: str
    digest: str = Field(description="SHA-256 of its bytes, hexadecimal")


class BankOrder(SQLModel, table=True):
    """A payment that was ordered from the bank, and what the bank said of it."""

    __tablename__: ClassVar[str] = "bank_order"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("bank_order_statement", "statement", unique=True),
        sa.Index("bank_order_request", "request", unique=True),
    )
    number: int | None = Field(default=None, primary_key=True)
    file: int = Field(foreign_key="order_file.number")
    batch: str = Field(index=True, description="id of the batch in the file")
    end_to_end: str = Field(unique=True)
    employer: str = Field(index=True)
    amount: int = Field(description="cents, positive for money in")
    iban: str = Field(description="account of the employer")
    day: str = Field(description="on which it is to be carried out")
    debit: int | None = Field(
        default=None, foreign_key="direct_debit.number", index=True, description="mandate of a collection"
    )
    sequence: str | None = Field(default=None, description="FRST or RCUR, of a collection")
    statement: int | None = Field(default=None, description="number of the statement that is collected")
    request: int | None = Field(default=None, description="number of the request that is refunded")
    paid: int | None = Field(default=None, description="entry of the ledger, once the bank has booked it")
    returned: int | None = Field(default=None, description="entry of the ledger, once it came back")


class Payment(SQLModel, table=True):
    """A booking on our bank account, and to whom it belongs. Amounts in cents, positive for money in."""

    __tablename__: ClassVar[str] = "payment"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("payment_open", "number", sqlite_where=sa.text(PAYMENT_WAITS)),
    )
    number: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True, description="what makes it this booking and no other")
    entry: str = Field(index=True, description="the same of the bank's entry that it is a part of")
    file: int = Field(foreign_key="bank_file.number", index=True)
    booked: str
    value: str
    amount: int | None = Field(default=None, description="none: not in euro and whole cents")
    told: str | None = Field(default=None, description="amount as the bank wrote it, of what is not booked")
    name: str | None = None
    iban: str | None = None
    remittance: str = ""
    structured: str | None = None
    end_to_end: str | None = None
    returned: str | None = Field(default=None, description="reason of a return")
    parts: int = Field(default=1, description="payments in it, when the bank tells their sum alone")
    state: str = Field(description="matched, unmatched, assigned, held or split")
    anomaly: str | None = None
    employer: str | None = Field(default=None, index=True)
    booking: int | None = Field(default=None, description="entry of the ledger that booked it")


class LedgerEntry(SQLModel, table=True):
    """A booking on the ledger; what is here is never changed or taken out."""

    __tablename__: ClassVar[str] = "ledger_entry"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("ledger_entry_employer", "employer", "number"),
        sa.Index("ledger_entry_nobody", "kind", "number", sqlite_where=sa.text(CONCERNS_NOBODY)),
        sa.Index("ledger_entry_assigned", "about", sqlite_where=sa.text(ASSIGNS)),
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str | None = Field(default=None, description="none: concerns no employer")
    day: str = Field(description="from which it counts")
    kind: str
    period: str | None = None
    statement: int | None = None
    due: str | None = None
    reference: str
    booked: str = Field(description="moment")
    closed: str = Field(description="month in whose accounts it stands")
    about: int | None = Field(default=None, foreign_key="ledger_entry.number")


class LedgerPosting(SQLModel, table=True):
    """An amount on an account, in cents; those of an entry sum to zero."""

    __tablename__: ClassVar[str] = "ledger_posting"
    __table_args__: ClassVar[tuple[object, ...]] = (
        sa.Index("ledger_posting_employer", "holder", "entry", "amount", sqlite_where=sa.text(OWED_BY)),
        {"sqlite_with_rowid": False},
    )
    entry: int = Field(primary_key=True, foreign_key="ledger_entry.number")
    account: str = Field(primary_key=True, description="kind of account")
    holder: str = Field(primary_key=True)
    amount: int


class PaymentPlan(SQLModel, table=True):
    """A delay that was granted to an employer."""

    __tablename__: ClassVar[str] = "payment_plan"
    number: int | None = Field(default=None, primary_key=True)
    employer: str = Field(index=True)
    granted: str
    granted_by: str = Field(description="office or function")
    entered: str


class PaymentPlanItem(SQLModel, table=True):
    """An entry that a plan covers."""

    __tablename__: ClassVar[str] = "payment_plan_item"
    plan: int = Field(primary_key=True, foreign_key="payment_plan.number")
    item: int = Field(primary_key=True, foreign_key="ledger_entry.number")


class PlanInstalment(SQLModel, table=True):
    """An instalment of a plan, in cents."""

    __tablename__: ClassVar[str] = "plan_instalment"
    plan: int = Field(primary_key=True, foreign_key="payment_plan.number")
    due: str = Field(primary_key=True)
    amount: int


class Dispute(SQLModel, table=True):
    """An amount of a charge that an employer contests, in cents; closed once."""

    __tablename__: ClassVar[str] = "dispute"
    number: int | None = Field(default=None, primary_key=True)
    employer: str = Field(index=True)
    item: int = Field(foreign_key="ledger_entry.number")
    amount: int
    opened: str
    reason: str
    entered: str
    closed: str | None = None
    outcome: str | None = Field(default=None, description="upheld or rejected")


class RefundRequest(SQLModel, table=True):
    """An employer asks for its credit balance, in cents."""

    __tablename__: ClassVar[str] = "refund_request"
    __table_args__: ClassVar[tuple[sa.Index, ...]] = (
        sa.Index("refund_request_open", "number", sqlite_where=sa.text(REFUND_WAITS)),
    )
    number: int | None = Field(default=None, primary_key=True)
    employer: str
    amount: int
    asked: str
    entered: str
    paid: int | None = Field(
        default=None, foreign_key="ledger_entry.number", description="entry that paid it"
    )


class RecoveryEvent(SQLModel, table=True):
    """A step of the recovery from an employer, never changed or taken out. Amounts in cents."""

    __tablename__: ClassVar[str] = "recovery_event"
    number: int | None = Field(default=None, primary_key=True)
    employer: str = Field(index=True)
    case: int = Field(description="among those of the employer")
    event: str
    day: str = Field(description="on which it counts")
    interest: int = Field(description="asked for with it")
    last_day: str | None = Field(default=None, description="to pay")
    by: str = Field(description="office that ordered it; empty when it follows from the rules")
    entered: str


class RecoveryAmount(SQLModel, table=True):
    """What a step asks for of an entry, in cents, interest left out."""

    __tablename__: ClassVar[str] = "recovery_amount"
    event: int = Field(primary_key=True, foreign_key="recovery_event.number")
    item: int = Field(primary_key=True, foreign_key="ledger_entry.number")
    amount: int


CHARGE = sa.Table(
    "charge",
    SQLModel.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("employer", sa.Text, nullable=False),
    sa.Column("insured", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # A reversal has the version of the charge it reverses and its amounts, negative.
    sa.Column("reversal", sa.Integer, nullable=False),
    sa.Column("statement", sa.ForeignKey("statement.number"), nullable=False),
    sa.Column("causes", sa.Text, nullable=False),
    *(
        sa.Column(name, sa.Integer, nullable=False)
        for name in (
            "hours",
            "base_wage",
            "supplements",
            "overtime_pay",
            "gratuities",
            "unemployment_pay",
        )
    ),
    sa.Column("age", sa.Integer),
    sa.Column("mde_class", sa.Integer),
    sa.Column("accident_factor", sa.Integer, nullable=False),
    sa.Column("public", sa.Integer, nullable=False),
    sa.Column("health_service", sa.Text, nullable=False),
    sa.Column("affiliated", sa.Integer, nullable=False),
    sa.Column("records", sa.Text, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("excess", sa.Integer, nullable=False),
    # A branch without a line is null.
    *(
        sa.Column(f"{branch}_{part}", sa.Integer)
        for branch in Branch
        for part in ("base", "employee", "employer")
    ),
    sa.Index("charge_of", "employer", "insured", "period"),
    sa.Index("charge_period", "period", "employer"),
    sa.Index("charge_statement", "statement"),
    sa.Index("charge_excess", "employer", "period", sqlite_where=sa.text(CHARGE_EXCEEDS)),
)
"""Every charge and every reversal, one row each, never changed: what was computed, and from what."""

MUTUALITY_REFUND = sa.Table(
    "mutuality_refund",
    SQLModel.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("employer", sa.Text, nullable=False),
    sa.Column("insured", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("reversal", sa.Integer, nullable=False),
    sa.Column("statement", sa.ForeignKey("statement.number"), nullable=False),
    sa.Column("causes", sa.Text, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("mutuality_refund_of", "employer", "insured", "period"),
    sa.Index("mutuality_refund_statement", "statement"),
)
"""Every refund of the Mutualité des employeurs and every reversal of one, never changed; content is JSON."""


CHANGE = sa.Table(
    "change",
    SQLModel.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("table", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary),
    sa.Column("nonce", sa.LargeBinary),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)
"""Every row that was entered, changed or taken out, in order; written by triggers, see `changes`."""


GROWING: tuple[sa.Table, ...] = (
    CHARGE,
    MUTUALITY_REFUND,
    *(table(noun) for noun in (Journal, JournalNode, JournalHead)),
    *(
        table(noun)
        for noun in (StaffAct, TimeStamp, LedgerEntry, LedgerPosting, RecoveryEvent, RecoveryAmount)
    ),
)
"""What the database refuses to change or delete: these tables are only added to."""

OURS: tuple[sa.Table, ...] = (
    *(
        table(noun)
        for noun in (
            Member,
            Agreement,
            Certificate,
            SshKey,
            DataKey,
            SoftwareClient,
            ClientAssertion,
            AccessToken,
            Webhook,
            PortalPerson,
            Passkey,
            SignInLink,
            SignInChallenge,
            Visit,
            PortalKey,
            PortalAct,
            PortalDraft,
            PortalFile,
            Staff,
            StaffAct,
            Mandate,
            Employer,
            EmployerYear,
            EmployerName,
            Person,
            Renumbering,
            Company,
            Deposit,
            CertificateEvidence,
            DepositEvidence,
            Affiliation,
            Release,
            AnomalyCount,
            SpecialCase,
            MandateEvent,
            Decision,
            Mission,
            Wage,
            Absence,
            ActivityAbroad,
            OwnCalculation,
            Journal,
            JournalNode,
            JournalHead,
            Answer,
            TimeStamp,
            Notice,
            Bookmark,
            Statement,
            Recalculation,
            LawUsed,
            BillingHold,
            Outage,
            Circumstance,
            BankFile,
            DirectDebit,
            PayoutAccount,
            OrderFile,
            BankOrder,
            Payment,
            LedgerEntry,
            LedgerPosting,
            PaymentPlan,
            PaymentPlanItem,
            PlanInstalment,
            Dispute,
            RefundRequest,
            RecoveryEvent,
            RecoveryAmount,
        )
    ),
    CHARGE,
    MUTUALITY_REFUND,
    CHANGE,
)
"""Our tables, in the order of their references; the durable engine keeps its own in the same database."""


def _as_elsewhere(one: sa.Table) -> None:
    """Have a table hold and sort on PostgreSQL what it does on SQLite: 64 bits, and texts by their bytes."""
    for column in one.columns:
        if isinstance(column.type, sa.Integer):
            column.type = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
        elif isinstance(column.type, sa.String | AutoString):
            plain = sa.Text() if isinstance(column.type, sa.Text) else sa.String()
            column.type = plain.with_variant(sa.Text(collation="C"), "postgresql")
    for index in one.indexes:
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


# Of any type on SQLite, so that the key of a row stays as it is.
CHANGE.c.key.type = sa.LargeBinary().with_variant(sa.Text(collation="C"), "postgresql")
for _one in OURS:
    _as_elsewhere(_one)
