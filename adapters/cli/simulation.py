"""`secugate simulate`: what a batch would bring if it were sent now, and whether such an answer holds."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, Status, console, print_json, print_table, wrong_use
from adapters.cli.sending import ended_in_words, read_profile
from gateway import client, names
from gateway.billing.simulation import Beside, Effect, Mismatch, Side
from gateway.client.exchange import simulated
from gateway.money import euro
from gateway.returns import simres

app = typer.Typer()


@app.command()
def simulate(
    batch: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A signed batch.")],
    profile: Annotated[
        Path | None, typer.Option(help="Ask a gateway over HTTPS: the member's profile (TOML).")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Ask the gateway in this folder (operator).")] = None,
    reproduce_file: Annotated[
        Path | None,
        typer.Option(
            "--reproduce",
            exists=True,
            dir_okay=False,
            help="Compute the answer of an earlier simulation again.",
        ),
    ] = None,
    seal: Annotated[
        Path | None, typer.Option(exists=True, help="With --reproduce: PEM of the gateway's seals.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to keep the signed answer; beside the batch without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a signed batch would bring: verdict, anomalies, and the change of the next statements.

    Nothing is declared by it. The signed answer (SIMRES) is kept: --reproduce computes its amounts again from
    what it holds, by the law and the choices it names, and exits with 1 when anything comes out otherwise.
    """
    if sum(one is not None for one in (profile, data, reproduce_file)) != 1:
        wrong_use(
            "Give one of --profile (over HTTPS), --data (operator) and --reproduce (an earlier answer)."
        )
    if reproduce_file is not None:
        if seal is None:
            wrong_use("With --reproduce give the gateway's seals: --seal gateway-seal.pem")
        _reproduce(batch, reproduce_file, seal, as_json)
        return
    place = out or batch.with_name(f"{batch.stem}.SIMRES.XML")
    with ended_in_words("Not simulated"):
        if profile is not None:
            got = client.simulate(batch, read_profile(profile), place)
        else:
            got = simulated(*_on_premises(batch, data), place)
    document = got.document
    if as_json:
        print_json({**_summary(document), "answer": str(got.file)})
    else:
        _print(document)
        console.print(f"Signed answer kept in {got.file}. Nothing was declared.", markup=False)
    if document.rejected or document.verdict == "rejected":
        raise typer.Exit(Status.REFUSED)


def _on_premises(batch: Path, data: Path | None) -> tuple[bytes, Path]:
    try:
        member = names.parse(batch.name).member
    except ValueError as fault:
        wrong_use(f"The name of the file tells who sends it, and this one does not: {fault}")
    content, seals = import_module("adapters.cli.counter").simulate(data, member, batch)
    return content, seals


def _reproduce(batch: Path, answer: Path, seal: Path, as_json: bool) -> None:
    with ended_in_words("Not computed again"):
        document, found = client.reproduce(batch, answer, seal)
    if as_json:
        print_json({"equal": not found, "differences": [_row(one) for one in found]})
    elif found:
        print_table(
            "Comes out otherwise",
            ("Insured", "Month", "What", "Simulated", "Computed now"),
            (tuple(_row(one).values()) for one in found),
        )
    else:
        console.print(
            f"Equal to the cent: {_count(document.effects)} months computed again, as the law was known on "
            f"{document.rules.known if document.rules else '-'}. Seal good, batch the same.",
            markup=False,
        )
    if found:
        raise typer.Exit(Status.REFUSED)


def _count(effects: tuple[Effect, ...]) -> int:
    return sum(
        bool(month.lines) and not month.stated
        for one in effects
        for year in one.years
        for month in year.months
    )


def _row(one: Mismatch) -> dict[str, str]:
    return {
        "insured": one.insured,
        "period": str(one.period),
        "what": one.what,
        "simulated": one.written,
        "computed": one.computed,
    }


def _summary(document: simres.Simulation) -> dict[str, object]:
    return {
        "verdict": document.verdict,
        "records": document.records,
        "accepted": document.accepted,
        "rejected": document.rejected,
        "held": document.held,
        "anomalies": [
            {"code": one.code, "record": one.record, "field": one.field, "value": one.value}
            for one in document.anomalies
        ],
        "employers": [_effect(one) for one in document.effects],
        "untold": list(document.untold),
    }


def _effect(one: Effect) -> dict[str, object]:
    return {
        "employer": one.employer,
        "first": None if one.first is None else str(one.first),
        "period": str(one.period),
        "branches": {branch.branch: _beside(branch.charged) for branch in one.branches},
        **{name: _beside(amounts) for name, amounts in _sums(one)},
        "holds": [{"code": hold.code, "period": str(hold.period)} for hold in one.holds],
    }


def _sums(one: Effect) -> tuple[tuple[str, Beside], ...]:
    return (
        ("contributions", one.contributions),
        ("corrections", one.corrections),
        ("refunds", one.refunds),
        ("total", one.total),
    )


def _beside(amounts: Beside) -> dict[str, str]:
    return {
        "without": euro(amounts.without),
        "with": euro(amounts.with_it),
        "difference": euro(amounts.difference),
    }


def _print(document: simres.Simulation) -> None:
    counts = f"{document.accepted} accepted, {document.rejected} rejected, {document.held} held"
    console.print(f"Would be {document.verdict}: {document.records} records, {counts}.", markup=False)
    if document.anomalies:
        said = {one.code: one.texts["en"] for one in document.explanations}
        print_table(
            "Anomalies",
            ("Record", "Field", "Code", "What"),
            (
                (str(one.record or ""), one.field or "", one.code, said[one.code])
                for one in document.anomalies
            ),
            wraps="What",
        )
    for one in document.effects:
        title = f"{one.employer} · statement of {one.period}, EUR"
        told = [(branch.branch.value, branch.charged) for branch in one.branches] + list(_sums(one))
        print_table(
            title,
            ("", "Without", "With", "Difference"),
            ((name, *_beside(amounts).values()) for name, amounts in told),
        )
        changed = [
            (
                year.insured,
                str(month.period),
                month.side.value,
                line.branch.value,
                line.formula,
                euro(line.total),
            )
            for year in one.years
            for month in year.months
            for line in month.lines
            if month.side is Side.WITH
        ]
        if changed:
            print_table(
                "Charged otherwise", ("Insured", "Month", "Side", "Branch", "Formula", "EUR"), changed
            )
        for hold in one.holds:
            console.print(f"  {hold.code} {hold.period} {hold.insured} {hold.detail}", markup=False)
    for employer in document.untold:
        console.print(f"  {employer}: you have no right to its invoices (CALCUL).", markup=False)
