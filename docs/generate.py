"""Writes the pages of `docs/reference/` from the tables they tell: forms, codes, states, catalogue.

    python docs/generate.py

`make check` runs it and then demands a clean tree, so the pages cannot go stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway.moments import Received
from gateway.procedures import EVERY_DEPOSIT, PROCEDURES, Procedure
from gateway.rejections import REJECTIONS, Level, Rejection
from gateway.states import TRANSITIONS, State
from xsd import Form, FormField, catalogue

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"
TODAY = Received(datetime(2026, 8, 3, tzinfo=UTC)).day


def cell(text: str) -> str:
    """A text that fits into one cell of a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def procedures() -> str:
    """Each procedure: what its module says of it, its answers, its fields."""
    return f"{NOTE}# Procedures\n\n" + "\n".join(map(procedure, PROCEDURES))


def procedure(one: Procedure) -> str:
    form = catalogue().form(one.code, "1.0", TODAY)
    module = sys.modules[one.handle.__module__].__doc__ or ""
    answers = ", ".join((*EVERY_DEPOSIT, *one.answers))
    return (
        f"## {one.code}\n\n{module.strip()}\n\n"
        f"Family {one.family}; answers {answers}; record `{one.record}`.\n\n"
        + table(("No", "Element", "Type", "Required", "Code when wrong", "Meaning"), rows(form))
    )


def rows(form: Form) -> Iterator[tuple[str, ...]]:
    return (row(field) for field in form.fields)


def row(field: FormField) -> tuple[str, ...]:
    required = "yes" if field.required else ""
    return (
        str(field.number),
        f"`{field.name}`",
        field.type_name,
        required,
        field.rejection,
        field.documentation,
    )


def codes() -> str:
    """Every code a sender can meet, with what to do."""
    lead = "What each code means and what to do; texts in French and German are in every answer."
    parts = [f"{NOTE}# Codes\n\n{lead}\n"]
    for level, title in (
        (Level.FILE, "The whole file is refused"),
        (Level.RECORD, "A record is refused"),
        (Level.HINT, "A hint: the record is not refused"),
    ):
        found = (one for one in REJECTIONS.values() if one.level is level)
        parts.append(
            f"\n## {title}\n\n"
            + table(("Code", "Meaning", "What to do", "Legal basis"), map(explained, found))
        )
    return "".join(parts)


def explained(one: Rejection) -> tuple[str, ...]:
    return (f"`{one.key}`", one.texts["en"], one.remedies["en"], one.legal_basis or "")


def states() -> str:
    """The life of a deposit, as a picture and as a table."""
    arrows = "".join(
        f"    {before.value} --> {after.value}: {event.value}\n"
        for (before, event), after in TRANSITIONS.items()
    )
    meanings = table(("State", "Meaning"), ((f"`{state.value}`", meaning(state)) for state in State))
    return (
        f"{NOTE}# The life of a deposit\n\n```mermaid\nstateDiagram-v2\n    [*] --> received\n{arrows}"
        f"    rejected --> [*]\n    done --> [*]\n```\n\n{meanings}"
    )


def meaning(state: State) -> str:
    source = (ROOT / "gateway" / "states.py").read_text()
    found = re.search(rf'{state.name} = "[a-z]+"\n    """(.*?)"""', source, re.DOTALL)
    assert found is not None, state
    return found[1]


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for name, page in (("procedures", procedures()), ("codes", codes()), ("states", states())):
        (REFERENCE / f"{name}.md").write_text(page)


if __name__ == "__main__":
    main()
