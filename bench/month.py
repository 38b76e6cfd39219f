"""A national month through both doors of a gateway process, beside the C tools on the same bytes.

    make bench-month ARGS="--fraction 0.01 --seed 1"

The whole month is 932,563 wages and 45,380 entries and exits of 97,075 employers, in about 42,000 signed
batches from 2,000 senders; sizes are log-normal, the largest has 50,000 wages. A fraction of it has as much
less of everything, and its largest batch no more than a twentieth of its wages. People and companies are
made up and everybody is affiliated, so that every good record takes effect.

Senders deposit from this process, two thirds over HTTPS and the others over SFTP, each its files one after
the other. First three quarters of the files without a pause: from the first upload to the last
acknowledgement. Then the others at half of that pace, at intervals drawn from the seed: from the begin of a
connection to the receipt, as the sender sees it, and from there to the acknowledgement. Then `secugate bill`.
The gateway is what `secugate serve` opens, with its full promises; its CPU is that of its process and of the
booths, told apart by the kernel.

The C tools get all files of the first part: `xmllint --stream --schema` for each form, and `xmlsec1
--verify`. It fails when a deposit is not answered once, or a good record is refused; never for its time.
Figures are of this machine and run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from adapters.cli.output import progress
from adapters.database import tables
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.installation import install
from adapters.serve import Gateway
from adapters.settings import Settings
from bench.path import ROOT, SIGNED_PROPERTIES, cpu_of
from bench.people import companies, people
from gateway.batch import MemberId
from gateway.client import https, sftp
from gateway.moments import Received, system_clock
from gateway.registers import Affiliation
from gateway.returns import acktrt
from gateway.states import OPEN
from tests.durability.running import Running, command, environment, running
from tests.house import House, Sender, entry, wage
from tests.tools import tool

EMPLOYERS, WAGES, MOVES, SENDERS = 97_075, 932_563, 45_380, 2_000
BATCHES, MOVE_BATCHES = 42_000, 12_000
"""All of them, and those of entries and exits: assumed."""
SPREAD = 1.6
"""Of the logarithm of the wages of a batch: assumed."""
LARGEST, LARGEST_SHARE = 50_000, 0.05
FULL_SHARE = 0.75
CONNECTIONS = 8
OVER_SFTP = 3
"""Every so many-th sender comes over SFTP."""
ASK_SECONDS = 0.25
FILES_AT_ONCE = 200
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class File:
    """A signed batch, ready to be deposited."""

    sender: Sender
    code: str
    name: str
    path: Path
    records: int


@dataclass(slots=True)
class Month:
    """Who sends what."""

    senders: list[Sender] = field(default_factory=list)
    files: list[File] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(file.records for file in self.files)


def sizes(wages: int, batches: int, draw: random.Random) -> list[int]:
    """The wages of each batch: log-normal, one as large as they come, so many in all."""
    largest = min(LARGEST, int(wages * LARGEST_SHARE))
    mean = (wages - largest) / max(1, batches - 1)
    middle = math.log(mean) - SPREAD**2 / 2
    found = [max(1, round(draw.lognormvariate(middle, SPREAD))) for _ in range(batches - 1)]
    over = sum(found) / (wages - largest)
    return [largest, *(max(1, round(each / over)) for each in found)]


def month(home: House, fraction: float, seed: int, folder: Path) -> Month:
    """Employers, senders, people and their signed files."""
    draw, made = random.Random(seed), Month()
    employers = list(itertools.islice(_all_companies(), max(2, round(EMPLOYERS * fraction))))
    count = max(2, round(SENDERS * fraction))
    for employer in progress(employers, "employers", len(employers)):
        home.employer(employer)
    clients = [employers[number::count] for number in range(count)]
    for number, own in enumerate(progress(clients, "senders", count)):
        member = MemberId(own[0], f"{300_000 + number}")
        made.senders.append(home.sender(member, own, kind="fiduciary" if len(own) > 1 else "employer"))
    crowd = people()
    batches = max(4, round((BATCHES - MOVE_BATCHES) * fraction))
    planned = [("DECSAL", size) for size in sizes(round(WAGES * fraction), batches, draw)]
    moves, move_batches = round(MOVES * fraction), max(1, round(MOVE_BATCHES * fraction))
    planned += [("DECAFF", len(range(place, moves, move_batches))) for place in range(move_batches)]
    draw.shuffle(planned)
    for number, (code, size) in enumerate(progress(planned, "signing", len(planned))):
        place = number % count
        sender, own = made.senders[place], clients[place]
        insured = list(itertools.islice(crowd, size))
        path = folder / f"{number}.xml"
        path.write_bytes(home.batch(sender, code, list(declared_by(home, code, insured, own, draw))))
        made.files.append(File(sender, code, home.name(code, sender.member), path, size))
    return made


def _all_companies() -> Iterator[str]:
    return itertools.chain.from_iterable(companies(f"{form}") for form in range(80, 100))


def declared_by(
    home: House, code: str, insured: Sequence[str], employers: Sequence[str], draw: random.Random
) -> Iterator[dict[str, str]]:
    """Wages of affiliated people, or entries of people and exits of affiliated ones."""
    begun: list[Affiliation] = []
    for one in insured:
        employer = draw.choice(employers)
        affiliated = Affiliation(employer, one, date(2015, 1, 1), None, "I", "03")
        if code == "DECSAL":
            begun.append(affiliated)
            yield wage(
                one,
                employer,
                BaseWage=f"{draw.randint(1200, 9000)}.{draw.randint(0, 99):02d}",
                WorkHours=str(draw.randint(80, 173)),
            )
        elif draw.random() < 0.5:
            yield entry(one, employer)
        else:
            begun.append(affiliated)
            yield {
                "Kind": "exit",
                "Employer": employer,
                "Insured": one,
                "Entry": "2015-01-01",
                "Exit": "2026-07-31",
                "ExitReason": "1",
            }
    with home.gateway.database.write() as connection:
        register = SqlAffiliations(connection)
        for affiliated in begun:
            register.open(affiliated)


class Clients:
    """Senders at the doors: a connection each time, its files one after the other."""

    def __init__(self, open_at: Running) -> None:
        self._open_at = open_at
        self.receipts: list[float] = []
        self._lock = threading.Lock()

    def deposit(self, file: File) -> None:
        """Deposit a file and note how long the receipt took, connection and all."""
        profile = self._open_at.profile(file.sender)
        content = file.path.read_bytes()
        over = sftp if int(file.sender.member.number) % OVER_SFTP == 0 else https
        began = time.perf_counter()
        with over.enter(profile) as door:
            door.deposit(file.name, content)
        with self._lock:
            self.receipts.append(time.perf_counter() - began)


def without_a_pause(clients: Clients, files: Sequence[File]) -> None:
    """All senders at once, so many connections; those of a sender one after the other."""
    of_sender: dict[MemberId, list[File]] = {}
    for file in files:
        of_sender.setdefault(file.sender.member, []).append(file)

    def send(own: Sequence[File]) -> None:
        for file in own:
            clients.deposit(file)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(send, own) for own in of_sender.values()]:
            done.result()


def at_pace(clients: Clients, files: Sequence[File], a_second: float, draw: random.Random) -> None:
    """Files arrive at random, so many a second on average, whatever becomes of those before."""
    with ExitStack() as stack:
        lines = {
            file.sender.member: stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="sender"))
            for file in files
        }
        sent, due = [], time.perf_counter()
        for file in files:
            due += draw.expovariate(a_second)
            time.sleep(max(0.0, due - time.perf_counter()))
            sent.append(lines[file.sender.member].submit(clients.deposit, file))
        for each in sent:
            each.result()


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of CPU of the gateway and of its booths, and their peak memory in bytes."""

    gateway: float
    booths: float
    gateway_memory: int
    booth_memory: int


