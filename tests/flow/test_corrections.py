"""Months charged anew: what is reversed, what takes its place, and how every cent of it is explained."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
from lxml import etree

from adapters.billing import BillingRun, Held, Issued
from adapters.billing.explanation import document, issue_of
from adapters.billing.followups import Followups
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.premises import payee_of
from gateway.billing.holds import Code
from gateway.contributions import Classification
from gateway.ledger.arrangements import Instalment, Plan
from gateway.matricule import is_employer
from gateway.moments import Period, Received, months_after
from gateway.money import cents_of
from tests.flow.premises import HandClock, move, rows, someone
from tests.house import House, Sender, entry, wage
from tests.tools import tool

JULY, AUGUST, SEPTEMBER = (Period(2026, month) for month in (7, 8, 9))
IN_OCTOBER = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)
IN_NOVEMBER = datetime(2026, 11, 12, 7, 0, tzinfo=UTC)


def _employers() -> Iterator[str]:
    numbers = (f"20999904{n:02d}{digit}99" for n in range(100) for digit in range(10))
    return (number for number in numbers if is_employer(number))


_free = _employers()


@pytest.fixture(autouse=True)
def in_october(home: House, clock: HandClock) -> None:
    """Wages of August can be declared, whichever test comes first."""
    if clock() < IN_OCTOBER:
        move(home, clock, IN_OCTOBER)


@pytest.fixture
def employer(home: House, sender: Sender) -> str:
    """An employer of its own for a test, for whom the sender may do everything."""
    matricule = next(_free)
    home.employer(matricule)
    allow(home, sender, matricule)
    return matricule


def allow(home: House, sender: Sender, employer: str) -> None:
    codes = ("DECSAL", "DECAFF", "DECMAL", "CALCUL")
    at = Received(home.clock())
    home.gateway.members.grant(sender.member, employer, codes, first=date(2026, 1, 1), last=None, at=at)


def run(home: House, period: Period) -> list[Issued | Held]:
    gateway = home.gateway
    return list(
        BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings)).run(period)
    )


def bill(home: House, period: Period, employer: str) -> Issued:
    """The statement of one employer."""
    (issued,) = (one for one in run(home, period) if one.employer == employer)
    assert isinstance(issued, Issued)
    return issued


def posted(home: House, kind: str, issued: Issued) -> etree._Element:
    found = (
        etree.fromstring(row["content"])
        for row in rows(home, "SELECT content FROM answer WHERE kind = :kind ORDER BY number", kind=kind)
    )
    (one,) = (root for root in found if root.findtext("{*}Statement") == issued.number)
    return one


def explained(home: House, issued: Issued) -> dict[str, Any]:
    with home.gateway.database.read() as connection:
        issue = issue_of(connection, issued.number)
        assert issue is not None
        return document(connection, issue)


def texts(root: etree._Element, path: str) -> list[str | None]:
    return [part.text for part in root.iterfind("/".join(f"{{*}}{step}" for step in path.split("/")))]


def amount(root: etree._Element, path: str) -> int:
    (text,) = texts(root, path)
    return cents_of(text or "")


def declare(home: House, sender: Sender, *records: dict[str, str]) -> None:
    outcome = home.send(sender, "DECSAL", records)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])


def check_account(home: House, issued: Issued) -> etree._Element:
    """The statement adds up, and every one of its charges can be computed again; the statement."""
    statement, detail = posted(home, "EXTCPT", issued), posted(home, "CALCUL", issued)
    booked = sum(cents_of(text or "") for text in texts(statement, "Booking/Amount"))
    assert (
        issued.total
        == amount(statement, "Balance")
        == (
            amount(statement, "PreviousBalance")
            + booked
            + amount(statement, "Contributions")
            + amount(statement, "Corrected")
            - amount(statement, "Refunded")
        )
    )
    assert (
        amount(statement, "Corrected")
        == amount(detail, "Corrected")
        == sum(cents_of(text or "") for text in texts(detail, "Correction/Total"))
    )
    (ledger,) = rows(
        home,
        "SELECT sum(amount) AS amount FROM ledger_posting WHERE account = 'employer' AND holder = :holder",
        holder=issued.employer,
    )
    assert ledger["amount"] == issued.total
    for charge in explained(home, issued)["charges"]:
        assert all(line["formula"] and line["parameters"] for line in charge["lines"])
    return statement


def test_a_wage_declared_anew_is_reversed_and_charged_again(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    july = bill(home, JULY, employer)
    assert (july.total, check_account(home, july).findtext("{*}Corrected")) == (98695, "0.00")
    declare(home, sender, wage(insured, employer, BaseWage="4000.00"))
    declare(home, sender, wage(insured, employer, Period="2026-08"))
    august = bill(home, AUGUST, employer)
    statement, detail = check_account(home, august), posted(home, "CALCUL", august)
    assert texts(statement, "Correction/Period") == ["2026-07"]
    assert texts(statement, "Correction/Cause") == ["wage"]
    assert amount(statement, "Contributions") == 98695
    (reversal,), (result,) = (
        texts(detail, "Correction/Reversal/Total"),
        texts(detail, "Correction/Result/Total"),
    )
    assert (reversal, texts(detail, "Correction/Version")) == ("-986.95", ["2"])
    assert amount(statement, "Corrected") == cents_of(result or "") - 98695 > 0
    (told,) = (one for one in explained(home, august)["charges"] if one["period"] == "2026-07")
    assert (told["version"], told["causes"], told["total"]) == (2, ["wage"], result)
    assert told["lines"][0]["formula"] == "4000.00 × 2.80 %"
    versions = rows(
        home,
        "SELECT version, reversal FROM charge WHERE employer = :e AND period = '2026-07' ORDER BY id",
        e=employer,
    )
    assert [(row["version"], row["reversal"]) for row in versions] == [(1, 0), (1, 1), (2, 0)]


def test_a_wage_that_comes_late_and_an_entry_that_is_cancelled(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    stays, comes_late, never_came = someone(), someone(), someone()
    home.affiliate(stays, comes_late, employer=employer)
    assert home.send(sender, "DECAFF", [entry(never_came, employer)]).verdict == "accepted"
    declare(home, sender, wage(stays, employer), wage(never_came, employer))
    july = bill(home, JULY, employer)
    assert july.total == 2 * 98695
    declare(home, sender, wage(comes_late, employer), wage(stays, employer, Period="2026-08"))
    cancelled = {"Kind": "cancellation", "PreviousEntry": "2026-07-01"}
    record = {"Kind": "cancellation", "Employer": employer, "Insured": never_came, **cancelled}
    assert home.send(sender, "DECAFF", [record]).verdict == "accepted"
    august = bill(home, AUGUST, employer)
    statement = check_account(home, august)
    assert texts(statement, "Correction/Cause") == ["late", "affiliation"]
    assert amount(statement, "Corrected") == 0
    assert august.total == 3 * 98695
    assert [hold.code for hold in august.held] == [Code.AFFILIATION]


def test_another_class_charges_the_year_anew(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer), wage(insured, employer, Period="2026-06"))
    bill(home, JULY, employer)
    home.gateway.members.set_year(employer, {2026: Classification(4, 85)}, Received(clock()))
    declare(home, sender, wage(insured, employer, Period="2026-08"))
    statement = check_account(home, bill(home, AUGUST, employer))
    assert texts(statement, "Correction/Period") == ["2026-06", "2026-07"]
    assert set(texts(statement, "Correction/Cause")) == {"classification"}
    # 3,812.40 at 2.66 % instead of 0.95 %, twice.
    assert amount(statement, "Corrected") == 2 * (10141 - 3622)


def test_an_employer_without_a_class_is_held_and_charged_once_it_has_one(
    home: House, sender: Sender, clock: HandClock
) -> None:
    employer = next(_free)
    home.gateway.members.enter_employer(employer, name="Made-up Ltd", years={2025: Classification(2, 85)})
    allow(home, sender, employer)
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    (held,) = (one for one in run(home, JULY) if one.employer == employer)
    assert isinstance(held, Held)
    assert [hold.code for hold in held.held] == [Code.CLASSIFICATION]
    standing = "SELECT code FROM billing_hold WHERE employer = :e AND settled IS NULL"
    assert [row["code"] for row in rows(home, standing, e=employer)] == ["BILL-CLASS"]
    home.gateway.members.set_year(employer, {2026: Classification(2, 85)}, Received(clock()))
    assert bill(home, JULY, employer).total == 98695
    assert rows(home, standing, e=employer) == []


def test_a_refund_of_the_mutuality_is_credited_and_taken_back_when_the_incapacity_is_cancelled(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    """16 of 173 hours of 3,812.40 are 352.59; 80 % of it 282.07, and the employer's shares on that."""
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    absence = {
        "Kind": "declaration",
        "Employer": employer,
        "Insured": insured,
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-06",
        "End": "2026-07-07",
        "Hours": "16",
    }
    assert home.send(sender, "DECMAL", [absence]).codes == []
    july = bill(home, JULY, employer)
    refunded = amount(check_account(home, july), "Refunded")
    assert refunded == 28207 + 790 + 71 + 2398
    assert july.total == 98695 - refunded
    cancelled = {"Kind": "cancellation", "Employer": employer, "Insured": insured, "Period": "2026-07"}
    assert home.send(sender, "DECMAL", [cancelled]).codes == []
    declare(home, sender, wage(insured, employer, Period="2026-08"))
    statement = check_account(home, bill(home, AUGUST, employer))
    assert (texts(statement, "Refund/Period"), amount(statement, "Refunded")) == (["2026-07"], -refunded)


