"""`secugate rules`: which rules there are, published and signed, and what changes between two packs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import AsJson, console, print_json, refused, wrong_use
from gateway import rules
from gateway.moments import system_clock
from gateway.rules import changes as between
from signing.certificates import load_seals
from signing.container import BadContainer
from signing.parse import Unreadable
from signing.profile import BadSignature
from signing.sign import Signer, UnusableKey
from signing.verify import ForeignSeal

app = typer.Typer()
group = typer.Typer(help="The rules: forms, codes and parameters, as one signed file.", no_args_is_help=True)
app.add_typer(group, name="rules")

PackFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A pack of rules.")]
SealFile = Annotated[
    Path, typer.Option(exists=True, help="PEM of the certificates with which packs are sealed.")
]


@group.command()
def show(as_json: AsJson = False) -> None:
    """Tell which rules this program has: by these `secugate validate` judges."""
    found = rules.files()
    if as_json:
        print_json({"digest": rules.digest(), "files": list(found)})
    else:
        console.print(f"{rules.digest()}  {len(found)} files", highlight=False)


@group.command()
def publish(
    out: Annotated[Path, typer.Argument(help="File to be written.")],
    version: Annotated[str, typer.Option(help="Under which they are published, such as 2026.11.")],
    key: Annotated[Path, typer.Option(exists=True, help="PEM key that seals it.")],
    certificate: Annotated[Path, typer.Option(exists=True, help="PEM certificate of that key.")],
) -> None:
    """Write the rules of this program as one signed file."""
    if not version.isprintable() or not 0 < len(version) <= 40:
        wrong_use("A version has 1 to 40 characters that can be printed")
    try:
        out.write_bytes(rules.publish(version, Signer.load(key, certificate), system_clock()))
    except (OSError, UnusableKey, ValueError) as fault:
        refused(f"Not published: {fault}")
    console.print(f"{out}: rules {version}, {rules.digest()}", markup=False, highlight=False)


@group.command()
def verify(pack: PackFile, seal: SealFile, as_json: AsJson = False) -> None:
    """Check the seal of a pack, and whether its rules are those of this program; exits with 1 unless both."""
    read = _read(pack, seal)
    same = read.digest == rules.digest()
    if as_json:
        print_json({"version": read.version, "digest": read.digest, "same": same})
    else:
        told = "the rules of this program" if same else "other rules than this program has"
        console.print(f"{pack}: {read.version}, {read.digest}: {told}", markup=False, highlight=False)
    if not same:
        raise typer.Exit(1)


@group.command()
def changes(old: PackFile, new: PackFile, seal: SealFile, as_json: AsJson = False) -> None:
    """Write the change notice between two packs: what changes, for whom, and from when."""
    first, second = _read(old, seal), _read(new, seal)
    if as_json:
        print_json([asdict(one) for one in between.changes(first.index, second.index)])
    else:
        typer.echo(between.notice(first, second), nl=False)


def _read(file: Path, seal: Path) -> rules.Pack:
    try:
        return rules.read(file.read_bytes(), load_seals(seal))
    except (BadContainer, Unreadable, BadSignature, ForeignSeal, rules.NotAPack) as flaw:
        refused(f"{file} is no pack to rely on: {flaw}")
    except (OSError, ValueError) as fault:
        wrong_use(f"{file} cannot be read: {fault}")
