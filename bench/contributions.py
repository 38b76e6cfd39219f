"""The contributions of a country's month: all branches of a million wages at once, beside a plain loop in C.

    make bench-contributions ARGS="--wages 1000000 --seed 1"

Wages are drawn from the seed: most of adults in full time, some part-time, minors, pupils, apprentices and
civil servants; some above the ceiling. The loop (`bench/contributions.c`) is compiled on the spot and reads
the same columns. Both write every branch, both shares and bases, into arrays that are there, and take turns;
the least CPU of the rounds counts, because whatever else the machine does only adds. Every cent is compared
with the loop's, and a sample with the reference. The figures are of this machine and this run: quote the
ratio, not the seconds.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.contributions import (
    Classification,
    Group,
    HealthService,
    Insurance,
    Pay,
    contribution,
    schedule_of,
)
from gateway.contributions.bulk import Amounts, BulkMonth, Columns, Tables
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.parameters import Branch

SOURCE = Path(__file__).with_suffix(".c")
MONTH = Period(2026, 7)
GROUPS, SERVICES, BRANCHES = tuple(Group), tuple(HealthService), tuple(Branch)
GROUP_SHARES = (0.93, 0.02, 0.02, 0.01, 0.01, 0.01)
"""Of the groups, in their order: assumed, like all that is drawn here."""
FACTORS = (85, 100, 110, 130, 150)


def draw(rows: int, seed: int) -> Columns:
    """Made-up wages."""
    random_ = np.random.default_rng(seed)

    def some(share: float, most: int) -> npt.NDArray[np.int64]:
        amounts = random_.integers(1, most, rows)
        return np.where(random_.random(rows) < share, amounts, 0)

    pay = np.minimum(random_.lognormal(np.log(430_000), 0.45, rows), 9_000_000).astype(np.int64)
    elements = (pay, some(0.3, 50_000), some(0.1, 40_000), some(0.08, 400_000), some(0.02, 100_000))
    part = random_.integers(1, 17_300 // 50, rows) * 50
    return Columns(
        elements=np.stack(elements),
        hours=np.where(random_.random(rows) < 0.75, 17_300, part),
        age=random_.integers(15, 66, rows),
        group=random_.choice(len(GROUPS), rows, p=GROUP_SHARES),
        mde_class=random_.integers(0, 5, rows),
        accident_factor=random_.choice(FACTORS, rows),
        public=(random_.random(rows) < 0.05).astype(np.int64),
        health_service=random_.choice(len(SERVICES), rows, p=(0.8, 0.15, 0.05)),
    )


class Law(ctypes.Structure):
    """`struct law` of the loop."""

    _fields_ = (
        ("allowance", ctypes.c_int64),
        ("allowance_from", ctypes.c_int64),
        ("ceiling", ctypes.c_int64),
        ("minimum", ctypes.c_void_p),
        ("rates", ctypes.c_void_p * len(Branch)),
        ("present", ctypes.c_void_p * len(Branch)),
    )

    @classmethod
    def of(cls, tables: Tables) -> Law:
        lines = sorted((line for kind in tables.kinds for line in kind.lines), key=lambda line: line.place)
        pointers = ctypes.c_void_p * len(Branch)
        return cls(
            tables.allowance,
            tables.allowance_from,
            tables.ceiling,
            tables.minimum.ctypes.data,
            pointers(*(line.rates.ctypes.data for line in lines)),
            pointers(*(line.present.ctypes.data for line in lines)),
        )


def compiled(unit: int, folder: Path) -> ctypes.CDLL:
    """The loop."""
    library = folder / "contributions.so"
    command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", f"-DUNIT={unit}", "-o", library, SOURCE]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def in_c(library: ctypes.CDLL, tables: Tables, columns: Columns, due: Amounts) -> None:
    """The same as `BulkMonth.fill`, by the loop."""
    law = Law.of(tables)
    given = (
        *columns.elements,
        columns.hours,
        columns.age,
        columns.group,
        columns.mde_class,
        columns.accident_factor,
        columns.public,
        columns.health_service,
    )
    wanted = due.base, due.employee, due.employer, due.present, due.apart
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*given, *wanted)]
    library.contributions(ctypes.c_int64(columns.rows), ctypes.byref(law), *pointers)


def cpu_of(compute: Callable[[], object]) -> float:
    """The seconds of CPU of a computation."""
    before = time.process_time()
    compute()
    return time.process_time() - before


def different(one: Amounts, other: Amounts) -> int:
    """How many amounts differ, of those that count."""
    assert (one.apart == other.apart).all(), "they do not agree on who needs the reference"
    pairs = (
        (one.base, other.base),
        (one.employee, other.employee),
        (one.employer, other.employer),
        (one.present, other.present),
    )
    return sum(int(((mine != its) & ~one.apart).sum()) for mine, its in pairs)


def wrong(due: Amounts, columns: Columns, rows: list[int]) -> int:
    """How many amounts of some rows are not those of the reference."""
    schedule, found = schedule_of(MONTH), 0
    for row in rows:
        if due.apart[row]:
            continue
        lines = {line.branch: line for line in contribution(*case(columns, row), schedule).lines}
        for place, branch in enumerate(BRANCHES):
            line = lines.get(branch)
            right = (0, 0, 0) if line is None else (round_half_up(line.base), line.employee, line.employer)
            mine = (due.base[place, row], due.employee[place, row], due.employer[place, row])
            found += sum(int(a) != b for a, b in zip(mine, right, strict=True))
            found += bool(due.present[place, row]) != (line is not None)
    return found


def case(columns: Columns, row: int) -> tuple[Pay, Insurance, Classification]:
    """A row as the reference wants it."""
    return (
        Pay(*map(int, columns.elements[:, row]), Decimal(int(columns.hours[row])).scaleb(-2)),
        Insurance(int(columns.age[row]), GROUPS[columns.group[row]]),
        Classification(
            int(columns.mde_class[row]) or None,
            int(columns.accident_factor[row]),
            bool(columns.public[row]),
            SERVICES[columns.health_service[row]],
        ),
    )


def measure(wages: int, sample: int, rounds: int, seed: int) -> dict[str, float]:
    """Both ways in turn over the same columns."""
    columns, month = draw(wages, seed), BulkMonth(schedule_of(MONTH))
    due, other = month.compute(columns), Amounts.empty(wages)
    ours, loop = [], []
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(month.tables.unit, Path(folder))
        for _ in range(rounds):
            loop.append(cpu_of(lambda: in_c(library, month.tables, columns, other)))
            ours.append(cpu_of(lambda: month.fill(columns, due)))
    rows = random.Random(seed).sample(range(wages), min(sample, wages))
    return {
        "wages": wages,
        "lines": int(due.present.sum()),
        "for the reference": int(due.apart.sum()),
        "bulk CPU ms": 1000 * min(ours),
        "C CPU ms": 1000 * min(loop),
        "ratio": min(ours) / min(loop),
        "unlike C": different(due, other),
        "sample": len(rows),
        "unlike the reference": wrong(due, columns, rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wages", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    one = measure(given.wages, given.sample, given.rounds, given.seed)
    if given.json:
        print(json.dumps(one))
        return
    print(f"seed {given.seed}, least of {given.rounds} rounds")
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    for name, value in one.items():
        print(f"{name:>22}  {value:,.{0 if float(value).is_integer() else 2}f}")


if __name__ == "__main__":
    main()
