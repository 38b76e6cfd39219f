"""The implementations of the registers that must pass the same suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.memory import memory_registers
from gateway.registers import Employer, Identity, Mandate, Registers


@dataclass(frozen=True)
class Seeds:
    """What a register knows before a test: what the ports give no way to enter."""

    persons: Mapping[Identity, str] = field(default_factory=dict)
    employers: Iterable[tuple[int, Employer]] = ()
    mandates: Iterable[Mandate] = ()


Opener = Callable[[Path, Seeds], AbstractContextManager[Registers]]
"""Opens registers, inside a transaction of their own, with a folder to keep files in."""


@contextmanager
def in_memory(_folder: Path, seeds: Seeds) -> Iterator[Registers]:
    yield memory_registers(seeds.persons, seeds.employers, seeds.mandates)


IMPLEMENTATIONS: Mapping[str, Opener] = {"memory": in_memory}
"""A further implementation is one entry here."""
