"""Offline: an own computation beside what is charged, simulations computed again, evidence judged."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import contents, wire
from gateway.batch import Batch, Header, MemberId
from gateway.billing.reconcile import reconcile as compare
from gateway.billing.simulation import Mismatch
from gateway.billing.simulation import reproduce as compute_again
from gateway.client.offline import anything, read_batch
from gateway.client.results import Reconciled
from gateway.client.seals import GOOD, seal_verdict
from gateway.contents.checks import RECIPIENT
from gateway.evidence.check import Believed, Check, check_pack
from gateway.moments import system_clock
from gateway.outcome import Rejected
from gateway.procedures.billing import owncal
from gateway.registers import OwnCalculation
from gateway.rejections import REJECTIONS
from gateway.returns import calcul, simres
from signing.certificates import load_seals
from signing.parse import Unreadable, parse

_FORM = owncal.FORM
_CSV = ".csv"


def reconcile(own: Path, calculation: Path) -> Reconciled:
    """Compare an own computation with what is charged for the employer and month of a CALCUL.

    Args:
        own: OWNCAL, .XML or .dta, signed or not; or .csv with the fields of OWNCAL as columns.
        calculation: CALCUL, as it was collected; its seal is not checked here.

    Raises:
        ValueError: a file is not what it should be.
        OSError: a file cannot be read.
    """
    try:
        charged = calcul.read(parse(calculation.read_bytes())).calculation
    except (Unreadable, ValueError) as fault:
        raise ValueError(f"{calculation}: no CALCUL that can be read: {fault}") from fault
    every = _own(own)
    mine = [
        one for one in every if (one.month.employer, one.month.period) == (charged.employer, charged.period)
    ]
    found = compare(mine, charged.insured, charged.period)
    return Reconciled(charged.employer, str(charged.period), charged.statement, found, len(every) - len(mine))


def _own(file: Path) -> list[OwnCalculation]:
    """The own computations in a file."""
    try:
        batch = _of_columns(file) if file.suffix.lower() == _CSV else read_batch(file)
    except Rejected as refusal:
        raise ValueError(f"{file}: {REJECTIONS[refusal.anomalies[0].code].texts['en']}") from refusal
    except (ValueError, csv.Error) as fault:
        raise ValueError(f"{file}: {fault}") from fault
    parts = [part for part in batch.parts or (batch,) if part.header.procedure == _FORM.procedure]
    if not parts:
        raise ValueError(f"{file}: a {batch.header.procedure}, no {_FORM.procedure}")
    for anomaly in parts[0].anomalies:
        place = f"record {anomaly.record}, {anomaly.field or 'as a whole'}"
        raise ValueError(f"{file}: {place}: {REJECTIONS[anomaly.code].texts['en']}")
    return [owncal.own_of(record, 0) for record in parts[0].records]


def _of_columns(file: Path) -> Batch:
    """The batch in a table with named columns: commas or semicolons, empty where nothing is stated.

    Raises:
        ValueError: when a column is none of OWNCAL, or it is no text in UTF-8.
        Rejected: when the batch breaks its form as a whole.
    """
    text = file.read_bytes().decode("utf-8-sig")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=separator, strict=True)
    strangers = set(rows.fieldnames or ()) - set(_FORM.fields)
    if strangers:
        raise ValueError(f"columns that are no field of {_FORM.procedure}: {', '.join(sorted(strangers))}")
    sender = MemberId("0" * 13, "0" * 6)  # nobody sends it
    header = Header(_FORM.procedure, wire.VERSION, sender, RECIPIENT, "production", system_clock())
    return contents.read_document(wire.write_batch(header, _FORM.record, map(_stated, rows)), anything())


def _stated(row: Mapping[str, str | None]) -> Mapping[str, str]:
    return {name: text for name in _FORM.fields if (text := row.get(name))}


def reproduce(batch: Path, answer: Path, seal: Path) -> tuple[simres.Simulation, Sequence[Mismatch]]:
    """Compute the amounts of an earlier simulation again, by the law and the choices it names.

    Args:
        batch: what was simulated.
        answer: the sealed answer (SIMRES).
        seal: PEM of the certificates with which the gateway seals.

    Returns:
        What it says, and what comes out otherwise now.

    Raises:
        ValueError: the answer does not bear the seal, is no simulation, or is of another batch.
        OSError: a file cannot be read.
    """
    content = answer.read_bytes()
    verdict = seal_verdict(content, seal)
    if verdict != GOOD:
        raise ValueError(f"The simulation does not bear the gateway's seal: {verdict}")
    try:
        document = simres.read(parse(content))
    except (Unreadable, ValueError) as fault:
        raise ValueError(f"This is no simulation: {fault}") from fault
    if hashlib.sha256(batch.read_bytes()).hexdigest() != document.file.digest:
        raise ValueError(
            f"Another batch was simulated: the SHA-256 of {batch.name} is not {document.file.digest}"
        )
    rules = document.rules
    return document, () if rules is None else list(compute_again(document.effects, rules))


def evidence(
    pack: Path, seal: Path, anchor: Path | None = None, time_stamps: Path | None = None
) -> Sequence[Check]:
    """Judge an evidence pack, each check by itself.

    Args:
        seal: PEM of the certificates with which the gateway seals.
        anchor: PEM of the authorities of members' certificates.
        time_stamps: PEM of the roots of the time-stamp authority.

    Raises:
        ValueError: there is no certificate in a file.
        OSError: a file cannot be read.
    """
    others = (() if one is None else load_seals(one) for one in (anchor, time_stamps))
    return check_pack(pack.read_bytes(), Believed(load_seals(seal), *others))
