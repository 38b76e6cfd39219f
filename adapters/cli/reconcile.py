"""`secugate reconcile`: a member's own computation beside a CALCUL, without any server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import (
    AsJson,
    Language,
    Status,
    console,
    errors,
    print_json,
    print_table,
    wrong_use,
)
from gateway import client
from gateway.billing.difference_words import WORDS
from gateway.billing.differences import ComparedLine, Reconciliation
from gateway.client import Reconciled
from gateway.money import euro

app = typer.Typer()


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
    try:
        compared = client.reconcile(own, calculation)
    except (OSError, ValueError) as fault:
        wrong_use(str(fault))
    if compared.elsewhere:
        errors.print(f"Of another employer or month, not compared: {compared.elsewhere}")
    if as_json:
        print_json(_document(compared, language))
    else:
        _print(compared, language)
    if compared.found.different:
        raise typer.Exit(Status.REFUSED)


def _document(compared: Reconciled, language: Language) -> Mapping[str, object]:
    found = compared.found
    return {
        "employer": compared.employer,
        "period": compared.period,
        "statement": compared.statement,
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


def _print(compared: Reconciled, language: Language) -> None:
    found = compared.found
    print_table(
        f"{compared.employer}, {compared.period}: what differs, of {len(found.lines)} shares",
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
