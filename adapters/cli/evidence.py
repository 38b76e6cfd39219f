"""Evidence packs: made by the operator, judged by anybody, offline."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, console, errors, print_json, print_table, refused, wrong_use
from gateway import client
from gateway.evidence.check import Verdict

app = typer.Typer()
evidence = typer.Typer(help="All that proves a batch, in one sealed file.", no_args_is_help=True)
app.add_typer(evidence, name="evidence")


@evidence.command()
def make(
    deposit: Annotated[str, typer.Option(help="Id of the deposit.")],
    out: Annotated[Path, typer.Option(help="File for the pack.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the gateway (or SECUGATE_DATA).")
    ] = None,
) -> None:
    """Put together the evidence of a deposit; entered in the journal."""
    # Loaded here: who judges a pack needs no database.
    making = import_module("adapters.cli.evidence_of_deposits")
    content = making.pack_of(deposit, data)
    if content is None:
        refused(f"There is no deposit {deposit}.")
    out.write_bytes(content)
    console.print(f"The evidence of deposit {deposit} is in {out} ({len(content)} bytes).")


@evidence.command()
def verify(
    pack: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The evidence pack.")],
    seal: Annotated[
        Path, typer.Option(exists=True, help="PEM of the certificates with which the gateway seals.")
    ],
    anchor: Annotated[
        Path | None, typer.Option(exists=True, help="PEM of the authorities of members' certificates.")
    ] = None,
    tsa: Annotated[
        Path | None, typer.Option(exists=True, help="PEM of the roots of the time-stamp authority.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge an evidence pack offline, each check by itself; exits with 1 when one fails."""
    try:
        checks = client.evidence(pack, seal, anchor, tsa)
    except (OSError, ValueError) as error:
        wrong_use(str(error))
    bad = [one for one in checks if one.verdict is Verdict.BAD]
    if as_json:
        told = [{"check": one.what, "verdict": one.verdict, "told": one.told} for one in checks]
        print_json({"proven": not bad, "checks": told})
    else:
        print_table(
            pack.name, ("Check", "Verdict", ""), ((one.what, one.verdict, one.told) for one in checks)
        )
        if bad:
            errors.print(f"{len(bad)} of {len(checks)} checks failed: it proves nothing.", style="red")
        else:
            console.print("Nothing in it was changed, and everything agrees.")
    if bad:
        raise typer.Exit(1)
