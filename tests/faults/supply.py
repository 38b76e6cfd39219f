"""Batches of several members, and what they ask for, to be found afterwards exactly once each."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.matricule import person_number
from tests.faults.book import Key
from tests.house import House, Sender, entry, person, wage

SHARED = 4
"""People for whom several members ask."""
DOORS = ("https", "https", "sftp", "sftp", "curl", "openssh")


@dataclass(frozen=True, slots=True)
class Item:
    """A batch, the name it is sent under, and the door."""

    sender: Sender
    name: str
    content: bytes
    door: str

    @property
    def key(self) -> Key:
        """What its deposit is known by."""
        return str(self.sender.member), hashlib.sha256(self.content).hexdigest()


@dataclass(slots=True)
class Expected:
    """What the batches that were sent ask for."""

    wages: Counter[tuple[str, str]] = field(default_factory=Counter)
    persons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    deposits: set[Key] = field(default_factory=set)


class Supply:
    """Makes batches, each different from all others.

    Wages and the entries they need are made together and sent in either order. Some batches are sent
    twice, so that the same bytes are under way at two doors at once.

    Args:
        employers: the members, each with the employer it declares for.
    """

    def __init__(self, home: House, employers: Mapping[Sender, str], draw: random.Random) -> None:
        self.expected = Expected()
        self._home = home
        self._employers = employers
        self._draw = draw
        self._people = 0

    def some(self, people: int = 3, doors: Sequence[str] = DOORS) -> list[Item]:
        """What one member, drawn at random, sends at once."""
        sender = self._draw.choice(list(self._employers))
        made = self._numbers(sender) if self._draw.random() < 0.2 else self._wages(sender, people)
        twice = [one for one in made if self._draw.random() < 0.2]
        self._draw.shuffle(made)
        return [Item(sender, *one, self._draw.choice(doors)) for one in made + twice]

    def _wages(self, sender: Sender, most: int) -> list[tuple[str, bytes]]:
        employer = self._employers[sender]
        people = [self._insured() for _ in range(self._draw.randint(1, most))]
        self.expected.wages.update((employer, insured) for insured in people)
        entries, wages = ([of(one, employer) for one in people] for of in (entry, wage))
        return [self._signed(sender, "DECAFF", entries), self._signed(sender, "DECSAL", wages)]

    def _numbers(self, sender: Sender) -> list[tuple[str, bytes]]:
        employer = self._employers[sender]
        asked = [self._stranger() for _ in range(self._draw.randint(1, 2))]
        asked.append(_stranger(f"SHARED {'ABCDEFGH'[self._draw.randrange(SHARED)]}", 0))
        self.expected.persons.update((one["Surname"], one["FirstName"], one["BirthDate"]) for one in asked)
        return [self._signed(sender, "DEMMAT", [{**one, "Employer": employer} for one in asked])]

    def _signed(self, sender: Sender, code: str, records: list[dict[str, str]]) -> tuple[str, bytes]:
        name, content = self._home.signed(sender, code, records)
        self.expected.deposits.add((str(sender.member), hashlib.sha256(content).hexdigest()))
        return name, content

    def _insured(self) -> str:
        self._people += 1
        return person_number(date(1800, 1, 1) + timedelta(self._people // 900), self._people % 900 + 1)

    def _stranger(self) -> dict[str, str]:
        self._people += 1
        letters = "".join(chr(ord("A") + int(digit)) for digit in str(self._people))
        return _stranger(f"UNIQUE {letters}", self._people % 40)


def _stranger(surname: str, day: int) -> dict[str, str]:
    return person(Surname=surname, BirthDate=(date(1890, 1, 1) + timedelta(day)).isoformat())
