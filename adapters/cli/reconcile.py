"""`secugate reconcile`: a member's own computation beside a CALCUL, without any server."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Language, console, errors, print_json, print_table, wrong_use
from adapters.cli.validation import anything, read_batch
from gateway import contents, wire
from gateway.batch import Batch, Header, MemberId
from gateway.billing import Calculation
from gateway.billing.difference_words import WORDS
from gateway.billing.differences import ComparedLine, Reconciliation
from gateway.billing.reconcile import reconcile as compare
from gateway.contents.checks import RECIPIENT
from gateway.moments import system_clock
from gateway.money import euro
from gateway.outcome import Rejected
from gateway.procedures.billing import owncal
from gateway.registers import OwnCalculation
from gateway.rejections import REJECTIONS
from gateway.returns import calcul
from signing.parse import Unreadable, parse

app = typer.Typer()

_FORM = owncal.FORM
_CSV = ".csv"


@app.command()
def reconcile(
    own: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="OWNCAL (.XML or .dta, signed or not), or .csv with the fields of OWNCAL as columns.",
        ),
    ],
    calculation: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CALCUL, as it was collected.")
    ],
    language: Annotated[Language, typer.Option(help="Of the reasons.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Compare your own computation with what is charged, share by share; exits with 1 when they differ.

    Each difference (charged less own) has its reason, and numbers: what was charged with, and behind the
    arrow with what the own amount seems to be computed. Only the month of the CALCUL is compared. Its seal is
    not checked: see `secugate check`.
    """
    charged = _charged(calculation)
    every = _own(own)
    mine = [
        one for one in every if (one.month.employer, one.month.period) == (charged.employer, charged.period)
    ]
    if len(mine) < len(every):
        errors.print(f"Of another employer or month, not compared: {len(every) - len(mine)}")
    found = compare(mine, charged.insured, charged.period)
    if as_json:
        print_json(_document(charged, found, language))
    else:
        _print(charged, found, language)
    if found.different:
        raise typer.Exit(1)


def _charged(file: Path) -> Calculation:
    try:
        return calcul.read(parse(file.read_bytes())).calculation
    except (Unreadable, ValueError) as fault:
        wrong_use(f"{file}: no CALCUL that can be read: {fault}")


def _own(file: Path) -> list[OwnCalculation]:
    """The own computations in a file; ends the command when one is not legible."""
    try:
        batch = _of_columns(file) if file.suffix.lower() == _CSV else read_batch(file)
    except Rejected as refusal:
        wrong_use(f"{file}: {REJECTIONS[refusal.anomalies[0].code].texts['en']}")
    except (ValueError, csv.Error) as fault:
        wrong_use(f"{file}: {fault}")
    parts = [part for part in batch.parts or (batch,) if part.header.procedure == _FORM.procedure]
    if not parts:
        wrong_use(f"{file}: a {batch.header.procedure}, no {_FORM.procedure}")
    for anomaly in parts[0].anomalies:
        place = f"record {anomaly.record}, {anomaly.field or 'as a whole'}"
        wrong_use(f"{file}: {place}: {REJECTIONS[anomaly.code].texts['en']}")
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


def _document(charged: Calculation, found: Reconciliation, language: Language) -> Mapping[str, object]:
    return {
        "employer": charged.employer,
        "period": str(charged.period),
        "statement": charged.statement,
        "own": euro(found.own),
        "billed": euro(found.billed),
        "difference": euro(found.difference),
        "reasons": [
            {
                "reason": one.reason,
                "lines": one.lines,
                "amount": euro(one.amount),
                "text": WORDS[one.reason].texts[language],
                "remedy": WORDS[one.reason].remedies[language],
            }
            for one in found.reasons
        ],
        "lines": [
            {
                "insured": line.insured,
                "group": line.group,
                "branch": line.branch,
                "side": line.side,
                "own": euro(line.own),
                "billed": euro(line.billed),
                "difference": euro(line.difference),
                "reason": line.reason,
                "numbers": line.numbers,
            }
            for line in found.lines
        ],
    }


def _print(charged: Calculation, found: Reconciliation, language: Language) -> None:
    print_table(
        f"{charged.employer}, {charged.period}: what differs, of {len(found.lines)} shares",
        ("Insured", "Branch", "Side", "Own", "Billed", "Difference", "Reason", "Numbers"),
        [*map(_cells, found.different), _sum(found)],
        wraps="Numbers",
    )
    for sentence in _explained(found, language):
        console.print(sentence, markup=False, highlight=False)


def _cells(line: ComparedLine) -> tuple[str, ...]:
    amounts = euro(line.own), euro(line.billed), euro(line.difference)
    return line.insured, line.branch or "all", line.side, *amounts, line.reason or "", line.numbers


def _sum(found: Reconciliation) -> tuple[str, ...]:
    return "in all", "", "", euro(found.own), euro(found.billed), euro(found.difference), "", ""


def _explained(found: Reconciliation, language: Language) -> Iterator[str]:
    """A sentence or two for each reason that occurs."""
    for one in found.reasons:
        words = WORDS[one.reason]
        told = f"{one.reason} ({one.lines}, {euro(one.amount)})"
        yield f"{told}: {words.texts[language]} {words.remedies[language]}"
