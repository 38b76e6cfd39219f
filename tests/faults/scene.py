"""Disk, gateway and witness together, and how a fault is played on them.

A cycle: batches are on their way, a fault comes, it ends, the gateway is there again within a minute and
every batch is answered and acknowledged. Now and then the gateway is stopped and everything is compared
(`Scene.judge`).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters.premises import database_of
from adapters.settings import Settings
from gateway.moments import system_clock
from tests.faults.book import Book
from tests.faults.checker import Report, check, strays
from tests.faults.disk import Cut
from tests.faults.power import Power, forgetful
from tests.faults.station import Station, station
from tests.faults.supply import Item, Supply
from tests.faults.weakened import drop_key
from tests.faults.witnessed import Clients, clients
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, house, wait_for

SERVICE_SECONDS = 60.0
"""Within which everything is as usual again when a fault has ended."""


@dataclass(slots=True)
class Scene:
    """Where faults are played.

    Attributes:
        home: makes what members send; its own gateway is closed.
        power: the disk under the gateway; None where it is an ordinary folder.
        draw: whatever is drawn, is drawn from this.
        played: how often each fault was played.
        last: the fault that was played last.
        seconds: of each, from its end until everything was as usual.
    """

    folder: Path
    home: House
    power: Power | None
    station: Station
    clients: Clients
    supply: Supply
    draw: random.Random
    played: Counter[str] = field(default_factory=Counter)
    last: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def disk(self) -> Power:
        assert self.power is not None
        return self.power

    def send(self, items: Sequence[Item] = ()) -> None:
        """Have the witness send, without waiting; something drawn if nothing is given."""
        self.clients.send(items or self.supply.some(), self.station)

    def play(self, name: str, fault: Fault) -> None:
        """A fault under load; afterwards everything is as usual within a minute.

        Raises:
            AssertionError: it is not.
        """
        self.station.keep_up()
        self.last = name
        fault(self)
        ended = time.monotonic()
        self.station.keep_up()
        self.wait()
        self.played[name] += 1
        self.seconds.setdefault(name, []).append(time.monotonic() - ended)

    def wait(self) -> None:
        """Everything that was sent is answered and acknowledged; a gateway that ends by itself is started
        again."""
        until = time.monotonic() + SERVICE_SECONDS
        while not self.clients.quiet(0.5):
            self.station.keep_up()
            assert time.monotonic() < until, self._story()

    def _story(self) -> str:
        """What is still open, for the report of a failed run."""
        columns = 'id, state, tries, received, not_before, "group", fault'
        query = f"SELECT {columns} FROM deposit WHERE state <> 'done'"
        with (
            closing(database_of(Settings(data=self.station.data))) as database,
            database.read() as connection,
        ):
            rows = connection.exec_driver_sql(query).all()
        return "\n".join([self.clients.left(), *map(str, rows), self.station.tail()])

    def moment(self, most: float) -> None:
        """Let as many seconds pass, drawn up to the most; fewer when there is nothing under way any more."""
        self.clients.quiet(self.draw.uniform(0, most))

    def restart(self, what: Cut) -> None:
        """The power comes back, and the gateway with it."""
        self.disk.again(what, self.draw.randrange(2**32))
        self.station.start()

    def judge(self) -> Report:
        """Stop, and compare everything with what clients were told."""
        self.station.keep_up()
        self.station.stop()
        if self.power is not None and strays(self.station.data):
            # The fault ended no process: what was kept and not entered is set aside after the next start.
            self.station.start()
            wait_for(lambda: None if strays(self.station.data) else True)
            self.station.stop()
        report = check(self.station.data, Book.read(self.clients.book), self.supply.expected)
        if self.station.raised():
            report.find("a failure nobody foresaw is in the log")
        return report


Fault = Callable[[Scene], None]
"""Has batches sent, lets something happen while they are under way, and ends it."""


def _yesterday() -> datetime:
    """When members were registered: long enough ago for a clock that is put back."""
    return system_clock() - timedelta(days=1)


@contextmanager
def scene(
    folder: Path,
    seed: int,
    *,
    disk: bool = True,
    weaknesses: Sequence[str] = (),
    without_key: bool = False,
    **settings: str | int,
) -> Iterator[Scene]:
    """A gateway with two members and their clients, its doors open.

    Args:
        disk: on a forgetful disk instead of an ordinary folder.
        weaknesses: what is taken away from it, for negative controls.
        without_key: so is the unique key of its inbox.
    """
    with house(folder, clock=_yesterday) as home:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        employers = {
            home.sender(MEMBER, [EMPLOYER]): EMPLOYER,
            home.sender(OTHER_MEMBER, [OTHER_EMPLOYER]): OTHER_EMPLOYER,
        }
    data = home.settings.data
    if without_key:
        drop_key(data)
    draw = random.Random(seed)
    with ExitStack() as stack:
        power = None
        if disk:
            power = stack.enter_context(forgetful(folder / "disk"))
            power.load(data)
            data = power.folder
        gateway = stack.enter_context(station(data, folder / "station.log", weaknesses))
        gateway.settings.update(settings)
        gateway.clock = folder / "clock"
        gateway.clock.write_text("0")
        witness = stack.enter_context(clients(folder / "witness"))
        gateway.start()
        yield Scene(folder, home, power, gateway, witness, Supply(home, employers, draw), draw)
