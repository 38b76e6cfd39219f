"""What share of the faults in a corpus is told to the sender, and whether any good record is refused.

    make bench-special-cases ARGS="--affiliations 10000 --wages 50000 --seed 1"

The operator treats 10.3 % of affiliations and 0.86 % of wages by hand, as special cases. So often a fault
is put into good records of made-up people; the rest stays as it is. Which causes these cases have is not
published: the list below is ours, each cause equally often, and it contains values that are wrong but
plausible, which nothing in a file can tell.

All goes through a whole gateway. A fault counts as caught when the acknowledgement names one of its records:
refused, on hold, or with a hint. A good record that is refused is a false block; hints about good ones are
counted as well. The wages of the month before were declared earlier.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.cli.output import progress
from adapters.database.members import AGENCY, FIDUCIARY
from adapters.database.registers.affiliations import SqlAffiliations
from bench.corpus import MONTH_BEFORE, NOW, Case, World
from bench.faults import AFFILIATION_FAULTS, WAGE_FAULTS
from gateway.batch import MemberId
from gateway.procedures import procedure
from gateway.rejections import REJECTIONS, Level
from tests.house import House, MovingClock, Sender, house

AFFILIATION_RATE = 0.103
WAGE_RATE = 0.0086
_HELD = "-HELD"
"""How the codes end that tell of a record on hold; any other hint is about one that takes effect."""
PER_FILE = 500


@dataclass(frozen=True, slots=True)
class Planned:
    """A case with what is wrong with it; None when nothing is."""

    cause: str | None
    records: Case

    @property
    def code(self) -> str:
        """The procedure that takes it."""
        if "BaseWage" in self.records[0]:
            return "DECSAL"
        return "DECINT" if "User" in self.records[0] else "DECAFF"


@dataclass(frozen=True, slots=True)
class Fared:
    """What became of a case: the codes that refused one of its records, and those of hints."""

    case: Planned
    refused: tuple[str, ...]
    hinted: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Whether nothing was refused, but a record waits for what it lacks."""
        return not self.refused and any(code.endswith(_HELD) for code in self.hinted)

    @property
    def caught(self) -> bool:
        return bool(self.refused or self.hinted)


def affiliations(world: World, count: int) -> list[Planned]:
    """Declarations, of which one in ten or so has a fault."""
    causes = _causes(round(count * AFFILIATION_RATE), AFFILIATION_FAULTS)
    cases = [Planned(cause, AFFILIATION_FAULTS[cause](world)) for cause in causes]
    cases += [Planned(None, world.affiliation()) for _ in range(count - len(cases))]
    world.draw.shuffle(cases)
    return cases


def wages(world: World, count: int) -> tuple[list[Planned], list[Planned]]:
    """The wages of the month before, and those of this month, of which a few have a fault."""
    causes = _causes(round(count * WAGE_RATE), WAGE_FAULTS)
    faulty, good = [], []
    before: list[Planned] = []
    for number in range(count):
        one = world.employee()
        if number < len(causes):
            cause = causes[number]
            faulty.append(Planned(cause, WAGE_FAULTS[cause](world, one)))
            before.append(Planned(None, [world.wage(one, MONTH_BEFORE)]))
        else:
            good.append(Planned(None, world.wages(one)))
            before.append(Planned(None, [world.wage(one, MONTH_BEFORE)]))
    cases = faulty + good
    world.draw.shuffle(cases)
    return before, cases


def _causes(count: int, faults: Mapping[str, object]) -> list[str]:
    """Each cause in turn."""
    names = list(faults)
    return [names[number % len(names)] for number in range(count)]


def declare(home: House, sender: Sender, code: str, cases: Sequence[Planned]) -> Iterator[Fared]:
    """Send cases in files of some hundred; the records of a case stay together."""
    fields = procedure(code).form.fields
    for place in range(0, len(cases), PER_FILE):
        some = cases[place : place + PER_FILE]
        owners = [case for case in some for _ in case.records]
        records = [
            {name: one[name] for name in fields if name in one} for case in some for one in case.records
        ]
        told: dict[int, list[str]] = {}
        for anomaly in home.send(sender, code, records).acknowledgement.anomalies:
            assert anomaly.record is not None, f"a whole file was refused: {anomaly.code}"
            told.setdefault(id(owners[anomaly.record - 1]), []).append(anomaly.code)
        for case in some:
            codes = told.get(id(case), [])
            hints = [code for code in codes if REJECTIONS[code].level is Level.HINT]
            yield Fared(case, tuple(code for code in codes if code not in hints), tuple(hints))


