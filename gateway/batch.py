"""What was in a deposit, once its signature and its form have been judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class MemberId:
    """A SECUline member: employer matricule (13 digits) and SECUline number (6 digits)."""

    matricule: str
    number: str

    def __str__(self) -> str:
        """As in file names: both joined, 19 digits."""
        return self.matricule + self.number


@dataclass(frozen=True, slots=True)
class Header:
    """The head of every batch: who sends what to whom, for which environment."""

    procedure: str
    version: str
    sender: MemberId
    recipient: str
    environment: str
    created: datetime
    software: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it was received.

    Attributes:
        number: place in the batch, counted from 1.
        line: line of the received XML on which it starts; None when read from elsewhere.
        fields: text by element name, only what was present, in the order of the form.
    """

    number: int
    line: int | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One fault, found in a file or in one of its records.

    Attributes:
        code: key of the table of rejections, such as `SALRET-7`.
        record: place of the record in the batch, from 1; None for the file as a whole.
        field: element name in the form.
        path: where it stands in the XML, such as `/DECSAL/Wage[3]/InactiveHours`.
        line: line of the received XML, where known.
        value: the value seen, cut to 200 characters.
    """

    code: str
    record: int | None = None
    field: str | None = None
    path: str | None = None
    line: int | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came in one container with the batch, under the same signature.

    Attributes:
        name: as in the container.
        kind: `CARTID` (scan of an identity document), `RHIN` or `EXPL` (annexes of a Rhine boatman).
        subject: to whom it belongs: an insured matricule; for a CARTID the birth date and the serial, as in
            its name (`YYYYMMDDn`).
        fault: why its content is not taken, in English; None when it is.
    """

    name: str
    kind: str
    subject: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A verified, form-checked batch.

    `records` are those the form admits; `malformed` are records the form refuses, with the
    anomalies that refuse them. Both together are the records of the file, in any order of number.
    `attachments` came with it in a container. A PAYROLL has no records of its own but `parts`, each a
    batch of one procedure, in the order in which they are treated.
    """

    header: Header
    records: Sequence[Record]
    malformed: Sequence[Record] = ()
    anomalies: Sequence[Anomaly] = ()
    attachments: tuple[Attachment, ...] = ()
    parts: tuple[Batch, ...] = ()

    @property
    def size(self) -> int:
        """How many records the file holds, good and bad."""
        return len(self.records) + len(self.malformed) + sum(part.size for part in self.parts)
