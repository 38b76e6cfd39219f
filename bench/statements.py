"""The monthly billing run: a statement and its detail, signed, for each of very many employers.

    make bench-statements ARGS="--employers 97075"

A country has 97,075 employers and 932,563 wage records a month. Here are as many as asked for, with 9.6
wages each on average, drawn from the seed: sizes are log-normal, pay as in `bench.contributions`, nothing
is on hold, and one fiduciary collects the documents of 40 employers. Employers, affiliations and wages
are put into the registers directly; the run itself is the gateway's own, on its own database in a
temporary folder: EXTCPT and CALCUL as XML for all. The PDF of the statement is set for one in a hundred,
apart, and not counted with the run.

It is the first run of these employers. Every wage has to be charged once, and numbers must have no gaps.
A sample of the statements is compared with the sum of its charges, and these charges with the reference.

CPU is that of the process and of what the operating system does for it. The parts are by samples (a
hundred a second of CPU) of what the run was busy with. Figures are of this machine and this run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import random
import resource
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import numpy as np
import sqlalchemy as sa
from lxml import etree

from adapters.billing import BillingRun, Issued
from adapters.billing.holds import standing
from adapters.database.documents import answer_place, read_document
from adapters.database.registers.charges import SqlCharges
from adapters.database.registers.keys import many
from adapters.pdf.statement import statement_page
from adapters.premises import payee_of
from bench.contributions import draw
from bench.people import companies, people
from gateway.batch import MemberId
from gateway.contributions import Insurance, contribution, schedule_of
from gateway.moments import Period, Received
from gateway.money import round_half_up
from gateway.returns import calcul, extcpt
from tests.house import House, house

NATIONAL_EMPLOYERS, NATIONAL_WAGES = 97_075, 932_563
EMPLOYERS_OF_A_FIDUCIARY = 40
SPREAD = 1.3
"""Of the logarithm of the number of insured of an employer: assumed."""
MONTH = Period(2026, 7)
AT = datetime(2026, 9, 14, 7, 0, tzinfo=UTC)
SAMPLES_A_SECOND = 100
PARTS = (
    ("signing/", "sign"),
    ("signxml/", "sign"),
    ("gateway/returns/", "write XML"),
    ("gateway/wire", "write XML"),
    ("gateway/contributions/", "compute"),
    ("gateway/billing/charges", "compute"),
    ("gateway/billing/", "add up"),
    ("gateway/ledger/", "add up"),
    ("sqlalchemy/", "database"),
    ("adapters/database/", "database"),
    ("adapters/billing/", "billing"),
)
"""By what file a sample counts: that of the innermost frame which is in the list."""


def sizes(employers: int, seed: int) -> list[int]:
    """How many insured each has: together as many as the country's share."""
    random_ = np.random.default_rng(seed)
    wages = max(employers, round(NATIONAL_WAGES * employers / NATIONAL_EMPLOYERS))
    weights = random_.lognormal(0, SPREAD, employers)
    found = np.maximum(1, np.floor(weights / weights.sum() * wages).astype(np.int64))
    while (left := wages - int(found.sum())) != 0:
        places = random_.choice(employers, min(abs(left), employers), replace=False)
        found[places] = np.maximum(1, found[places] + (1 if left > 0 else -1))
    return [int(one) for one in found]


