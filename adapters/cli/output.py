"""How commands speak: a table or a sentence for people, one JSON object with `--json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
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


def progress(steps: Iterable[T], title: str, total: int) -> Iterable[T]:
    """A progress bar on standard error for work of many steps."""
    return track(steps, title, total, console=errors, disable=total < LONG)


def wrong_use(sentence: str) -> NoReturn:
    """Say in one line what is wrong with the call, and leave with status 2."""
    errors.print(sentence, style="red", markup=False, highlight=False)
    raise typer.Exit(2)


def refused(sentence: str) -> NoReturn:
    """Say in one line why it was not done, and leave with status 1."""
    errors.print(sentence, style="red", markup=False, highlight=False)
    raise typer.Exit(1)