def test_a_thirteenth_month_uses_what_the_year_left_below_the_ceiling(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer, BaseWage="10000.00"))
    bill(home, JULY, employer)
    declare(
        home, sender, wage(insured, employer, Period="2026-08", BaseWage="10000.00", Gratuities="10000.00")
    )
    issued = bill(home, AUGUST, employer)
    check_account(home, issued)
    (line,) = (
        line
        for charge in explained(home, issued)["charges"]
        for line in charge["lines"]
        if line["branch"] == "pension"
    )
    months = rows(
        home,
        "SELECT affiliated FROM charge WHERE employer = :e ORDER BY id DESC LIMIT 1",
        e=employer,
    )[0]["affiliated"]
    assert bin(months).count("1") == 8
    assert line["base"] == "20000.00"


def test_nothing_more_is_stated_once_an_account_is_even_and_nothing_changes(
    home: House, sender: Sender, clock: HandClock, employer: str
) -> None:
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    bill(home, JULY, employer)
    move(home, clock, IN_NOVEMBER)
    later = bill(home, SEPTEMBER, employer)
    assert amount(check_account(home, later), "Contributions") == 0
    assert later.total >= 98695


def test_a_statement_is_followed_once_by_its_pages(home: House, sender: Sender, employer: str) -> None:
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    issued = bill(home, JULY, employer)
    followups = Followups(home.gateway.database, home.gateway.seal, home.gateway.clock)
    names = list(followups.pages())
    assert names and all(name.startswith("SECU.EXTCPT.INFO.") for name in names)
    assert list(followups.pages()) == []
    (row,) = rows(home, "SELECT content FROM answer WHERE name = :name", name=names[-1])
    with ZipFile(BytesIO(row["content"])) as container:
        kinds = sorted(name.rpartition(".")[2] for name in container.namelist() if name.startswith("SECU."))
        (pdf,) = (container.read(name) for name in container.namelist() if name.endswith(".PDF"))
    assert kinds == ["PDF", "XML"]
    read = subprocess.run([tool("pdftotext"), "-", "-"], input=pdf, capture_output=True, check=True)
    assert issued.number in read.stdout.decode()


