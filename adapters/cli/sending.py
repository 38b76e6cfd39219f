"""What all commands of a sender share: the profile, the files, and how they end."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import not_now, refused, wrong_use
from gateway import client
from gateway.client.profile import Profile

ProfileFile = Annotated[Path, typer.Option("--profile", help="The member's profile (TOML).")]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


class DoorKind(StrEnum):
    """The doors of a gateway."""

    HTTPS = "https"
    SFTP = "sftp"


Which = Annotated[DoorKind, typer.Option(help="Through which door.")]

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def read_profile(file: Path) -> Profile:
    """The profile, or one line about what is wrong with it."""
    try:
        return Profile.load(file)
    except (OSError, ValueError) as error:
        wrong_use(str(error))


@contextmanager
def ended_in_words(undone: str) -> Iterator[None]:
    """Whatever hinders a sender's command ends it with one line, and with the status that is written down.

    Args:
        undone: what was not done, such as `Not sent`.
    """
    try:
        yield
    except client.NotNow as reason:
        not_now(f"{undone}: {_stop(reason)} Nothing is lost or doubled: give the same command again.")
    except client.Refused as reason:
        refused(f"{undone}: {reason}")
    except (client.Misused, client.Ungrouped, client.UnusableKey) as fault:
        wrong_use(str(fault))
    except ValueError as fault:
        refused(f"{undone}: {fault}")
    except OSError as error:
        if error.errno in _NO_ROOM:
            not_now(f"{undone}: there is no room on the disk. Make some, and give the same command again.")
        wrong_use(f"{undone}: {error}")


def _stop(sentence: object) -> str:
    told = str(sentence)
    return told if told.endswith(".") else f"{told}."
