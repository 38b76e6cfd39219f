"""The portal's pages for a member with much on its hands: how long each takes, the slowest last.

    make bench-pages ARGS="--clients 2000 --deposits 10000"

A fiduciary acts for 2,000 employers with ten insured each; two months of all of them were billed by the
gateway's own run, and 10,000 deposits of this month are in the register (put there directly, five clients
each; a record of every tenth was refused). Somebody of it is signed in and asks for each page over HTTPS, one
at a time, from the same machine: once to warm up, then seven times. Told is the median and the longest of the
seven, in milliseconds, from the request to the last byte, and the median of the CPU that browser and gateway
used for it (on a machine that is busy with something else the first two tell of that as well). What a browser
does to show the page is not in it. Figures are of this machine and this run.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from adapters.billing import BillingRun, Issued
from adapters.database.registers.keys import many
from adapters.database.visits import Visits
from adapters.premises import payee_of
from bench.people import companies, people
from gateway.batch import MemberId
from gateway.moments import Period, Received
from gateway.people import EVERY_ROLE
from tests.flow.premises import HandClock
from tests.house import House, house

MONTHS = (Period(2026, 6), Period(2026, 7))
AT = datetime(2026, 9, 14, 7, 0, tzinfo=UTC)
INSURED_OF_ONE = 10
CLIENTS_OF_A_DEPOSIT = 5
WITH_ERRORS = 10
ROUNDS = 7
LIMIT_MS = 300
FIDUCIARY = MemberId("2099990004799", "400004")

_WAGE = (
    "INSERT INTO wage (employer, insured, period, first_day, last_day, deposit, record, base_wage,"
    " supplements, overtime_pay, gratuities, unemployment_pay, work_hours, overtime_hours, inactive_hours,"
    " non_pensionable, capped, state) VALUES (?, ?, ?, 1, 30, ?, ?, ?, 0, 0, 0, 0, 173, 0, 0, 0, 0,"
    " 'current')"
)


def settle(home: House, clients: int, deposits: int) -> list[str]:
    """Put clients, their staff, wages and deposits into the registers; the clients."""
    numbers = itertools.chain.from_iterable(companies(str(form)) for form in range(10, 98))
    matricules = list(itertools.islice(numbers, clients))
    insured = people()
    staff = [(one, next(insured)) for one in matricules for _ in range(INSURED_OF_ONE)]
    home.sender(FIDUCIARY, [], kind="fiduciary")
    now = str(Received(home.clock()))
    with home.gateway.database.write() as connection:
        many(
            connection,
            "INSERT INTO employer (matricule, name, household) VALUES (?, ?, 0)",
            ((one, f"Client {n:04d} s.à r.l.") for n, one in enumerate(matricules)),
        )
        many(
            connection,
            "INSERT INTO employer_year (matricule, year, mde_class, accident_factor, public, health_service)"
            " VALUES (?, 2026, 2, 85, 0, 'stm')",
            ((one,) for one in matricules),
        )
        many(
            connection,
            "INSERT INTO mandate (member, employer, procedures, first, state)"
            f" VALUES ('{FIDUCIARY}', ?, 'CALCUL DECAFF DECSAL', '2020-01-01', 'granted')",
            ((one,) for one in matricules),
        )
        many(
            connection,
            "INSERT INTO deposit (number, id, sender, name, size, digest, received, door, receipt, state,"
            " changed, tries, verdict, records, accepted, rejected, held, procedure)"
            f" VALUES (?, ?, '{FIDUCIARY}', ?, 9000, ?, ?, 'https', '', 'done', ?, 0, ?, 50, 50 - ?, ?, 0,"
            " 'DECSAL')",
            (
                (
                    n,
                    f"{n:08d}-0000-4000-8000-000000000000",
                    f"SECU.DECSAL.{n:08d}.XML",
                    f"{n:064x}",
                    now,
                    now,
                    "partial" if n % WITH_ERRORS == 0 else "accepted",
                    n % WITH_ERRORS == 0,
                    n % WITH_ERRORS == 0,
                )
                for n in range(1, deposits + 1)
            ),
        )
        many(
            connection,
            "INSERT INTO decision (id, deposit, employer, procedure, records, mandate, allowed, at)"
            " VALUES (?, ?, ?, 'DECSAL', 10, NULL, 1, ?)",
            (
                (f"{n}-{m}", n, matricules[(n * CLIENTS_OF_A_DEPOSIT + m) % clients], now)
                for n in range(1, deposits + 1)
                for m in range(CLIENTS_OF_A_DEPOSIT)
            ),
        )
        many(
            connection,
            "INSERT INTO affiliation (employer, insured, entry, contract, scheme, state)"
            " VALUES (?, ?, '2015-01-01', 'I', '03', 'current')",
            staff,
        )
        many(
            connection,
            _WAGE,
            (
                (*pair, str(month), 1 + n % deposits, n, 300_000 + 1_000 * (n % 50) + 500 * place)
                for place, month in enumerate(MONTHS)
                for n, pair in enumerate(staff)
            ),
        )
    return matricules


def addresses(clients: list[str], numbers: list[str], insured: str) -> list[str]:
    """Every page that is asked for."""
    one = clients[len(clients) // 2]
    return [
        "/portal",
        "/portal/deposits",
        "/portal/deposits?text=00009",
        "/portal/invoices",
        "/portal/invoices?search=client+19",
        "/portal/invoices?month=2026-06",
        f"/portal/invoices/{numbers[-1]}",
        f"/portal/invoices/{numbers[len(numbers) // 2]}",
        f"/portal/invoices/{numbers[-1]}/insured/{insured}",
        f"/portal/invoices/{numbers[-1]}/comparison",
        f"/portal/invoices/year?employer={one}&of=2026",
        f"/portal/account?employer={one}",
        "/portal/deadlines",
        f"/portal/deadlines/missing?employer={one}",
        "/portal/clients",
        "/portal/clients?search=client+01",
        "/portal/clients?state=missing",
        "/portal/clients?state=silent&place=20",
        "/portal/clients?state=to_pay&month=2026-07",
        "/portal/clients?state=errors",
        "/portal/clients?state=errors&place=3",
        f"/portal/clients/{one}",
        "/portal/releases",
        "/portal/returns",
        "/portal/access",
    ]


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds that a page took: median and longest of all rounds, and the median of the CPU used."""

    median: float
    longest: float
    cpu: float


