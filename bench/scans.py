"""Requests for a number with a scan each, through a whole gateway: how long each waits for its answer.

    make bench-scans ARGS="--containers 200 --seed 1"

A request is what a fiduciary's program sends: one signed container with `DEMMAT.dta` for one person and the
scan of an identity card at 300 dpi. Persons and pictures are drawn from the seed, everything is signed
before the clock starts, and every request is for a new person and is accepted. The gateway has answered
one before, as one that is open has.

Twice as many as asked for, in one gateway: first one after the other, each sent when the one before is
answered; then in bursts of ten, sent without a pause, each burst when the one before is answered. Counted
from the complete upload, as the receipt states it, to the end of the transaction that posts the
acknowledgement; `stated` is how much earlier the acknowledgement itself says it was. Figures are of this
machine and this run.
"""

from __future__ import annotations

import argparse
import io
import itertools
import math
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa
from PIL import Image

from adapters.cli.output import progress
from adapters.database import tables
from bench.missions import Ends
from gateway import dta
from gateway.moments import Received, system_clock
from gateway.names import Extension
from gateway.returns import acktrt
from gateway.states import OPEN
from tests.house import EMPLOYER, MEMBER, House, Sender, house, person
from xsd import catalogue

CARD = (1012, 638)
"""85.6 by 54 mm (ISO/IEC 7810, ID-1) at 300 dots an inch, in dots."""
BURST = 10
PROMPT = timedelta(seconds=2)
"""Within which a technical answer is due."""
OPEN_STATES = {state.value for state in OPEN}
ASK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """A signed container, ready to be deposited."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """How long a deposit waited, and how much of that its acknowledgement does not state."""

    waited: timedelta
    unstated: timedelta


def card(draw: random.Random) -> bytes:
    """A picture as a scanner makes it: paper with a grain, which compresses badly."""
    across, down = (side // 2 for side in CARD)
    grain = Image.frombytes("RGB", (across, down), draw.randbytes(3 * across * down)).resize(CARD)
    paper = Image.new("RGB", CARD, tuple(draw.randrange(140, 230) for _ in range(3)))
    packed = io.BytesIO()
    Image.blend(paper, grain, 0.15).save(packed, "JPEG", quality=90, dpi=(300, 300))
    return packed.getvalue()


def requests(home: House, sender: Sender, seed: int) -> Iterator[Request]:
    """Requests without end, each for somebody born on another day."""
    draw = random.Random(seed)
    form = catalogue().form("DEMMAT", "1.0", Received(system_clock()).day)
    for number in itertools.count():
        born = date(1880, 1, 1) + timedelta(number)
        asked = person(Surname=f"MUSTER{letters(number)}", BirthDate=born.isoformat())
        scan = f"CARTID{born:%Y%m%d}0.{MEMBER.matricule}_{MEMBER.number}.JPG"
        files = {"DEMMAT.dta": dta.write(MEMBER, [asked], form), scan: card(draw)}
        content = sender.signer.sign_container(files, home.clock())
        yield Request(home.name("DEMMAT", MEMBER, Extension.ASICE), content)


def letters(number: int) -> str:
    """A number in letters, as names have no digits."""
    return "".join(chr(ord("A") + int(digit)) for digit in str(number))


def answer_all(home: House, sender: Sender, given: Sequence[Request]) -> None:
    """Deposit requests without a pause, and wait until all are answered."""
    for one in given:
        home.receive(sender, one.name, one.content)
    while home.gateway.deposits.counts().keys() & OPEN_STATES:
        time.sleep(ASK_SECONDS)


def answered(home: House, ends: Ends) -> list[Answered]:
    """All deposits, in the order of receipt."""
    kept, posted = tables.table(tables.Deposit), tables.table(tables.Answer)
    query = (
        sa.select(kept.c.received, posted.c.posted, kept.c.accepted)
        .join(posted, posted.c.deposit == kept.c.id)
        .where(posted.c.kind == acktrt.CODE)
        .order_by(kept.c.number)
    )
    with home.gateway.database.read() as connection:
        rows = connection.execute(query).all()
    assert all(row.accepted == 1 for row in rows), "a good request was refused"
    found = []
    for row in rows:
        stated = Received.parse(row.posted).at
        end = ends.after(stated)
        found.append(Answered(end - Received.parse(row.received).at, end - stated))
    return found


def measure(containers: int, seed: int) -> dict[str, dict[str, float]]:
    """Both ways of sending, in a gateway of its own."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        drawn = itertools.islice(requests(home, sender, seed), 1 + 2 * containers)
        first, *given = progress(drawn, "signing", 1 + 2 * containers)
        ends = Ends(home)
        answer_all(home, sender, [first])
        for one in given[:containers]:
            answer_all(home, sender, [one])
        for start in range(containers, 2 * containers, BURST):
            answer_all(home, sender, given[start : start + BURST])
        found = answered(home, ends)[1:]
        assert len(found) == len(given), "a request was not answered"
        size = sum(len(one.content) for one in given) / len(given)
        return {
            "one after the other": figures(found[:containers], size),
            f"in bursts of {BURST}": figures(found[containers:], size),
        }


def figures(found: Sequence[Answered], size: float) -> dict[str, float]:
    """Times in milliseconds, size in kilobytes."""
    waits = sorted(one.waited / timedelta(milliseconds=1) for one in found)
    return {
        "containers": len(found),
        "kB each": size / 1000,
        "median ms": statistics.median(waits),
        "p99 ms": waits[math.ceil(0.99 * len(waits)) - 1],
        "most ms": waits[-1],
        "% in 2 s": 100 * sum(one.waited <= PROMPT for one in found) / len(found),
        "stated ms earlier": statistics.median(one.unstated / timedelta(milliseconds=1) for one in found),
    }


def precision(name: str) -> str:
    """How a figure is printed: a share with a decimal, as one in 200 counts."""
    return ".1f" if name.startswith("%") else ".0f"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--containers", type=int, default=200, help="for each way of sending")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"requests for a number with a scan of {CARD[0]} by {CARD[1]} dots, seed {given.seed}")
    print(f"{platform.machine()}, Python {platform.python_version()}")
    for number, (way, one) in enumerate(measure(given.containers, given.seed).items()):
        if number == 0:
            print(" " * 22 + "".join(f"{name:>{len(name) + 3}}" for name in one))
        columns = (f"{value:>{len(name) + 3}{precision(name)}}" for name, value in one.items())
        print(f"{way:22}" + "".join(columns))


if __name__ == "__main__":
    main()
