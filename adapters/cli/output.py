"""How commands speak: a table or a sentence for people, one JSON object with `--json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from typing import Annotated, NoReturn, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from gateway.moments import Received

T = TypeVar("T")

LONG = 20
"""From so many steps on, a progress bar."""


class Language(StrEnum):
    """In which language codes are explained."""

    FR = "fr"
    DE = "de"
    EN = "en"


class Status(IntEnum):
    """With what a command ends; the table stands in docs/senders/start.md."""

    DONE = 0
    REFUSED = 1
    """Or different: something is blocking, a seal is bad, what was asked for cannot be."""
    WRONG_USE = 2
    NOT_NOW = 3
    """Only of a sender's commands: the same command may be given again at any time."""


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)


def print_json(content: object) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def at_second(moment: Received) -> str:
    """A moment as a table shows it: UTC, to the second."""
    return str(moment)[:19].replace("T", " ")


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], wraps: str | None = None
) -> None:
    """Print a table; what is in it is text, never markup.

    Args:
        wraps: the one column that gives way when the window is narrow; without it all do.
    """
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=wraps not in (None, column))
    for row in rows:
        table.add_row(*(escape(_shown(cell)) for cell in row))
    console.print(table)


def _shown(text: str) -> str:
    """A text without what would steer a terminal or turn its lines around."""
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)


def progress(steps: Iterable[T], title: str, total: int | None) -> Iterable[T]:
    """A progress bar on standard error for work of many steps; None: nobody knows how many, none for that."""
    is_short = total is None or total < LONG
    return track(steps, title, total, console=errors, disable=is_short)


def wrong_use(sentence: str) -> NoReturn:
    """Say in one line what is wrong with the call, and leave with status 2."""
    _leave(sentence, Status.WRONG_USE)


def refused(sentence: str) -> NoReturn:
    """Say in one line why it was not done, and leave with status 1."""
    _leave(sentence, Status.REFUSED)


def not_now(sentence: str) -> NoReturn:
    """Say in one line why it was not done yet, and leave with status 3."""
    _leave(sentence, Status.NOT_NOW)


def _leave(sentence: str, status: Status) -> NoReturn:
    errors.print(" ".join(sentence.split()), style="red", markup=False, highlight=False)
    raise typer.Exit(status)
