"""A watched folder for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from lxml import etree

from gateway.client.drop.places import Places
from gateway.client.drop.watch import Watcher
from gateway.client.profile import Profile
from gateway.moments import Clock, system_clock
from gateway.wire import read_answer_header
from tests.flow.premises import rows
from tests.house import EMPLOYER, MEMBER, House, Sender, wait_for

FIRST = f"0;{MEMBER.matricule};{MEMBER.number}\r\n"


def wages_of(insured: str, pay: int = 300_000) -> bytes:
    """A `.dta` file with one wage."""
    return f"{FIRST}1;{EMPLOYER};{insured};202607;{pay};160;0;0;0;0;0;0;0;;;;;;;\r\n".encode()


@dataclass(slots=True)
class Dropping:
    """A folder, its watcher, and what the watcher has said."""

    places: Places
    watcher: Watcher
    said: list[str] = field(default_factory=list)

    def put(self, name: str, content: bytes) -> Path:
        file = self.places.root / name
        file.write_bytes(content)
        return file

    def round(self) -> float | None:
        """One round, in which what lies there is found unchanged since the last look."""
        self.watcher.see()
        return self.watcher.round()

    def lying(self) -> list[str]:
        """The files that lie in the folder."""
        return sorted(file.name for file in self.places.root.iterdir() if file.is_file())

    def sent(self) -> list[str]:
        """The deposits that the gateway has, by name."""
        return sorted(room.name for room in self.places.sent.iterdir())

    def receipt(self, name: str) -> Path:
        """The receipt for a deposit."""
        return self.places.answers / f"{Path(name).stem}.ACKREC.XML"

    def acknowledgement(self, name: str) -> Path:
        """The acknowledgement of a deposit."""
        found = [
            file
            for file in self.places.answers.glob("*.ACKTRT.*")
            if read_answer_header(etree.parse(file).getroot()).deposit.name == name
        ]
        assert len(found) == 1
        return found[0]

    def until_answered(self) -> None:
        """Round after round until what became of everything that was sent has come."""

        def ask() -> bool | None:
            self.round()
            told = {line.partition(": ")[0] for line in self.said}
            return (bool(self.sent()) and set(self.sent()) <= told) or None

        wait_for(ask)


def dropping(
    sender: Sender,
    folder: Path,
    *,
    door: str = "https",
    clock: Clock = system_clock,
    sign: bool = True,
    change: Callable[[Profile], Profile] = lambda same: same,
) -> Dropping:
    """A watcher of a folder that has just started."""
    folder.mkdir(exist_ok=True)
    said: list[str] = []
    watcher = watcher_of(
        sender.profile, folder, door, said, clock=clock, change=lambda one: change(replace(one, sign=sign))
    )
    watcher.mend()
    return Dropping(Places(folder), watcher, said)


def watcher_of(
    profile: Path,
    folder: Path,
    door: str,
    said: list[str],
    *,
    clock: Clock = system_clock,
    change: Callable[[Profile], Profile] = lambda same: same,
) -> Watcher:
    """A watcher as the command makes it, which notes what it says."""
    enter = import_module(f"gateway.client.{door}").enter
    Places(folder).make()
    return Watcher(Places(folder), lambda: change(Profile.load(profile)), enter, clock, said.append)


def deposits(home: House, sender: Sender) -> list[str]:
    """Names of all deposits that the gateway has of a member, in order of receipt."""
    query = "SELECT name FROM deposit WHERE sender = :sender ORDER BY number"
    return [str(row["name"]) for row in rows(home, query, sender=str(sender.member))]
