"""From the last byte received to the acknowledgement written, beside xmllint and xmlsec1 on the same file.

    make bench-path ARGS="--sizes 100 10000 --seed 1"

Each size runs in a process of its own, so that its peak memory is its own, and several times, ours and
the other two in turn: the least of each column is shown, because whatever else the machine does only
adds. The gateway has run one small batch before, as one that is open has. A batch is made from the seed;
every insured is affiliated, so every record takes effect. Figures are of this machine and this run: quote
the ratio, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.database.deposits import Kept
from bench.people import people
from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage
from tests.tools import tool

ROOT = Path(__file__).parent.parent
FORM = ROOT / "xsd" / "decsal" / "1.0.xsd"
COLUMNS = {
    "records": "d",
    "MB": ".2f",
    "wall s": ".3f",
    "CPU s": ".3f",
    "peak MB": ".0f",
    "xmllint s": ".3f",
    "xmlsec1 s": ".3f",
    "CPU ratio": ".2f",
}
ASK_SECONDS = 0.1
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"


def records(count: int, seed: int) -> list[dict[str, str]]:
    """Wages of as many insured, with amounts and hours drawn from the seed."""
    draw = random.Random(seed)
    insured = people()
    return [
        wage(
            next(insured),
            BaseWage=f"{draw.randint(1200, 9000)}.{draw.randint(0, 99):02d}",
            WorkHours=str(draw.randint(80, 173)),
            Supplements=f"{draw.randint(0, 500)}.{draw.randint(0, 99):02d}",
            Gratuities="0.00",
            Reference=f"R{number}",
        )
        for number in range(count)
    ]


def measure(count: int, seed: int) -> dict[str, float]:
    """One size: our seconds, CPU and peak memory; the seconds of CPU of the two C programs."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        first, *wages = records(count + 1, seed)
        home.affiliate(*(each["Insured"] for each in (first, *wages)))
        home.send(sender, "DECSAL", [first])
        content = home.batch(sender, "DECSAL", wages)
        file = Path(folder) / "batch.xml"
        file.write_bytes(content)
        del wages
        wall, cpu = time.perf_counter(), time.process_time()
        receipt = home.receive(sender, home.name("DECSAL", MEMBER), content)
        kept = _treated(home, sender, receipt.deposit)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert kept.accepted == count, kept
        return {
            "records": count,
            "MB": len(content) / 1e6,
            "wall s": wall,
            "CPU s": cpu,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            "xmllint s": cpu_of([tool("xmllint"), "--noout", "--schema", str(FORM), str(file)]),
            "xmlsec1 s": cpu_of(
                [
                    tool("xmlsec1"),
                    "--verify",
                    "--trusted-pem",
                    str(home.trust),
                    "--id-attr:Id",
                    SIGNED_PROPERTIES,
                    str(file),
                ]
            ),
        }


def _treated(home: House, sender: Sender, deposit: str) -> Kept:
    """The deposit once it has been treated, asked for so rarely that asking costs nothing to speak of."""
    while (kept := home.treated(sender, deposit)) is None:
        time.sleep(ASK_SECONDS)
    return kept


def cpu_of(command: Sequence[str]) -> float:
    """User and system seconds of a command that succeeds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _measured_apart(size: int, seed: int) -> dict[str, float]:
    """`measure` in a process of its own; its last line, because what is logged comes before."""
    command = [sys.executable, "-m", "bench.path", "--one", str(size), "--seed", str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.seed)))
        return
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    print(f"commit {commit}, seed {given.seed}, least of {given.rounds} rounds")
    print(f"{platform.machine()}, Python {platform.python_version()}")
    print("".join(f"{name:>{max(9, len(name) + 2)}}" for name in COLUMNS))
    for size in given.sizes:
        rounds = [_measured_apart(size, given.seed) for _ in range(given.rounds)]
        one = {name: min(each[name] for each in rounds) for name in rounds[0]}
        one["CPU ratio"] = one["CPU s"] / (one["xmllint s"] + one["xmlsec1 s"])
        print("".join(f"{one[name]:>{max(9, len(name) + 2)}{form}}" for name, form in COLUMNS.items()))


if __name__ == "__main__":
    main()
