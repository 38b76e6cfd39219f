"""What every batch is checked for when it is read, however it came: form, head, number of records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import envelope, synthetic
from gateway.agreement import Agreement
from gateway.batch import Anomaly, Batch, Header
from gateway.moments import Received
from gateway.outcome import Rejected
from gateway.procedures import PAYROLL, PROCEDURES
from xsd import Form, NotInForce, UnknownForm, catalogue

RECIPIENT = "CCSS"
LONGEST_VALUE = 200
MOST_RECORDS = 250_000
"""Records of one procedure in a file, and lines of a `.dta` file: many times a large fiduciary's month.
However short they are, each is judged by itself."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a deposit said of itself before it was opened, and what we are.

    Attributes:
        sender: the member who deposited, 19 digits; None when nobody has yet.
        procedure: the type in the file's name; None when the name does not keep to the pattern.
        received: decides which forms are in force.
        environment: ours, `production` or `test`; None when it does not matter.
        agreement: of the sender with the operator; None without one.
    """

    sender: str | None
    procedure: str | None
    received: Received
    environment: str | None
    agreement: Agreement | None


def form_of(code: str, version: str, expected: Expected) -> Form:
    """The form of a document, if the file's name speaks of it, it was agreed and is in force.

    Raises:
        Rejected: when not.
    """
    known = code == PAYROLL or code in {each.code for each in PROCEDURES}
    if not known or expected.procedure not in (None, code):
        raise Rejected(Anomaly("FILE-PROCEDURE", path=f"/{code}", value=code[:LONGEST_VALUE]))
    return in_force(code, version, expected)


def in_force(code: str, version: str, expected: Expected) -> Form:
    """A version of a form, if it was agreed and is in force.

    Raises:
        Rejected: when not.
    """
    agreed = expected.agreement
    if code != PAYROLL and (
        agreed is None or not agreed.allows(code, expected.environment or synthetic.ENVIRONMENT)
    ):
        raise Rejected(Anomaly("FILE-AGREEMENT", value=code))
    try:
        return catalogue().form(code, version, expected.received.day)
    except (UnknownForm, NotInForce):
        raise Rejected(
            Anomaly("FILE-VERSION", field="version", path=f"/{code}/@version", value=version[:LONGEST_VALUE])
        ) from None


def read_checked(content: etree._Element, form: Form, expected: Expected) -> Batch:
    """The batch in a document of one procedure, its records judged one by one against their form.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    if len(content) > MOST_RECORDS:
        raise Rejected(Anomaly("FILE-LIMITS", value=f"more than {MOST_RECORDS} records"))
    checked = form.check(content)
    if checked.faults:
        raise Rejected(*(envelope.anomaly(fault) for fault in checked.faults))
    header = envelope.read_header(content)
    misdirected = _misdirected(header, expected)
    if misdirected:
        raise Rejected(*misdirected)
    batch = envelope.read(header, checked)
    if batch.size == 0:
        raise Rejected(Anomaly("FILE-EMPTY"))
    return batch


def _misdirected(header: Header, expected: Expected) -> list[Anomaly]:
    due = (
        ("FILE-SENDER", "Sender", str(header.sender), expected.sender),
        ("FILE-RECIPIENT", "Recipient", header.recipient, RECIPIENT),
        ("FILE-ENVIRONMENT", "Environment", header.environment, expected.environment),
    )
    return [
        Anomaly(code, field=field, path=f"/{header.procedure}/Header/{field}", value=seen)
        for code, field, seen, wanted in due
        if wanted not in (None, seen)
    ]


def newest_version(code: str, day: date) -> str:
    """The newest version of a form on a day: a `.dta` file does not name one."""
    entry = catalogue().entries.get(code)
    versions = [] if entry is None else [v.number for v in entry.versions.values() if v.covers(day)]
    return max(versions, default="")
