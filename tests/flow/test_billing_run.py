"""From declared wages to statements: the sums are added up here a second time, from the XML alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from adapters.billing import BillingRun, Issued
from adapters.database.institutions import totals
from adapters.premises import payee_of
from gateway.batch import MemberId
from gateway.client.seals import GOOD, seal_verdict
from gateway.matricule import is_employer
from gateway.moments import Period, Received
from tests import databases
from tests.flow.premises import HandClock, execute, move, rows, someone, texts
from tests.house import House, Sender, entry, wage

JULY = Period(2026, 7)
BRANCHES = ["care", "cash", "pension", "dependency", "accident", "mde", "health_at_work"]


def _employers() -> Iterator[str]:
    numbers = (f"20999903{n:02d}{digit}99" for n in range(100) for digit in range(10))
    return (number for number in numbers if is_employer(number))


_free = _employers()


@pytest.fixture
def employer(home: House) -> str:
    """An employer for whom nothing was declared yet."""
    matricule = next(_free)
    home.employer(matricule)
    return matricule


def allow(home: House, member: MemberId, employer: str, *codes: str, last: date | None = None) -> None:
    """Enter a mandate."""
    at = Received(home.clock())
    home.gateway.members.grant(member, employer, codes, first=date(2026, 1, 1), last=last, at=at)


@pytest.fixture
def allowed(home: House, sender: Sender, employer: str) -> str:
    """An employer for whom the sender may do everything."""
    allow(home, sender.member, employer, "DECSAL", "DECAFF", "CALCUL")
    return employer


def run(home: House, period: Period = JULY) -> list[Issued]:
    gateway = home.gateway
    run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
    return [one for one in run.run(period) if isinstance(one, Issued)]


def posted(home: House, member: MemberId, kind: str, statement: str) -> list[bytes]:
    """What a member got of a kind under a statement's number."""
    found = rows(
        home,
        "SELECT content FROM answer WHERE recipient = :member AND kind = :kind",
        member=str(member),
        kind=kind,
    )
    return [row["content"] for row in found if texts(row["content"], "Statement") == [statement]]


