"""Files that must be refused: one function or entry for each defect, named for it, with the codes due.

`all_vectors` collects them from the modules of this package. Each is made anew for a sender, because the same
bytes a second time are no new deposit. See tests/vectors/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from tests.vectors.hostile.forging import Forger

Make = Callable[[Forger], bytes]

MODULES = ("markup", "signatures", "heads", "values", "keys", "boxes", "titles")


@dataclass(frozen=True, slots=True)
class Vector:
    """One bad file.

    Attributes:
        name: what is wrong with it.
        codes: the codes due, in order.
        make: makes it, for a sender.
        title: makes the name it is deposited under; None for a good one.
    """

    name: str
    codes: tuple[str, ...]
    make: Make
    title: Callable[[Forger], str] | None = None


class Shelf:
    """The vectors of a module."""

    def __init__(self) -> None:
        self.vectors: list[Vector] = []

    def due(self, *codes: str) -> Callable[[Make], Make]:
        """A function that makes one file."""

        def enter(make: Make) -> Make:
            self.add(make.__name__, make, *codes)
            return make

        return enter

    def add(self, name: str, make: Make, *codes: str, title: Callable[[Forger], str] | None = None) -> None:
        """One file."""
        self.vectors.append(Vector(name, codes, make, title))

    def table(self, stem: str, variants: Mapping[str, Make], *codes: str) -> None:
        """Several files with the same codes due."""
        for name, make in variants.items():
            self.add(f"{stem}_{name}", make, *codes)


def all_vectors() -> list[Vector]:
    """Every vector; no name twice."""
    found: list[Vector] = []
    for module in MODULES:
        shelf: Shelf = import_module(f"{__name__}.{module}").SHELF
        found += shelf.vectors
    assert len({vector.name for vector in found}) == len(found)
    return found