def used(process: int) -> Used:
    """What a gateway process and its children have used so far."""
    alive = [_counted(one) for one in family(process) - {process}]
    own, reaped = seconds_of(process)
    memory = max((each[1] for each in alive), default=0)
    return Used(own, reaped + sum(each[0] for each in alive), _peak(process), memory)


def family(process: int) -> set[int]:
    """A gateway process, its booths and what they have started."""
    children: list[int] = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        children += [int(each) for each in (thread / "children").read_text().split()]
    found = {process, *children}
    for child in children:
        found |= {int(each) for each in Path(f"/proc/{child}/task/{child}/children").read_text().split()}
    return found


def _counted(process: int) -> tuple[float, int]:
    try:
        return sum(seconds_of(process)), _peak(process)
    except FileNotFoundError:  # it ended just now; its parent has its seconds
        return 0.0, 0


def seconds_of(process: int) -> tuple[float, float]:
    """Of a process itself, and of its children that ended (proc(5), fields 14 to 17 of stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = (int(each) / TICKS for each in fields[11:15])
    return user + system, children_user + children_system


def _peak(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def wait_until_treated(home: House) -> None:
    """Ask so rarely that asking costs nothing to speak of."""
    waiting = {state.value for state in OPEN}
    while home.gateway.deposits.counts().keys() & waiting:
        time.sleep(ASK_SECONDS)


def acknowledged(home: House, names: frozenset[str]) -> list[float]:
    """Seconds from receipt to acknowledgement of some files, in order."""
    kept, posted = tables.table(tables.Deposit), tables.table(tables.Answer)
    query = (
        sa.select(kept.c.name, kept.c.received, posted.c.posted)
        .join(posted, posted.c.deposit == kept.c.id)
        .where(posted.c.kind == acktrt.CODE)
    )
    with home.gateway.database.read() as connection:
        rows = connection.execute(query).all()
    return sorted(
        (Received.parse(row.posted).at - Received.parse(row.received).at).total_seconds()
        for row in rows
        if row.name in names
    )


def wrong(home: House, files: Sequence[File]) -> list[str]:
    """What is not as it has to be: a deposit without its one end, a good record refused."""
    kept = tables.table(tables.Deposit)
    with home.gateway.database.read() as connection:
        rows = connection.execute(sa.select(kept.c.name, kept.c.accepted, kept.c.records)).all()
    found = {row.name: (row.accepted, row.records) for row in rows}
    expected = {file.name: (file.records, file.records) for file in files}
    odd = [
        f"{name}: {found.get(name)} of {counts}"
        for name, counts in expected.items()
        if found.get(name) != counts
    ]
    return odd + ([] if len(rows) == len(files) else [f"{len(rows)} deposits of {len(files)} files"])


def c_tools(home: House, files: Sequence[File]) -> Mapping[str, float]:
    """Seconds of CPU of `xmllint` and `xmlsec1` on the same files."""
    lint = 0.0
    for code in sorted({file.code for file in files}):
        form = ROOT / "xsd" / code.lower() / "1.0.xsd"
        check = [tool("xmllint"), "--noout", "--stream", "--schema", str(form)]
        lint += _over(check, [file for file in files if file.code == code])
    trusted = ["--trusted-pem", str(home.trust), "--id-attr:Id", SIGNED_PROPERTIES]
    return {"xmllint": lint, "xmlsec1": _over([tool("xmlsec1"), "--verify", *trusted], files)}


def _over(check: Sequence[str], files: Sequence[File]) -> float:
    parts = [files[place : place + FILES_AT_ONCE] for place in range(0, len(files), FILES_AT_ONCE)]
    return sum(cpu_of([*check, *(str(file.path) for file in part)]) for part in parts)


def bill(data: Path) -> Mapping[str, float]:
    """`secugate bill` for the month: seconds on the wall, of CPU, and how many statements."""
    began = time.perf_counter()
    before = os.times()
    arguments = command("bill", "--period", "2026-07", "--data", str(data), "--json")
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, env=environment())
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "statements": len(json.loads(done.stdout)["issued"]),
        "wall s": time.perf_counter() - began,
        "CPU s": cpu,
    }


def measure(fraction: float, seed: int, *, billing: bool = True) -> dict[str, object]:
    """One month, or a part of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data=folder / "gateway", https_port=0, sftp_port=0)
        install(settings, system_clock())
        home = House(folder, settings, system_clock, Gateway(settings))
        (folder / "files").mkdir()
        made = month(home, fraction, seed, folder / "files")
        many = round(len(made.files) * FULL_SHARE)
        full, half = made.files[:many], made.files[many:]
        with running(settings.data) as gateway:
            clients = Clients(gateway)
            before, began, mine = used(gateway.process.pid), time.perf_counter(), time.process_time()
            without_a_pause(clients, full)
            wait_until_treated(home)
            wall, mine = time.perf_counter() - began, time.process_time() - mine
            after = used(gateway.process.pid)
            clients.receipts.clear()
            at_pace(clients, half, len(full) / wall / 2, random.Random(seed))
            wait_until_treated(home)
        receipts = sorted(clients.receipts)
        answers = acknowledged(home, frozenset(file.name for file in half))
        tools = c_tools(home, full)
        cpu = {"gateway": after.gateway - before.gateway, "booths": after.booths - before.booths}
        records = sum(file.records for file in full)
        odd = wrong(home, made.files)
        home.gateway.database.close()
        return {
            "deposits": len(made.files),
            "deposits without a pause": len(full),
            "records": made.records,
            "MB": sum(file.path.stat().st_size for file in made.files) / 1e6,
            "wall s": wall,
            "records a second": records / wall,
            "whole month, min": wall * (WAGES + MOVES) / records / 60,
            "CPU s": cpu,
            "CPU of the senders s": mine,
            "peak MB": {"gateway": after.gateway_memory / 1e6, "booth": after.booth_memory / 1e6},
            "C tools, CPU s": tools,
            "CPU ratio": sum(cpu.values()) / sum(tools.values()),
            "receipt s": _percentiles(receipts),
            "acknowledgement s": _percentiles(answers),
            "bill": bill(settings.data) if billing else {},
            "wrong": odd[:20],
        }


def _percentiles(seconds: Sequence[float]) -> Mapping[str, float]:
    last = seconds[math.ceil(0.99 * len(seconds)) - 1]
    return {"p50": statistics.median(seconds), "p99": last, "most": seconds[-1]}


def lines(found: Mapping[str, object], before: str = "") -> Iterator[str]:
    """A line a figure."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from lines(value, f"{before}{name}: ")
        else:
            text = (
                f"{value:,.3f}"
                if isinstance(value, float)
                else f"{value:,}"
                if isinstance(value, int)
                else value
            )
            yield f"{before + name:40} {text}"


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fraction", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-bill", action="store_true", help="leave `secugate bill` out")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    found = measure(given.fraction, given.seed, billing=not given.without_bill)
    if given.as_json:
        print(json.dumps(found))
    else:
        print(f"a national month times {given.fraction}, seed {given.seed}")
        print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}")
        print("\n".join(lines(found)))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