def test_a_payment_plan_leaves_the_rest_for_later(home: House, sender: Sender, employer: str) -> None:
    """Of 986.95 in a plan of ten instalments nothing is due yet; the new month is due whole."""
    insured = someone()
    home.affiliate(insured, employer=employer)
    declare(home, sender, wage(insured, employer))
    july = bill(home, JULY, employer)
    now = Received(home.clock())
    with home.gateway.database.write() as connection:
        (charge,) = SqlLedger(connection).of(employer)
        instalments = tuple(Instalment(months_after(now.day, month), 9870) for month in range(1, 11))
        items = frozenset({charge.number or 0})
        SqlArrangements(connection).grant(
            Plan(None, employer, now.day, "the operator", items, instalments, now)
        )
    declare(home, sender, wage(insured, employer, Period="2026-08"))
    statement = check_account(home, bill(home, AUGUST, employer))
    assert texts(statement, "Payment/Terms") == ["plan"]
    assert amount(statement, "Balance") == 2 * july.total
    assert amount(statement, "Payment/Payable") == july.total


def test_one_statement_whose_pages_fail_stops_no_other_and_is_tried_again(
    home: House, sender: Sender, employer: str
) -> None:
    second = next(_free)
    home.employer(second)
    allow(home, sender, second)
    followups = Followups(home.gateway.database, home.gateway.seal, home.gateway.clock)
    list(followups.pages())
    for one in (employer, second):
        insured = someone()
        home.affiliate(insured, employer=one)
        declare(home, sender, wage(insured, one))
    run(home, JULY)
    latest = "SELECT number, content FROM answer WHERE kind = 'EXTCPT' ORDER BY number DESC LIMIT 2"
    with home.gateway.database.read() as connection:
        _, (broken, sealed) = connection.exec_driver_sql(latest).all()
    change = sa.text("UPDATE answer SET content = :content WHERE number = :number")
    for content, posted_pages in ((b"broken", 1), (sealed, 1), (sealed, 0)):
        with home.gateway.database.write() as connection:
            connection.execute(change, {"content": content, "number": broken})
        assert len(list(followups.pages())) == posted_pages
