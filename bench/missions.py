"""Interim missions in small files, through a whole gateway: how many a second, and how long each waits.

    make bench-missions ARGS="--missions 388790"

A mission is one record with both its dates, or an entry and later an exit. Missions are drawn from the
seed: 14.7 a worker and year, most of them renewals at the same user company, some at another one, some
sharing days, some of students; those of a worker in the order of time. Agencies send 1 to 20 records a
file, signed before the clock starts.

Two phases in one gateway. First two thirds of the files are deposited one after the other without a
pause, so that files always wait: records a second, from the first upload to the last acknowledgement.
Then the others arrive at half of that pace, at intervals drawn from the seed, whatever became of those
before (open loop): from a complete upload, as the receipt states it, to the end of the transaction that
posts its acknowledgement. Figures are of this machine and this run.
"""

from __future__ import annotations

import argparse
import itertools
import math
import platform
import random
import statistics
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from adapters.cli.output import progress
from adapters.database import tables
from adapters.database.members import AGENCY
from bench.people import companies, people
from gateway.batch import MemberId
from gateway.moments import Received, system_clock
from gateway.names import Extension
from gateway.procedures.agency.decint import FORM
from gateway.returns import acktrt
from gateway.states import OPEN
from tests.house import House, Sender, house

YEAR = 388_790
"""Interim missions of a year, and how many each worker has."""
PER_WORKER = 14.7
AGENCIES = 20
USERS = 300
FIRST = date(2025, 1, 1)
LENGTHS = (1, 3, 5, 5, 5, 12, 19)
"""Days of a mission."""
MOST_RECORDS = 20
"""Records of a file, 1 to this."""
LOAD_SHARE = 2 / 3
"""Share of the files that measure the pace; the others arrive at half of it."""
OTHER_THREADS = ("MainThread", "door", "engine")
"""Names with which threads begin that treat no deposits: ours, and the one that hands deposits out."""
OPEN_STATES = {state.value for state in OPEN}
ASK_SECONDS = 0.2

Fields = dict[str, str]


class Event(NamedTuple):
    """A record of a worker, with the day on which the agency would send it."""

    day: date
    place: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class File:
    """A signed batch, ready to be deposited."""

    sender: Sender
    name: str
    path: Path
    records: int


def missions_of(worker: str, agency: str, users: Sequence[str], draw: random.Random) -> Iterator[list[Event]]:
    """The missions of a worker, without end, in the order of time: a list of one or two records each."""
    student = draw.random() < 0.08
    user, first, last = draw.choice(users), FIRST + timedelta(draw.randrange(60)), FIRST
    for place in itertools.count(step=2):
        turn = draw.random()
        if place and turn < 0.70:  # a renewal
            first = last + timedelta(1)
        elif place and turn < 0.80:  # after a few free days
            first = last + timedelta(draw.randint(3, 9))
        elif place and turn < 0.95:  # elsewhere
            user, first = draw.choice(users), last + timedelta(draw.randint(1, 5))
        elif place:  # elsewhere, on days of the last one
            other = draw.choice([each for each in users if each != user])
            user, first = other, max(first, last - timedelta(1))
        last = first + timedelta(draw.choice(LENGTHS) - 1)
        stated = _mission(worker, agency, user, first, student=student)
        if draw.random() < 0.85:
            yield [Event(first, place, {**stated, "Exit": last.isoformat()})]
        else:
            exit_ = {"Kind": "exit", "Employer": agency, "Insured": worker, "User": user}
            yield [
                Event(first, place, {**stated, "Kind": "entry"}),
                Event(last, place + 1, {**exit_, "Entry": first.isoformat(), "Exit": last.isoformat()}),
            ]


def _mission(worker: str, agency: str, user: str, first: date, *, student: bool) -> Fields:
    return {
        "Kind": "mission",
        "Employer": agency,
        "Insured": worker,
        "User": user,
        "Country": "FR",
        "Postcode": "57000",
        "Town": "Metz",
        "Occupation": "Cariste",
        "OccupationCode": "8344",
        "Scheme": "01",
        "WeeklyHours": "40.00",
        "ContractType": "E" if student else "D",
        "Entry": first.isoformat(),
        "WorkplaceCountry": "LU",
        "WorkplacePostcode": "1471",
        "WorkplaceTown": "Luxembourg",
    }


def records(missions: int, agencies: Sequence[str], seed: int) -> Mapping[str, list[Fields]]:
    """The records of each agency, in the order in which it sends them."""
    draw = random.Random(seed)
    users = list(itertools.islice(companies("98"), USERS))
    events: dict[str, list[Event]] = {agency: [] for agency in agencies}
    left = missions
    for worker in people():
        agency = draw.choice(agencies)
        count = min(left, max(1, round(draw.gammavariate(2, PER_WORKER / 2))))
        for mission in itertools.islice(missions_of(worker, agency, users, draw), count):
            events[agency] += mission
        left -= count
        if not left:
            break
    return {agency: [event.fields for event in sorted(each, key=_order)] for agency, each in events.items()}


def _order(event: Event) -> tuple[date, str, int]:
    return event.day, event.fields["Insured"], event.place


