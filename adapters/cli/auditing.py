"""The auditor's command: old receipts against the present journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.output import AsJson, console, errors, print_json, refused, wrong_use
from adapters.cli.sending import read_profile
from gateway.client.audit import Audit, Source, audit
from gateway.client.doors import Refused
from signing.certificates import load_seals

if TYPE_CHECKING:
    from adapters.heads import Proofs

app = typer.Typer()


@app.command("audit")
def run(
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    *,
    receipts: Annotated[
        list[Path], typer.Option(help="Receipts, acknowledgements or heads, one after the other.")
    ],
    seal: Annotated[Path, typer.Option(help="PEM file, or folder of them: the gateway's seals.")],
    profile: Annotated[Path | None, typer.Option(help="Of a member: audit its gateway over HTTPS.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of a gateway, or of a copy of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that the journal still begins with what old receipts were sealed over; exits with 1 if not."""
    files = [*receipts, *(more or ())]
    contents = {file.name: file.read_bytes() for file in files}
    if len(contents) < len(files):
        wrong_use("two receipts have one name")
    try:
        with _source(profile, data) as source:
            found = audit(contents, source, list(load_seals(seal)))
    except Refused as refusal:
        refused(f"Not audited: {refusal}")
    _print(found, as_json)
    if found.findings:
        raise typer.Exit(1)


@contextmanager
def _source(profile: Path | None, data: Path | None) -> Iterator[Source]:
    """The gateway of a profile, or the one in a folder; only what is needed is loaded."""
    if (profile is None) == (data is None):
        wrong_use("name either --profile or --data")
    if profile is not None:
        with import_module("gateway.client.https").enter(read_profile(profile)) as door:
            yield door
        return
    premises = import_module("adapters.premises")
    settings = import_module("adapters.settings").Settings(data=data)
    if not premises.is_made(settings):
        wrong_use(f"{data} is no gateway")
    with closing(premises.database_of(settings)) as database:
        yield _Folder(import_module("adapters.heads").Proofs(database))


@dataclass(frozen=True, slots=True)
class _Folder:
    """The gateway in a folder."""

    proofs: Proofs

    def head(self) -> bytes | None:
        return self.proofs.newest()

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        proof = self.proofs.consistency(first, second)
        return None if proof is None else proof.hashes


def _print(found: Audit, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "size": found.size,
                "root": found.root,
                "created": None if found.created is None else found.created.isoformat(),
                "proven": list(found.proven),
                "findings": list(found.findings),
            }
        )
        return
    for finding in found.findings:
        errors.print(finding, style="red", markup=False)
    if found.created is not None:
        console.print(f"Head of {found.created:%Y-%m-%d %H:%M:%S} UTC: {found.size} entries, {found.root}")
    for name in found.proven:
        console.print(f"{name}: the journal holds it, and has only grown since.", markup=False)
