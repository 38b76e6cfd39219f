"""What all commands of a sender share: the profile, the files, keeping what came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import wrong_use
from adapters.client import Profile

ProfileFile = Annotated[Path, typer.Option("--profile", help="The member's profile (TOML).")]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


def read_profile(file: Path) -> Profile:
    """The profile, or one line about what is wrong with it."""
    try:
        return Profile.load(file)
    except (OSError, ValueError) as error:
        wrong_use(str(error))


def keep(file: Path, content: bytes) -> None:
    """Write a file whole: it has its name only when it is complete."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    part.replace(file)
