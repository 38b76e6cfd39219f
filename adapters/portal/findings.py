"""What a check found, in a form that can be kept, and how it is told: by cause, with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from gateway.batch import Anomaly
from gateway.rejections import Level, Rejection, Severity, known_or_gone
from gateway.returns.simres import Simulation


@dataclass(frozen=True, slots=True)
class Money:
    """What a batch changes on an employer's next statement, in cents: without it and with it."""

    employer: str
    period: str
    contributions: tuple[int, int]
    corrections: tuple[int, int]
    refunds: tuple[int, int]
    total: tuple[int, int]


_BESIDES = ("contributions", "corrections", "refunds", "total")


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found.

    Attributes:
        how: `simulated`: judged as if it had been sent; `form`: signature and form only.
        why: code of why it was not simulated; empty when it was.
        verdict: that it would get; of its form only, `rejected` or empty.
        anomalies: all faults and hints.
        money: by employer, for those whose invoices the member may see.
    """

    how: str
    why: str
    verdict: str
    records: int
    accepted: int
    rejected: int
    held: int
    anomalies: tuple[Anomaly, ...]
    money: tuple[Money, ...] = ()

    def write(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def read(cls, kept: bytes) -> Findings:
        """From how it is kept."""
        found = json.loads(kept)
        found["anomalies"] = tuple(Anomaly(**one) for one in found["anomalies"])
        found["money"] = tuple(
            Money(one["employer"], one["period"], *(tuple(one[name]) for name in _BESIDES))
            for one in found["money"]
        )
        return cls(**found)

    @classmethod
    def of(cls, document: Simulation) -> Findings:
        """From a simulation."""
        money = tuple(
            Money(
                one.employer,
                str(one.period),
                *(
                    (beside.without, beside.with_it)
                    for beside in (one.contributions, one.corrections, one.refunds, one.total)
                ),
            )
            for one in document.effects
        )
        counts = document.records, document.accepted, document.rejected, document.held
        return cls("simulated", "", document.verdict.value, *counts, document.anomalies, money)

    @property
    def is_refused(self) -> bool:
        """Whether the file as a whole would be refused."""
        return any(known_or_gone(one.code).level is Level.FILE for one in self.anomalies)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cause was found.

    Attributes:
        record: from 1; None for the file as a whole.
        value: as it was seen.
    """

    record: int | None
    field: str | None
    line: int | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """All anomalies of one code.

    Attributes:
        rejection: what it means and what to do.
        places: where it was found.
    """

    rejection: Rejection
    places: Sequence[Place]

    @property
    def is_blocking(self) -> bool:
        return self.rejection.severity is Severity.BLOCKING

    @property
    def records(self) -> int:
        """How many records have it."""
        return len({place.record for place in self.places if place.record is not None})


def causes(anomalies: Iterable[Anomaly]) -> Sequence[Cause]:
    """Anomalies by cause: what refuses first, then what concerns most records."""
    found: dict[str, list[Place]] = {}
    for one in anomalies:
        found.setdefault(one.code, []).append(Place(one.record, one.field, one.line, one.value))
    made = [Cause(known_or_gone(code), places) for code, places in found.items()]
    return sorted(made, key=lambda one: (not one.is_blocking, -len(one.places)))


def by_record(anomalies: Iterable[Anomaly]) -> Mapping[int, Mapping[str, Sequence[Rejection]]]:
    """What is wrong with each record: by its number, then by field; an empty name for the record itself."""
    found: dict[int, dict[str, list[Rejection]]] = {}
    for one in anomalies:
        if one.record is not None:
            said = found.setdefault(one.record, {}).setdefault(one.field or "", [])
            reason = known_or_gone(one.code)
            if reason not in said:
                said.append(reason)
    return found