def files(home: House, missions: int, seed: int, folder: Path) -> list[File]:
    """All files, those of one agency in their order, those of different agencies mixed."""
    draw = random.Random(seed)
    agencies = list(itertools.islice(companies("99"), AGENCIES))
    of_agency = records(missions, agencies, seed)
    senders: dict[str, Sender] = {}
    for number, agency in enumerate(agencies):
        home.employer(agency)
        senders[agency] = home.sender(MemberId(agency, f"{300_000 + number}"), [agency], kind=AGENCY)
    planned: list[tuple[float, str, list[Fields]]] = []
    for agency, own in of_agency.items():
        place = 0
        while place < len(own):
            size = draw.randint(1, MOST_RECORDS)
            planned.append(((place + draw.random()) / len(own), agency, own[place : place + size]))
            place += size
    planned.sort(key=lambda each: each[0])
    ready: list[File] = []
    for number, (_, agency, batch) in enumerate(progress(planned, "signing", len(planned))):
        sender, path = senders[agency], folder / f"{number}.xml"
        path.write_bytes(home.batch(sender, "DECINT", [_in_order(each) for each in batch]))
        name = home.name("DECINT", sender.member, Extension.XML)
        ready.append(File(sender, name, path, len(batch)))
    return ready


def _in_order(fields: Fields) -> Fields:
    """The fields of a record in the order of the form."""
    return {name: fields[name] for name in FORM.fields if name in fields}


class Ends:
    """When transactions of the engine ended: the moments at which its threads gave a connection back.

    The acknowledgement states when its treatment began to write; by the end all of it is on the disk.
    """

    def __init__(self, home: House) -> None:
        self._at: list[datetime] = []
        sa.event.listen(home.gateway.database.engine, "checkin", self._note)

    def _note(self, *_: object) -> None:
        if not threading.current_thread().name.startswith(OTHER_THREADS):
            self._at.append(system_clock())

    def after(self, moment: datetime) -> datetime:
        """The first end since a moment; nothing else of the engine's ends while a deposit is written."""
        return self._at[bisect_left(self._at, moment)]


def deposit(home: House, file: File, content: bytes) -> None:
    """Deposit a file as a door does."""
    home.receive(file.sender, file.name, content)


def wait_until_treated(home: House) -> None:
    """Ask so rarely that asking costs nothing to speak of."""
    while home.gateway.deposits.counts().keys() & OPEN_STATES:
        time.sleep(ASK_SECONDS)


def at_full_load(home: House, given: Sequence[File]) -> None:
    """Deposit without a pause, then wait for the last acknowledgement."""
    for file in progress(given, "always waiting", len(given)):
        deposit(home, file, file.path.read_bytes())
    wait_until_treated(home)


def at_half_load(home: House, given: Sequence[File], pace: float, seed: int) -> None:
    """Let files arrive at random, so many a second, whatever becomes of those before.

    Args:
        pace: files a second, on average.
    """
    draw = random.Random(seed)
    with ExitStack() as stack:
        # A connection for each sender, so that its files stay in their order.
        doors = {
            file.sender.member: stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="door"))
            for file in given
        }
        uploads: list[Future[None]] = []
        due = time.perf_counter()
        for file in progress(given, "at half of that", len(given)):
            content = file.path.read_bytes()
            due += draw.expovariate(pace)
            time.sleep(max(0.0, due - time.perf_counter()))
            uploads.append(doors[file.sender.member].submit(deposit, home, file, content))
        for upload in uploads:
            upload.result()
    wait_until_treated(home)


@dataclass(frozen=True, slots=True)
class Answered:
    """A deposit: when its upload was complete, when its acknowledgement was there, and its records."""

    received: datetime
    ended: datetime
    records: int
    accepted: int

    @property
    def seconds(self) -> float:
        return (self.ended - self.received).total_seconds()


def answered(home: House, ends: Ends) -> list[Answered]:
    """All deposits, in the order of receipt."""
    kept, posted = tables.table(tables.Deposit), tables.table(tables.Answer)
    query = (
        sa.select(kept.c.received, posted.c.posted, kept.c.records, kept.c.accepted)
        .join(posted, posted.c.deposit == kept.c.id)
        .where(posted.c.kind == acktrt.CODE)
        .order_by(kept.c.number)
    )
    with home.gateway.database.read() as connection:
        rows = connection.execute(query).all()
    return [
        Answered(Received.parse(row[0]).at, ends.after(Received.parse(row[1]).at), row[2], row[3])
        for row in rows
    ]


def measure(missions: int, seed: int) -> dict[str, float]:
    """One round, in a gateway of its own."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
        spool = Path(folder) / "files"
        spool.mkdir()
        given = files(home, missions, seed, spool)
        many = round(len(given) * LOAD_SHARE)
        ends = Ends(home)
        at_full_load(home, given[:many])
        full = answered(home, ends)
        seconds = (max(each.ended for each in full) - full[0].received).total_seconds()
        at_half_load(home, given[many:], many / seconds / 2, seed)
        everything = answered(home, ends)
        half = everything[many:]
        assert len(everything) == len(given), "a file was not answered"
        assert all(each.accepted == each.records for each in everything), "a good record was refused"
        waits = sorted(each.seconds for each in half)
        return {
            "missions": missions,
            "records": sum(file.records for file in given),
            "files": len(given),
            "records/s": sum(each.records for each in full) / seconds,
            "files/s": many / seconds,
            "half load/s": len(half) / (half[-1].received - half[0].received).total_seconds(),
            "median ms": 1000 * statistics.median(waits),
            "p99 ms": 1000 * waits[math.ceil(0.99 * len(waits)) - 1],
            "most ms": 1000 * waits[-1],
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--missions", type=int, default=10_000, help=f"a year has {YEAR}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    print(f"interim missions in files of 1 to {MOST_RECORDS} records, seed {given.seed}")
    print(f"{platform.machine()}, Python {platform.python_version()}")
    for number in range(given.rounds):
        one = measure(given.missions, given.seed)
        if number == 0:
            print("".join(f"{name:>{len(name) + 3}}" for name in one))
        print("".join(f"{value:>{len(name) + 3}.0f}" for name, value in one.items()), flush=True)


if __name__ == "__main__":
    main()