def measure(web: httpx2.Client, address: str) -> Spent:
    """How long a page takes."""
    walls, cpus = [], []
    for place in range(ROUNDS + 1):
        begun, used = time.perf_counter(), time.process_time()
        answer = web.get(address)
        if place:
            walls.append((time.perf_counter() - begun) * 1000)
            cpus.append((time.process_time() - used) * 1000)
        assert answer.status_code == 200, (address, answer.status_code)
    return Spent(statistics.median(walls), max(walls), statistics.median(cpus))


def main() -> None:
    """Measure, and print a line for each page."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reader.add_argument("--clients", type=int, default=2_000)
    reader.add_argument("--deposits", type=int, default=10_000)
    given = reader.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        house(Path(folder), clock=HandClock(AT), doors=True) as home,
    ):
        clients = settle(home, given.clients, given.deposits)
        gateway, numbers = home.gateway, list[str]()
        for month in MONTHS:
            run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
            numbers += [one.number for one in run.run(month) if isinstance(one, Issued)]
        visits, now = Visits(gateway.database), Received(home.clock())
        somebody = visits.register(FIDUCIARY, "Anna Weber", EVERY_ROLE, now)
        insured = next(itertools.islice(people(), (given.clients - 1) * INSURED_OF_ONE, None))
        assert home.doors is not None
        headers = {"sec-fetch-site": "same-origin"}
        with httpx2.Client(base_url=home.doors.https, verify=False, headers=headers, timeout=60) as web:
            web.post("/portal/enter", data={"key": visits.make_link(somebody.id, Received(home.clock()))})
            found = {one: measure(web, one) for one in addresses(clients, numbers, insured)}
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"{given.clients} clients, {given.deposits} deposits, {len(numbers)} statements\n")
    print("median ms  longest ms  CPU ms  page")
    for address, spent in sorted(found.items(), key=lambda one: one[1].median):
        print(f"{spent.median:9.0f}  {spent.longest:10.0f}  {spent.cpu:6.0f}  {address}")
    slowest = max(found.values(), key=lambda one: one.median)
    print(f"\nSlowest: {slowest.median:.0f} ms, {slowest.cpu:.0f} ms of CPU (limit {LIMIT_MS} ms).")


if __name__ == "__main__":
    main()
