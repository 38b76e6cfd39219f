"""Histories of employers and their people on the real registers, and what they owe, computed plainly.

A history is a list of steps: entries, exits, wages, incapacities, classes, new numbers, payments, and runs
of a month. `House` takes the steps as the procedures would. What must stand after a run is computed here
anew from the bare rows, by the reference, with nothing of the run's own ways.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from adapters.billing import BillingRun, Held, Issued
from adapters.billing.explanation import document, issue_of
from adapters.database import Database, tables
from adapters.database.ledger import SqlLedger
from adapters.database.members import Members
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.wages import SqlWages, wage_of
from adapters.pki import Authority, KeyKind, Subject, new_key
from adapters.renumbering import renumber
from adapters.verification_of_accounts import account_findings
from gateway.billing.holds import Code
from gateway.billing.statement import Payee
from gateway.contributions import (
    Classification,
    Group,
    Insurance,
    Month,
    Pay,
    Policy,
    UnknownGroupError,
    schedule_of,
    year,
)
from gateway.ledger import entries as book
from gateway.matricule import person_number
from gateway.moments import Period, Received
from gateway.money import round_half_up
from gateway.mutuality import refund
from gateway.parameters import Branch
from gateway.procedures import held
from gateway.registers import Absence, AbsenceState, Affiliation, InsuredMonth, Wage, WageKey, WageState
from gateway.seal import Seal
from signing.sign import Signer

EMPLOYERS = ("2099990001299", "2099990002099", "2099990003999")
STEADY, STEADY_PERSON = EMPLOYERS[-1], person_number(date(1894, 2, 3), 1)
START = Period(2025, 9)
"""The first month that may be run."""
MOST_RUNS = 12
WHOLE = (1, 31)
PARTS = (WHOLE, WHOLE, WHOLE, (1, 14), (15, 31))
KINDS = (("I", "03"), ("D", "03"), ("I", "01"), ("E", "03"), ("A", "03"), ("O", "01"), ("I", "99"))
"""Contract and scheme: employees mostly, a pupil, an apprentice, occasional work, a scheme nobody knows."""
PAYS = (381_240, 500_000, 900_000, 1_250_000, 1_800_000, 90_000, 0)
CLASSES = (Classification(1, 85), Classification(2, 85), Classification(4, 150), Classification(None, 100))
PAYEE = Payee("Made-up centre", "LU280019400644750000", "BCEELULL")
_BORN = date(1893, 5, 20)


class Step(NamedTuple):
    """One thing that happens: what it is, to whom, and numbers that the verb reads as it needs them."""

    verb: str
    employer: int
    person: int
    month: int
    number: int


@cache
def make_seal() -> Seal:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    root, key = Authority.create("Made-up authority", now, now + timedelta(2000)), new_key(KeyKind.P256)
    certificate = root.issue(Subject("Made-up seal"), key.public_key(), now, now + timedelta(2000))
    return Seal(Signer(key, certificate), "test")


@dataclass
class House:
    """Registers of two employers and three people, and a run of statements with a clock in hand.

    Attributes:
        period: month of the last run.
        people: matricules, which renumbering changes.
        ever: every pair that was ever insured, under all numbers.
    """

    database: Database
    policy: Policy
    period: Period
    at: datetime
    people: list[str]
    ever: set[tuple[str, str]]
    serials: int = 100

    @classmethod
    def open(cls, template: Path, folder: Path, policy: Policy) -> House:
        """A fresh copy of an empty house."""
        folder.mkdir(exist_ok=True)
        shutil.copyfile(template, folder / "house.sqlite")
        (folder / "house.sqlite-wal").unlink(missing_ok=True)
        (folder / "house.sqlite-shm").unlink(missing_ok=True)
        database = Database(folder / "house.sqlite")
        sa.event.listen(database.engine, "connect", _hasty)
        people = [person_number(_BORN, serial) for serial in (1, 2, 3)]
        house = cls(database, policy, START.plus(-1), _moment(START), people, set())
        for employer in EMPLOYERS:
            # The second one is not classed in its first year, until a step does it.
            years = dict.fromkeys(range(2025 + (employer == EMPLOYERS[1]), 2028), CLASSES[1])
            Members(database).enter_employer(employer, name="Made-up Ltd", years=years)
        return house

    @property
    def now(self) -> Received:
        self.at += timedelta(seconds=1)
        return Received(self.at)

    def take(self, step: Step) -> list[Issued | Held] | None:
        """Do what a step says, where it can be done; what a run issued."""
        if step.verb == "bill":
            return self.bill()
        getattr(self, f"_{step.verb}")(EMPLOYERS[step.employer], self.people[step.person], step)
        return None

    def bill(self) -> list[Issued | Held]:
        """Run the month after the last one."""
        self.period = self.period.plus(1)
        self._plain_wage()
        self.at = max(self.at, _moment(self.period))
        return self.run()

    def run(self) -> list[Issued | Held]:
        """Run the last month, again if it was run."""
        run = BillingRun(self.database, make_seal(), lambda: self.now.at, PAYEE, self.policy)
        return list(run.run(self.period))

    def _plain_wage(self) -> None:
        """Somebody whose wage comes every month in time, so that every month is stated to an employer."""
        with self.database.write() as connection:
            if self.period == START:
                first = Affiliation(STEADY, STEADY_PERSON, START.first, None, *KINDS[0])
                SqlAffiliations(connection).open(first)
                self.ever.add((STEADY, STEADY_PERSON))
        self._declare(STEADY, STEADY_PERSON, Step("declare", 0, 0, 6, 0))

    def _month(self, step: Step) -> Period:
        """One around the last run, but none before the first."""
        return max(START, self.period.plus(step.month % 9 - 6))

    def _known(self, employer: str, insured: str) -> Sequence[Affiliation]:
        with self.database.read() as connection:
            return SqlAffiliations(connection).of({(employer, insured)}).get((employer, insured), ())

    def affiliate(self, insured: str, first: date, kind: tuple[str, str] = KINDS[0]) -> None:
        """Have somebody enter with the first employer."""
        self._affiliate(Affiliation(EMPLOYERS[0], insured, first, None, *kind))

    def _enter(self, employer: str, insured: str, step: Step) -> None:
        first = START.plus(step.month % 14 - 10).first + timedelta(step.number % 27)
        contract, scheme = KINDS[step.number % len(KINDS)]
        last = first + timedelta(20 + step.number * 3) if step.number % 3 == 0 else None
        if not any(one.overlaps(first, last) for one in self._known(employer, insured)):
            self._affiliate(Affiliation(employer, insured, first, last, contract, scheme))

    def _affiliate(self, new: Affiliation, old: Affiliation | None = None) -> None:
        with self.database.write() as connection:
            registers = bind(connection, SqlWages(connection), SqlActivities(connection))
            if old is None:
                registers.affiliations.open(new)
            else:
                registers.affiliations.replace(old, new)
            held.release({(new.employer, new.insured)}, registers)
        self.ever.add((new.employer, new.insured))

    def _change(self, employer: str, insured: str, step: Step) -> None:
        """An exit, another contract, or another first day."""
        known = self._known(employer, insured)
        if not known:
            return
        old = known[step.number % len(known)]
        contract, scheme = KINDS[step.month % len(KINDS)]
        new = (
            old._replace(exit=old.entry + timedelta(step.month * 17)),
            old._replace(contract=contract, scheme=scheme),
            old._replace(entry=old.entry + timedelta(step.month * 9 - 60)),
            old._replace(exit=None),
        )[step.number % 4]
        others = [one for one in known if one != old]
        ends_first = new.exit is not None and new.exit < new.entry
        if new != old and not ends_first and not any(one.overlaps(new.entry, new.exit) for one in others):
            self._affiliate(new, old)

    def _cancel(self, employer: str, insured: str, step: Step) -> None:
        known = self._known(employer, insured)
        if known:
            with self.database.write() as connection:
                SqlAffiliations(connection).cancel(known[step.number % len(known)])

    def _declare(self, employer: str, insured: str, step: Step) -> None:
        """A wage of a month around the last run."""
        period = self._month(step)
        first, last = PARTS[step.number % len(PARTS)]
        key = WageKey(employer, insured, period, first, min(last, period.last.day))
        base = PAYS[step.number % len(PAYS)]
        one = Wage(
            key=key,
            deposit=self.deposit(),
            record=1 + step.number,
            base_wage=base,
            work_hours=173 if step.month % 3 else 40 + step.number,
            supplements=(step.number % 4) * 11_111,
            overtime_pay=(step.number % 3) * 5_550,
            overtime_hours=0,
            gratuities=base if step.number % 8 == 0 else 0,
            unemployment_pay=70_007 if step.number % 9 == 0 else 0,
            inactive_hours=20 if step.number % 9 == 0 else 0,
            non_pensionable=0,
            capped=False,
            reference=None,
        )
        self.receive(one)

    def receive(self, one: Wage) -> None:
        """Enter a wage, on hold when nothing insures its days; those that share days with it give way."""
        key, first = one.key, one.key.period.first
        days = first.replace(day=key.first_day), first.replace(day=key.last_day)
        insured_then = any(known.overlaps(*days) for known in self._known(key.employer, key.insured))
        with self.database.write() as connection:
            wages = SqlWages(connection)
            given_way = [other for other in wages.standing([key]) if other.overlaps(key)]
            wages.supersede(given_way, one.deposit)
            wages.add([(one, WageState.CURRENT if insured_then else WageState.HELD)])

    def _absent(self, employer: str, insured: str, step: Step) -> None:
        month = InsuredMonth(employer, insured, self._month(step))
        first = month.period.first + timedelta(step.number % 20)
        last = min(first + timedelta(step.number % 9), month.period.last)
        new = Absence(month, "1", first, last, 8 * (1 + step.number % 5), self.deposit(), 1)
        with self.database.write() as connection:
            registers = bind(connection, SqlWages(connection), SqlActivities(connection))
            known = registers.absences.standing([month]).get(month, ())
            if not any(one.first <= last and first <= one.last for one in known):
                registers.absences.add([(new, AbsenceState.CURRENT)])

    def _present(self, employer: str, insured: str, step: Step) -> None:
        month = InsuredMonth(employer, insured, self._month(step))
        with self.database.write() as connection:
            registers = bind(connection, SqlWages(connection), SqlActivities(connection))
            registers.absences.cancel([month])

    def _classify(self, employer: str, _insured: str, step: Step) -> None:
        classes = CLASSES[step.number % len(CLASSES)]
        assert Members(self.database).set_year(employer, {2025 + step.month % 2: classes}, self.now)

    def _renumber(self, _employer: str, insured: str, step: Step) -> None:
        if not any(one == insured for _, one in self.ever):
            return
        self.serials += 1
        born = _BORN if step.number % 2 else _BORN.replace(month=6)
        new = person_number(born, self.serials)
        now = self.now
        renumber(self.database, make_seal(), old=insured, new=new, effective=now.day, now=now)
        self.people[step.person] = new
        self.ever |= {(employer, new) for employer, one in self.ever if one == insured}

    def _pay(self, employer: str, _insured: str, step: Step) -> None:
        now = self.now
        paid = book.payment(
            employer,
            day=now.day,
            amount=1 + step.number * 10_000,
            reference=f"payment {now}",
            booked=now,
        )
        with self.database.write() as connection:
            SqlLedger(connection).enter([paid])

    def deposit(self) -> int:
        """The number of a deposit that wages or incapacities came with."""
        with self.database.write() as connection:
            table, now = tables.table(tables.Deposit), str(self.now)
            filled = dict.fromkeys(("id", "name", "digest", "received", "changed"), now)
            values = {**filled, "sender": "", "size": 0, "door": "https", "receipt": b"", "state": "done"}
            insert = sa.insert(table).values(values).returning(table.c.number)
            return int(connection.execute(insert).scalar_one())

    def ask(self, question: str, **given: object) -> list[Mapping[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(sa.text(question), given).mappings()]


def _hasty(raw: Any, _entry: object) -> None:
    raw.execute("PRAGMA synchronous=OFF")


def _moment(period: Period) -> datetime:
    """When a month is run: on the 12th, two months later."""
    month = period.plus(2)
    return datetime(month.year, month.month, 12, 7, tzinfo=UTC)


def template(folder: Path) -> Path:
    """The file of an empty house."""
    file = folder / "template.sqlite"
    with closing_database(file) as database:
        database.create()
    return file


def closing_database(file: Path) -> closing[Database]:
    return closing(Database(file))


Lines = Mapping[Branch, tuple[int, int, int]]
"""Base and both shares in cents, by branch."""
Key = tuple[str, str, str]
"""Insured, period, group."""


class Due(NamedTuple):
    """What must stand for an employer after a run.

    Attributes:
        charges: by key; nothing due is absent.
        refunds: cents by insured and period.
        institutions: cents each institution receives.
        held: code, insured and period of what cannot be charged.
    """

    charges: Mapping[Key, Lines]
    refunds: Mapping[tuple[str, str], int]
    institutions: Mapping[str, int]
    held: frozenset[tuple[Code, str, str]]


def due(house: House, employer: str) -> Due:
    """All that is due for all months up to the last run, from the bare rows."""
    classes = _classes(house, employer)
    affiliations = _affiliations(house, employer)
    together: defaultdict[tuple[str, Period, Group], list[Wage]] = defaultdict(list)
    wages, waits = _wages(house, employer), set()
    for wage in wages:
        key = wage.key
        found = _group(wage, affiliations[key.insured])
        if isinstance(found, Code):
            waits.add((found, key.insured, str(key.period)))
        elif key.period.year in classes:
            together[key.insured, key.period, found].append(wage)
    charges: dict[Key, Lines] = {}
    to: defaultdict[str, int] = defaultdict(int)
    for insured, calendar_year in sorted({(who, when.year) for who, when, _ in together}):
        own = {
            key: each for key, each in together.items() if key[0] == insured and key[1].year == calendar_year
        }
        for (period, group), contribution in _year(
            own, affiliations[insured], classes[calendar_year], house.policy
        ):
            charges[insured, str(period), group.value] = {
                one.branch: (round_half_up(one.base), one.employee, one.employer)
                for one in contribution.lines
            }
            for one in contribution.lines:
                to[one.institution] += one.employee + one.employer
    refunds, unclear = _refunds(house, employer, wages, affiliations, classes)
    return Due(
        charges,
        refunds,
        {name: cents for name, cents in to.items() if cents},
        frozenset(waits | unclear),
    )


def _year(
    own: Mapping[tuple[str, Period, Group], Sequence[Wage]],
    affiliations: Sequence[Affiliation],
    classes: Classification,
    policy: Policy,
) -> Iterator[tuple[tuple[Period, Group], Any]]:
    """The months of one insured and year; those without a wage leave room below the ceiling."""
    insured = next(iter(own))[0]
    periods = sorted({period for _, period, _ in own})
    months: list[tuple[Group | None, Month]] = []
    for number in range(1, periods[-1].month + 1):
        period = Period(periods[0].year, number)
        groups = sorted(
            (group for _, when, group in own if when == period),
            key=lambda group: (group is Group.PUPIL, group),
        )
        for group in groups:
            pay = _pay(own[insured, period, group])
            months.append((group, Month(period, pay, Insurance(_age(insured, period), group))))
        if not groups and any(one.overlaps(period.first, period.last) for one in affiliations):
            months.append((None, Month(period, Pay())))
    last, december = periods[-1], Period(periods[-1].year, 12)
    goes_on = last != december and any(
        one.overlaps(last.plus(1).first, december.last) for one in affiliations
    )
    found = year([month for _, month in months], classes, policy=policy, ended=not goes_on)
    for (group, month), one in zip(months, found, strict=True):
        if group is not None:
            yield (month.period, group), one


def _pay(wages: Sequence[Wage]) -> Pay:
    pay = Pay()
    for one in wages:
        pay = replace(
            pay,
            base_wage=pay.base_wage + one.base_wage,
            supplements=pay.supplements + one.supplements,
            overtime_pay=pay.overtime_pay + one.overtime_pay,
            gratuities=pay.gratuities + one.gratuities,
            unemployment_pay=pay.unemployment_pay + one.unemployment_pay,
            hours=pay.hours + Decimal(one.work_hours + one.inactive_hours),
        )
    return pay


def _age(insured: str, period: Period) -> int:
    born = date(int(insured[:4]), int(insured[4:6]), int(insured[6:8]))
    return period.year - born.year - ((period.month, 1) < (born.month, born.day))


def _group(wage: Wage, affiliations: Sequence[Affiliation]) -> Group | Code:
    period = wage.key.period
    first, last = (period.first.replace(day=day) for day in (wage.key.first_day, wage.key.last_day))
    insured = [one for one in affiliations if one.overlaps(first, last)]
    if not insured:
        return Code.AFFILIATION
    groups = schedule_of(period).groups
    try:
        found = [groups.of(one.contract, one.scheme) for one in insured]
    except UnknownGroupError:
        return Code.GROUP
    return next((group for group in found if group is not Group.PUPIL), Group.PUPIL)


def _refunds(
    house: House,
    employer: str,
    wages: Sequence[Wage],
    affiliations: Mapping[str, Sequence[Affiliation]],
    classes: Mapping[int, Classification],
) -> tuple[dict[tuple[str, str], int], set[tuple[Code, str, str]]]:
    rows = house.ask(
        "SELECT * FROM absence WHERE employer = :e AND state = 'current' AND period <= :p ORDER BY first_day",
        e=employer,
        p=str(house.period),
    )
    absences: defaultdict[str, list[Absence]] = defaultdict(list)
    for row in rows:
        month = InsuredMonth(employer, row["insured"], Period.parse(row["period"]))
        days = date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"])
        absences[month.insured].append(
            Absence(month, row["kind"], *days, row["hours"], row["deposit"], row["record"])
        )
    refunds, unclear = {}, set()
    for insured, known in absences.items():
        for period in sorted({one.month.period for one in known}):
            if period.year not in classes:
                continue
            one = refund(
                InsuredMonth(employer, insured, period),
                known,
                [wage for wage in wages if wage.key.insured == insured],
                affiliations[insured],
                schedule_of(period),
                classes[period.year],
            )
            assert one is not None
            if one.total:
                refunds[insured, str(period)] = one.total
            if one.held:
                unclear.add((Code.INCAPACITY, insured, str(period)))
    return refunds, unclear


def _classes(house: House, employer: str) -> dict[int, Classification]:
    rows = house.ask("SELECT * FROM employer_year WHERE matricule = :e ORDER BY id", e=employer)
    return {row["year"]: Classification(row["mde_class"], row["accident_factor"]) for row in rows}


def _affiliations(house: House, employer: str) -> defaultdict[str, list[Affiliation]]:
    found: defaultdict[str, list[Affiliation]] = defaultdict(list)
    rows = house.ask(
        "SELECT * FROM affiliation WHERE employer = :e AND state = 'current' ORDER BY entry", e=employer
    )
    for row in rows:
        left = row["exit"] and date.fromisoformat(row["exit"])
        entry = date.fromisoformat(row["entry"])
        found[row["insured"]].append(
            Affiliation(employer, row["insured"], entry, left, row["contract"], row["scheme"])
        )
    return found


def _wages(house: House, employer: str) -> list[Wage]:
    with house.database.read() as connection:
        query = sa.text(
            "SELECT * FROM wage WHERE employer = :e AND state = 'current' AND period <= :p"
            " ORDER BY period, id"
        )
        return [wage_of(row) for row in connection.execute(query, {"e": employer, "p": str(house.period)})]


def check(house: House, issued: Sequence[Issued | Held]) -> None:
    """Everything that must be so after a run."""
    for employer in EMPLOYERS:
        if house.period.year not in _classes(house, employer):
            continue
        expected = due(house, employer)
        assert charged(house, employer) == expected.charges, employer
        assert refunded(house, employer) == expected.refunds, employer
        assert distributed(house, employer) == expected.institutions, employer
        found = standing_holds(house, employer)
        assert found <= expected.held, employer
        assert {one for one in expected.held if is_looked_at(house, employer, *one)} <= found, employer
        check_statements(house, employer)
    numbers = [row["number"] for row in house.ask("SELECT number FROM statement ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))
    pairs = {(row["employer"], row["insured"]) for row in house.ask("SELECT employer, insured FROM charge")}
    assert pairs <= house.ever
    for one in issued:
        if isinstance(one, Issued):
            check_explained(house, one)
    with house.database.read() as connection:
        journal = connection.execute(sa.text("SELECT * FROM journal ORDER BY sequence")).all()
        assert list(account_findings(connection, journal)) == []


def charged(house: House, employer: str) -> dict[Key, Lines]:
    """What stands as charged: all rows of a key together, reversals against charges."""
    amounts = ", ".join(
        f'sum("{branch}_{part}") AS "{branch}_{part}"'
        for branch in Branch
        for part in ("base", "employee", "employer")
    )
    rows = house.ask(
        f'SELECT insured, period, "group", sum(1 - 2 * reversal) AS stands, {amounts} FROM charge'
        ' WHERE employer = :e GROUP BY insured, period, "group"',
        e=employer,
    )
    found: dict[Key, Lines] = {}
    for row in rows:
        assert row["stands"] in (0, 1)
        lines = {
            branch: (row[f"{branch}_base"], row[f"{branch}_employee"], row[f"{branch}_employer"])
            for branch in Branch
            if row[f"{branch}_base"] is not None
        }
        if row["stands"]:
            # A branch of an earlier version alone is even.
            due_now = house.ask(
                'SELECT * FROM charge WHERE employer = :e AND insured = :i AND period = :p AND "group" = :g'
                " ORDER BY id DESC LIMIT 1",
                e=employer,
                i=row["insured"],
                p=row["period"],
                g=row["group"],
            )[0]
            gone = {branch for branch in lines if due_now[f"{branch}_base"] is None}
            assert all(lines[branch] == (0, 0, 0) for branch in gone)
            found[row["insured"], row["period"], row["group"]] = {
                branch: each for branch, each in lines.items() if branch not in gone
            }
        else:
            assert set(lines.values()) <= {(0, 0, 0)}
    return found


def refunded(house: House, employer: str) -> dict[tuple[str, str], int]:
    rows = house.ask(
        "SELECT insured, period, sum(total) AS total FROM mutuality_refund WHERE employer = :e"
        " GROUP BY insured, period",
        e=employer,
    )
    return {(row["insured"], row["period"]): row["total"] for row in rows if row["total"]}


def distributed(house: House, employer: str) -> dict[str, int]:
    """What each institution receives of charges, by the ledger."""
    rows = house.ask(
        "SELECT p.holder, -sum(p.amount) AS amount FROM ledger_posting p"
        " JOIN ledger_entry e ON e.number = p.entry WHERE e.employer = :e AND p.account = 'institution'"
        " AND e.kind IN ('contributions', 'correction') GROUP BY p.holder",
        e=employer,
    )
    return {row["holder"]: row["amount"] for row in rows if row["amount"]}


def standing_holds(house: House, employer: str) -> frozenset[tuple[Code, str, str]]:
    """What is held of single people; that a class is missing is checked apart."""
    rows = house.ask("SELECT * FROM billing_hold WHERE employer = :e AND settled IS NULL", e=employer)
    return frozenset((Code(row["code"]), row["insured"], row["period"]) for row in rows if row["insured"])


def is_looked_at(house: House, employer: str, code: Code, insured: str, period: str) -> bool:
    """Whether something that is held must be known: an incapacity without any wage is no matter of a run."""
    if code is not Code.INCAPACITY:
        return True
    (first,) = house.ask("SELECT min(period) AS period FROM statement WHERE employer = :e", e=employer)
    return first["period"] is not None and period >= first["period"] and bool(insured)


def check_statements(house: House, employer: str) -> None:
    """Each statement follows from the one before, and the last one is what the ledger says."""
    before = entries = 0
    for row in house.ask("SELECT * FROM statement WHERE employer = :e ORDER BY number", e=employer):
        assert row["previous_balance"] == before
        owed = row["booked"] + row["contributions"] + row["corrected"] - row["refunded"]
        assert row["balance"] == row["previous_balance"] + owed
        (ledger,) = house.ask(
            "SELECT coalesce(sum(amount), 0) AS balance FROM ledger_posting"
            " WHERE account = 'employer' AND holder = :e AND entry <= :last",
            e=employer,
            last=row["entries"],
        )
        assert ledger["balance"] == row["balance"]
        assert row["entries"] >= entries
        before, entries = row["balance"], row["entries"]


def check_explained(house: House, issued: Issued) -> None:
    """Every charge of a statement can be computed again."""
    with house.database.read() as connection:
        issue = issue_of(connection, issued.number)
        assert issue is not None
        told = document(connection, issue)["charges"]
    assert isinstance(told, list)
    rows = house.ask(
        "SELECT count(*) AS number FROM charge WHERE statement = :n AND reversal = 0", n=issue.number
    )
    assert len(told) == rows[0]["number"]
    for one in told:
        assert one["version"] == 1 or one["causes"]
        assert all(line["formula"] for line in one["lines"])