def enter(home: House, employers: int, seed: int) -> int:
    """Put employers, their mandates, affiliations and wages into the registers; the number of wages."""
    each = sizes(employers, seed)
    numbers = itertools.chain.from_iterable(companies(str(form)) for form in range(10, 100))
    matricules = list(itertools.islice(numbers, employers))
    count = -(-employers // EMPLOYERS_OF_A_FIDUCIARY)
    members = [MemberId(matricules[n], f"{100_000 + n}") for n in range(count)]
    places = {employer: n % count + 1 for n, employer in enumerate(matricules)}
    now = str(Received(home.clock()))
    with home.gateway.database.write() as connection:
        many(
            connection,
            "INSERT INTO employer (matricule, name, household) VALUES (?, ?, 0)",
            ((one, f"Made-up {one}") for one in matricules),
        )
        many(
            connection,
            "INSERT INTO employer_year (matricule, year, mde_class, accident_factor, public, health_service)"
            " VALUES (?, 2026, ?, ?, 0, 'stm')",
            ((one, 1 + n % 4, (85, 100, 110)[n % 3]) for n, one in enumerate(matricules)),
        )
        many(
            connection,
            "INSERT INTO member (id, name, kind, registered) VALUES (?, 'Made-up', 'fiduciary', ?)",
            ((str(one), now) for one in members),
        )
        many(
            connection,
            "INSERT INTO mandate (member, employer, procedures, first, state)"
            " VALUES (?, ?, 'CALCUL DECSAL', '2020-01-01', 'granted')",
            ((str(members[n % count]), one) for n, one in enumerate(matricules)),
        )
        many(
            connection,
            "INSERT INTO deposit (number, id, sender, name, size, digest, received, door, receipt, state,"
            ' changed, tries) VALUES (?, ?, ?, ?, 1, ?, ?, "https", "", "completed", ?, 0)',
            (
                (n, f"{n:08d}-0000-4000-8000-000000000000", str(one), f"batch {n}", f"{n:064x}", now, now)
                for n, one in enumerate(members, 1)
            ),
        )
        # Piece by piece: what is measured is the memory of the run, not of what was drawn for it.
        for some in _pieces(_staff(matricules, each)):
            many(connection, _INSERT_AFFILIATION, some)
        for some in _pieces(_wages(_staff(matricules, each), places, sum(each), seed)):
            many(connection, _INSERT_WAGE, some)
    return sum(each)


_PIECE = 20_000
_INSERT_AFFILIATION = (
    "INSERT INTO affiliation (employer, insured, entry, contract, scheme, state)"
    " VALUES (?, ?, '2015-01-01', 'I', '03', 'current')"
)
_INSERT_WAGE = (
    "INSERT INTO wage (employer, insured, period, first_day, last_day, deposit, record, base_wage,"
    " supplements, overtime_pay, gratuities, unemployment_pay, work_hours, overtime_hours, inactive_hours,"
    " non_pensionable, capped, state) VALUES (?, ?, ?, 1, 31, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 'current')"
)


def _pieces(rows: Iterable[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    left = iter(rows)
    while some := list(itertools.islice(left, _PIECE)):
        yield some


def _staff(matricules: Sequence[str], sizes: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Who works where: an employer and an insured."""
    insured = people()
    for employer, size in zip(matricules, sizes, strict=True):
        for one in itertools.islice(insured, size):
            yield employer, one


def _wages(
    staff: Iterable[tuple[str, str]], deposits: dict[str, int], count: int, seed: int
) -> Iterator[tuple[object, ...]]:
    columns = draw(count, seed)
    amounts, hours = columns.elements.T, columns.hours // 100
    for record, (employer, insured) in enumerate(staff):
        elements, paid = amounts[record].tolist(), int(hours[record])
        yield employer, insured, str(MONTH), deposits[employer], record, *elements, paid


@contextmanager
def sampled(parts: Counter[str]) -> Iterator[None]:
    """Count the seconds of CPU by what they are for."""
    last = time.process_time()

    def note(_signal: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        parts[_part(frame)] += now - last  # type: ignore[assignment]
        last = now

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, 1 / SAMPLES_A_SECOND, 1 / SAMPLES_A_SECOND)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        for within, part in PARTS:
            if within in file:
                return part
        frame = frame.f_back
    return "other"


def check(home: House, issued: Sequence[Issued], wages: int, sample: int, seed: int) -> int:
    """Make sure that every wage was charged once and every sum is right; how many amounts of a sample are not
    those of the reference."""
    with home.gateway.database.read() as connection:
        asked = (
            "SELECT count(*) AS charges, count(DISTINCT insured) AS insured FROM charge WHERE reversal = 0"
        )
        assert tuple(connection.execute(sa.text(asked)).one()) == (wages, wages), (
            "a wage was not charged once"
        )
        assert not standing(connection), "something is on hold"
        numbers = sorted(int(one.number.partition("-")[2]) for one in issued)
        assert numbers == list(range(1, len(issued) + 1)), "numbers have gaps"
        found = 0
        for number in random.Random(seed).sample(numbers, min(sample, len(numbers))):
            versions = SqlCharges(connection).of_statement(number)
            said = connection.execute(
                sa.text("SELECT contributions FROM statement WHERE number = :number"), {"number": number}
            ).scalar_one()
            assert said == sum(one.charge.total for one in versions), (
                "a statement is not the sum of its charges"
            )
            for one in versions:
                basis, group = one.charge.basis, one.charge.key.group
                due = contribution(
                    basis.pay, Insurance(basis.age, group), basis.classification, schedule_of(MONTH)
                )
                if basis.pay.total > schedule_of(MONTH).ceiling.value * 100:
                    continue  # has what the months before left as well
                right = [
                    (line.branch, round_half_up(line.base), line.employee, line.employer)
                    for line in due.lines
                ]
                found += right != list(one.charge.amounts())
    return found


def pages(home: House, numbers: Sequence[str]) -> float:
    """Set the PDF of some statements; seconds of CPU."""
    with home.gateway.database.read() as connection:
        kept = {
            kind: {
                root.findtext("{*}Statement"): root
                for root in (
                    etree.fromstring(read_document(connection, row.content, answer_place(row.id)))
                    for row in connection.execute(
                        sa.text("SELECT id, content FROM answer WHERE kind = :kind"), {"kind": kind}
                    )
                )
                if root.findtext("{*}Statement") in numbers
            }
            for kind in (extcpt.CODE, calcul.CODE)
        }
    before = time.process_time()
    for number in numbers:
        document, detail = kept[extcpt.CODE][number], kept[calcul.CODE][number]
        statement_page(
            extcpt.read(document).statement,
            calcul.read(detail).calculation,
            etree.tostring(document),
            "fr",
            AT,
            test=True,
        )
    return time.process_time() - before


def measure(employers: int, sample: int, seed: int, *, with_pages: bool) -> dict[str, float]:
    """One run, in a gateway of its own."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), clock=lambda: AT) as home:
        wages = enter(home, employers, seed)
        gateway = home.gateway
        run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        parts: Counter[str] = Counter()
        wall, cpu = time.perf_counter(), time.process_time()
        with sampled(parts):
            issued = [one for one in run.run(MONTH) if isinstance(one, Issued)]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        with gateway.database.read() as connection:
            size = connection.execute(sa.text("SELECT sum(size) FROM answer")).scalar_one()
        found: dict[str, float] = {
            "statements": len(issued),
            "wages": wages,
            "documents MB": size / 1e6,
            "wall s": wall,
            "CPU s": cpu,
            "CPU ms a statement": 1000 * cpu / len(issued),
            "CPU ms a wage": 1000 * cpu / wages,
            "CPU s for the country": cpu / wages * NATIONAL_WAGES,
            "MB before": before,
            "peak MB": peak,
            "wrong in the sample": check(home, issued, wages, sample, seed),
        }
        found |= {f"{part}, CPU s": parts[part] for part in dict.fromkeys([*(p for _, p in PARTS), "other"])}
        if with_pages:
            few = [one.number for one in issued][:: max(1, min(100, len(issued)))]
            found["pages"] = len(few)
            found["CPU ms a page"] = 1000 * pages(home, few) / len(few)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--employers", type=int, default=1000, help=f"the country has {NATIONAL_EMPLOYERS}")
    parser.add_argument("--sample", type=int, default=50, help="statements compared with the reference")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-pages", action="store_true", help="set no PDF")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    one = measure(given.employers, given.sample, given.seed, with_pages=not given.no_pages)
    if given.json:
        print(json.dumps(one))
        return
    print(f"seed {given.seed}, {platform.machine()}, Python {platform.python_version()}")
    for name, value in one.items():
        print(f"{name:>24}  {value:,.{0 if float(value).is_integer() else 2}f}")


if __name__ == "__main__":
    main()