def money(part: etree._Element, path: str) -> list[int]:
    """The amounts at a path, in cents."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [int(Decimal(found.text or "") * 100) for found in part.iterfind(steps)]


def total(part: etree._Element, path: str) -> int:
    (found,) = money(part, path)
    return found


def add_up(calculation: etree._Element, statement: etree._Element) -> int:
    """Compare every sum of both documents with what it is the sum of; the amount due, in cents."""
    for side in ("Employee", "Employer"):
        for insured in calculation.iterfind("{*}Insured"):
            assert total(insured, f"{side}Total") == sum(money(insured, f"Line/{side}"))
        lines = sum(money(calculation, f"Insured/Line/{side}"))
        branches = sum(money(statement, f"Branch/{side}"))
        assert total(calculation, f"{side}Total") == lines == branches == total(statement, f"{side}Total")
    assert [part.text for part in statement.iterfind("{*}Branch/{*}Branch")] == BRANCHES
    for part in statement.iterfind("{*}Branch"):
        name = part.findtext("{*}Branch")
        charged = [
            line for line in calculation.iterfind("{*}Insured/{*}Line") if line.findtext("{*}Branch") == name
        ]
        for amount in ("Base", "Employee", "Employer"):
            assert total(part, amount) == sum(total(line, amount) for line in charged)
        assert total(part, "Total") == total(part, "Employee") + total(part, "Employer")
    due = total(statement, "Contributions")
    assert due == total(calculation, "Total") == sum(money(calculation, "Insured/Total"))
    assert due == sum(money(statement, "Branch/Total")) == sum(money(statement, "Distribution/Amount"))
    assert total(statement, "Balance") == total(statement, "PreviousBalance") + due
    return due


def declare(home: House, sender: Sender, *records: dict[str, str]) -> None:
    outcome = home.send(sender, "DECSAL", records)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])


def affiliated(home: House, employer: str, count: int) -> Sequence[str]:
    people = [someone() for _ in range(count)]
    home.affiliate(*people, employer=employer)
    return people


def test_lines_sums_and_statement_agree_to_the_cent(home: House, sender: Sender, allowed: str) -> None:
    people = affiliated(home, allowed, 9)
    odd = [
        wage(one, allowed, BaseWage=f"{1733 + 611 * n}.{(n * 37) % 100:02d}", WorkHours=str(100 + 9 * n))
        for n, one in enumerate(people[:6])
    ]
    rich = wage(people[6], allowed, BaseWage="99999.99", Gratuities="12345.67")
    little = wage(people[7], allowed, BaseWage="0.01", WorkHours="1")
    parts = [
        wage(people[8], allowed, BaseWage="777.77", WorkHours="60", FirstDay="01", LastDay="15"),
        wage(people[8], allowed, BaseWage="1222.23", WorkHours="61", FirstDay="16", LastDay="31"),
    ]
    declare(home, sender, *odd, rich, little, *parts)
    (issued,) = run(home)
    assert (issued.employer, issued.recipients) == (allowed, (str(sender.member),))
    (calculation,) = posted(home, sender.member, "CALCUL", issued.number)
    (statement,) = posted(home, sender.member, "EXTCPT", issued.number)
    assert add_up(etree.fromstring(calculation), etree.fromstring(statement)) == issued.total > 0
    assert texts(calculation, "Insured/Matricule") == sorted(people)
    assert [seal_verdict(answer, home.seals) for answer in (calculation, statement)] == [GOOD, GOOD]
    (kept,) = rows(home, "SELECT contributions FROM statement WHERE employer = :employer", employer=allowed)
    assert kept["contributions"] == issued.total


def test_a_known_wage_costs_what_can_be_worked_out_by_hand(home: House, sender: Sender, allowed: str) -> None:
    """3,812.40 in July 2026: care 2.8 %, cash 0.25 % and pension 8.5 % on each side; dependency 1.4 % of
    what exceeds 692.83; accident 0.65 % times 0.85, MDE class 2 0.95 %, health at work 0.14 %."""
    (insured,) = affiliated(home, allowed, 1)
    declare(home, sender, wage(insured, allowed))
    (issued,) = run(home)
    (calculation,) = posted(home, sender.member, "CALCUL", issued.number)
    (person,) = etree.fromstring(calculation).iterfind("{*}Insured")
    assert [line.findtext("{*}Branch") for line in person.iterfind("{*}Line")] == BRANCHES
    assert money(person, "Line/Employee") == [10675, 953, 32405, 4367, 0, 0, 0]
    assert money(person, "Line/Employer") == [10675, 953, 32405, 0, 2106, 3622, 534]
    assert (total(person, "Pay"), issued.total) == (381240, 98695)


def test_a_run_that_is_repeated_bills_nothing_twice(home: House, sender: Sender, allowed: str) -> None:
    (insured,) = affiliated(home, allowed, 1)
    declare(home, sender, wage(insured, allowed))
    (issued,) = run(home)
    before = rows(home, "SELECT id, digest FROM answer ORDER BY number")
    assert run(home) == []
    assert rows(home, "SELECT id, digest FROM answer ORDER BY number") == before
    billed = rows(home, "SELECT number FROM statement WHERE employer = :employer", employer=allowed)
    assert len(billed) == 1
    assert issued.number.startswith("202607-")


def test_a_run_broken_off_goes_on_where_it_stopped(home: House, sender: Sender) -> None:
    employers = sorted(next(_free) for _ in range(3))
    for employer in employers:
        home.employer(employer)
        allow(home, sender.member, employer, "DECSAL", "CALCUL")
        (insured,) = affiliated(home, employer, 1)
        declare(home, sender, wage(insured, employer))
    gateway = home.gateway
    payee = payee_of(home.settings)
    begun = BillingRun(gateway.database, gateway.seal, gateway.clock, payee, at_once=1).run(JULY)
    first = next(begun)
    begun.close()
    rest = run(home)
    assert [issued.employer for issued in (first, *rest)] == employers
    numbers = [int(issued.number.partition("-")[2]) for issued in (first, *rest)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_a_failure_that_nobody_foresaw_concerns_one_employer(home: House, sender: Sender) -> None:
    """A mandate that cannot be read, among three employers who are billed in one transaction."""
    employers = sorted(next(_free) for _ in range(3))
    for employer in employers:
        home.employer(employer)
        allow(home, sender.member, employer, "DECSAL", "CALCUL")
        (insured,) = affiliated(home, employer, 1)
        declare(home, sender, wage(insured, employer))
    gateway = home.gateway
    execute(home, f"UPDATE mandate SET first = 'one day' WHERE employer = '{employers[1]}'")
    begun = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings)).run(JULY)
    issued = [next(begun), next(begun)]
    with pytest.raises(ExceptionGroup, match="1 employers could not be billed for 2026-07"):
        next(begun)
    execute(home, f"UPDATE mandate SET first = '2026-01-01' WHERE employer = '{employers[1]}'")
    issued += run(home)
    assert [one.employer for one in issued] == [employers[0], employers[2], employers[1]]
    numbers = [int(one.number.partition("-")[2]) for one in issued if isinstance(one, Issued)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_employers_billed_together_are_told_what_they_would_be_told_apart(
    home: House, sender: Sender
) -> None:
    """The same wages for two employers in one transaction, and for a third one in another."""
    employers = sorted(next(_free) for _ in range(3))
    for employer in employers:
        home.employer(employer)
        allow(home, sender.member, employer, "DECSAL", "CALCUL")
    bodies = []
    for together in (employers[:2], employers[2:]):
        for employer in together:
            people = affiliated(home, employer, 3)
            pays = ("2000.00", "15000.00", "4321.09")
            wages = [
                wage(one, employer, BaseWage=pay, WorkHours="140")
                for one, pay in zip(people, pays, strict=True)
            ]
            declare(home, sender, *wages)
        for issued in run(home):
            (calculation,) = posted(home, sender.member, "CALCUL", issued.number)
            (statement,) = posted(home, sender.member, "EXTCPT", issued.number)
            assert add_up(etree.fromstring(calculation), etree.fromstring(statement)) == issued.total
            lines = etree.fromstring(calculation).iterfind("{*}Insured/{*}Line")
            bodies.append([etree.tostring(line) for line in lines])
    assert len(bodies[0]) == 3 * len(BRANCHES)
    assert bodies[0] == bodies[1] == bodies[2]


def test_statements_go_to_the_members_with_the_mandate_and_to_no_other(
    home: House, sender: Sender, other: Sender, employer: str
) -> None:
    """One may declare, another collects the invoices, a third could until yesterday."""
    third = home.sender(MemberId("2099990003999", "300003"), [])
    allow(home, sender.member, employer, "DECSAL")
    allow(home, other.member, employer, "CALCUL")
    allow(home, third.member, employer, "CALCUL", last=date(2026, 1, 31))
    (insured,) = affiliated(home, employer, 1)
    declare(home, sender, wage(insured, employer))
    (issued,) = run(home)
    assert issued.recipients == (str(other.member),)
    for member, due in ((sender.member, 0), (other.member, 1), (third.member, 0)):
        for kind in ("CALCUL", "EXTCPT"):
            assert len(posted(home, member, kind, issued.number)) == due


def test_each_member_with_the_mandate_gets_its_own_copy(
    home: House, sender: Sender, other: Sender, employer: str
) -> None:
    for one in (sender, other):
        allow(home, one.member, employer, "DECSAL", "CALCUL")
        allow(home, one.member, employer, "CALCUL")
    (insured,) = affiliated(home, employer, 1)
    declare(home, sender, wage(insured, employer))
    (issued,) = run(home)
    assert issued.recipients == (str(sender.member), str(other.member))
    for one in (sender, other):
        (statement,) = posted(home, one.member, "EXTCPT", issued.number)
        assert texts(statement, "Header/Recipient/Matricule") == [one.member.matricule]


def test_only_wages_that_count_are_billed(home: House, sender: Sender, allowed: str) -> None:
    """Not those on hold, not those that were replaced, not those of another month."""
    one, two = affiliated(home, allowed, 2)
    declare(home, sender, wage(one, allowed, BaseWage="9000.00"))
    declare(home, sender, wage(one, allowed, BaseWage="2000.00"), wage(someone(), allowed))
    declare(home, sender, wage(two, allowed, Period="2026-06"))
    (issued,) = run(home)
    (calculation,) = posted(home, sender.member, "CALCUL", issued.number)
    assert texts(calculation, "Insured/Matricule") == [one]
    assert texts(calculation, "Insured/Pay") == ["2000.00"]
    # June was never charged before: it stands beside, as a month of its own.
    assert texts(calculation, "Correction/Insured") == [two]
    assert texts(calculation, "Correction/Period") == ["2026-06"]
    assert run(home, Period(2026, 6)) == []


def test_a_released_wage_is_billed(home: House, sender: Sender, allowed: str) -> None:
    insured = someone()
    declare(home, sender, wage(insured, allowed))
    assert run(home) == []
    assert home.send(sender, "DECAFF", [entry(insured, allowed)]).verdict == "accepted"
    assert [issued.employer for issued in run(home)] == [allowed]


def test_a_statement_is_due_ten_days_after_its_issue(
    home: House, sender: Sender, clock: HandClock, allowed: str
) -> None:
    """Issued at 23:30 UTC it is the next day in Luxembourg already."""
    (insured,) = affiliated(home, allowed, 1)
    declare(home, sender, wage(insured, allowed))
    move(home, clock, datetime(2026, 9, 14, 23, 30, tzinfo=UTC))
    (issued,) = run(home)
    (statement,) = posted(home, sender.member, "EXTCPT", issued.number)
    assert (texts(statement, "Issued"), texts(statement, "Due")) == (["2026-09-15"], ["2026-09-25"])


@pytest.mark.embedded
def test_whom_a_run_concerns_is_found_without_reading_all_that_was_ever_stated_or_booked(home: House) -> None:
    """After ten years a hundred months stand behind every employer: SQLite tells how it goes about it."""
    gateway = home.gateway
    with databases.plans(gateway.database.engine) as steps:
        BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings)).due(JULY)
        whole = ("statement", "ledger_entry", "ledger_posting", "wage", "charge")
        scanned = {one.partition(":")[0].split()[1] for one in steps if one.startswith("SCAN ")}
        assert scanned.isdisjoint(whole)
        assert any("ledger_entry_employer (employer=? AND number>?)" in one for one in steps)
        steps.clear()
        with gateway.database.read() as connection:
            totals(connection, JULY)
        assert any(one.startswith("SCAN") for one in steps), "the control: a month end reads the ledger"
