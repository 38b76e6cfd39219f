"""How long documents and rows are kept: terms as data, in `terms.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from gateway.moments import Period

FILE = Path(__file__).parent / "terms.yaml"
OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Term:
    """How long something is kept.

    Attributes:
        months: after the month it belongs to.
        source: of the rule; `assumed` where none is known.
        why: for what it is kept.
        counted_from: of a register, the column with the month or day it belongs to.
    """

    months: int
    source: str
    why: str
    counted_from: str = ""

    def is_over(self, month: Period, now: Period) -> bool:
        """Whether what belongs to a month need not be kept in another one."""
        return month.plus(self.months) < now


@dataclass(frozen=True, slots=True)
class Terms:
    """All terms.

    Attributes:
        documents: by procedure or form, and `otherwise`.
        registers: by table.
    """

    documents: Mapping[str, Term]
    registers: Mapping[str, Term]

    def of_documents(self, codes: Collection[str]) -> Term:
        """The longest term of documents that go together."""
        found = [self.documents.get(code, self.documents[OTHERWISE]) for code in codes]
        return max(found, key=lambda term: term.months, default=self.documents[OTHERWISE])


@cache
def terms() -> Terms:
    """The terms as they stand in the file.

    Raises:
        KeyError, ValueError: it is not spelt as it should be.
    """
    content = yaml.safe_load(FILE.read_text())
    documents, registers = (
        {name: Term(**{**row, "months": int(row["months"])}) for name, row in content[part].items()}
        for part in ("documents", "registers")
    )
    return Terms(documents, registers)
