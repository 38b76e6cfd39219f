"""What the functions for payroll software answer with. Loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.billing.differences import Reconciliation
    from gateway.returns.simres import Simulation


class Misused(ValueError):
    """A function was asked for what there is not; the sentence says what to give instead."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a batch.

    Attributes:
        code: key of the table of rejections, such as `SALRET-7`.
        severity: `blocking`, `to-correct` or `hint`.
        record: place of the record in the batch, from 1; None for the file as a whole.
        field: element name in the form.
        path: where it stands in the XML, such as `/DECSAL/Wage[3]/InactiveHours`.
        line: of the XML, where known.
        value: what was seen, cut to 200 characters.
        message, remedy: what is wrong and what to do, by language (`fr`, `de`, `en`).
        legal_basis: the article it rests on, where one is known.
    """

    code: str
    severity: str
    record: int | None
    field: str | None
    path: str | None
    line: int | None
    value: str | None
    message: Mapping[str, str]
    remedy: Mapping[str, str]
    legal_basis: str | None


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong with a file, as far as it can be told without the gateway's registers.

    Attributes:
        valid: nothing is blocking.
        anomalies: everything that was found, all at once.
    """

    valid: bool
    anomalies: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Converted:
    """Payroll output that became a batch.

    Attributes:
        source: the `.dta` file.
        file: the unsigned XML batch.
        records: how many it has.
    """

    source: Path
    file: Path
    records: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A batch with the member's signature.

    Attributes:
        batch: what was signed.
        attachments: the scans and annexes that were signed with it.
        file: what is to be sent.
    """

    batch: Path
    attachments: tuple[Path, ...]
    file: Path


@dataclass(frozen=True, slots=True)
class Sent:
    """A deposit that the gateway has.

    Attributes:
        file: what was sent.
        receipt: the signed receipt, its seal found good; None over SFTP, where it comes among the answers.
    """

    file: Path
    receipt: Path | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was collected.

    Attributes:
        file: where it lies; in a folder `unverified` when it is nothing to rely on.
        kind: `ACKTRT`, `SALRET` …
        seal: `good`, or why the gateway's seal on it is not.
    """

    file: Path
    kind: str
    seal: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What was collected.

    Attributes:
        cursor: up to where all answers were taken; over SFTP it stays.
        answers: in the order in which they were posted.
    """

    cursor: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a batch would bring.

    Attributes:
        file: the sealed answer (SIMRES).
        document: what it says.
    """

    file: Path
    document: Simulation


@dataclass(frozen=True, slots=True)
class Reconciled:
    """An own computation beside what is charged.

    Attributes:
        employer, period, statement: what the CALCUL is of.
        found: share by share, and why they differ.
        elsewhere: own records of another employer or month, which were not compared.
    """

    employer: str
    period: str
    statement: str
    found: Reconciliation
    elsewhere: int