def measure(
    world: World, declared: Sequence[Planned], before: Sequence[Planned], cases: Sequence[Planned]
) -> list[Fared]:
    """What became of all declarations and wages."""
    with (
        tempfile.TemporaryDirectory() as folder,
        house(Path(folder), clock=MovingClock(NOW), environment="production") as home,
    ):
        for employer in world.employers:
            home.employer(employer)
        clients = [each for each in world.employers if each not in (world.foreign, world.agency)]
        fiduciary = home.sender(MemberId(clients[0], "400001"), clients, kind=FIDUCIARY)
        agency = home.sender(MemberId(world.agency, "400002"), [world.agency], kind=AGENCY)
        with home.gateway.database.write() as connection:
            register = SqlAffiliations(connection)
            for one in world.standing:
                register.open(one)
        list(_declare(home, fiduciary, "DECSAL", before, "the month before"))
        fared = list(_declare(home, fiduciary, "DECSAL", cases, "wages"))
        for code, sender in (("DECAFF", fiduciary), ("DECINT", agency)):
            mine = [case for case in declared if case.code == code]
            fared += _declare(home, sender, code, mine, code)
        return fared


def _declare(home: House, sender: Sender, code: str, cases: Sequence[Planned], title: str) -> Iterator[Fared]:
    yield from progress(declare(home, sender, code, cases), title, len(cases))


def show(title: str, fared: Sequence[Fared]) -> tuple[int, int]:
    """Print how many of each cause were caught; the faults and how many of them were caught."""
    columns = ("injected", "refused", "on hold", "hinted", "missed")
    print(f"\n{title:<36}" + "".join(f"{column:>9}" for column in columns) + f"{'caught %':>10}  codes")
    faulty = [each for each in fared if each.case.cause is not None]
    for cause in dict.fromkeys(sorted(each.case.cause or "" for each in faulty)):
        _line(cause, [each for each in faulty if each.case.cause == cause], codes=True)
    _line("all faults", faulty)
    good = [each for each in fared if each.case.cause is None]
    blocks = [each for each in good if each.refused]
    hints = Counter(code for each in good for code in each.hinted)
    print(f"good: {len(good)}, falsely refused: {len(blocks)}, hints: {dict(hints) or 'none'}")
    for each in blocks[:5]:
        print(f"  {each.refused} {each.case.records}")
    return len(faulty), sum(each.caught for each in faulty)


def _line(name: str, cases: Sequence[Fared], *, codes: bool = False) -> None:
    refused = sum(bool(each.refused) for each in cases)
    caught = sum(each.caught for each in cases)
    told = Counter(code for each in cases for code in {*each.refused, *each.hinted})
    held = sum(each.held for each in cases)
    numbers = (len(cases), refused, held, caught - refused - held, len(cases) - caught)
    text = " ".join(code for code, _ in told.most_common(4)) if codes else ""
    share = 100 * caught / max(1, len(cases))
    print(f"{name:<36}" + "".join(f"{number:>9}" for number in numbers) + f"{share:>10.1f}  {text}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--affiliations", type=int, default=10_000)
    parser.add_argument("--wages", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    world = World(random.Random(given.seed))
    declared = affiliations(world, given.affiliations)
    before, month = wages(world, given.wages)
    print(f"special cases, seed {given.seed}")
    fared = measure(world, declared, before, month)
    counts = [
        show("affiliations and missions", [each for each in fared if each.case.code != "DECSAL"]),
        show("wages", [each for each in fared if each.case.code == "DECSAL"]),
    ]
    injected, caught = (sum(column) for column in zip(*counts, strict=True))
    print(f"\nall: {injected} faults, {caught} caught, {100 * caught / injected:.1f} %")


if __name__ == "__main__":
    main()
