"""OWNCAL at the counter: only for members who may compute contributions themselves."""

from __future__ import annotations

from lxml import etree

from adapters.database.members import ALL
from adapters.database.registers.billed import SqlBilled
from gateway.agreement import Agreement
from gateway.billing.differences import Reason
from gateway.moments import Received
from gateway.returns import difcal, ownret
from tests.flow.premises import someone
from tests.flow.test_corrections import JULY, bill, declare
from tests.flow.test_payroll import parts, payroll
from tests.flow.test_payroll import send as send_payroll
from tests.house import EMPLOYER, INSURED, House, Sender, wage

OWN = {
    "Employer": EMPLOYER,
    "Insured": INSURED,
    "Period": "2026-07",
    "EmployeeTotal": "484.00",
    "EmployerTotal": "502.95",
}


def authorise(home: House, sender: Sender) -> None:
    authorised = Agreement(ALL, own_computation=True)
    home.gateway.members.agree(sender.member, authorised, Received(home.clock()))


def test_who_is_not_authorised_is_refused_whatever_was_agreed(home: House, sender: Sender) -> None:
    agreed = Agreement(ALL)
    home.gateway.members.agree(sender.member, agreed, Received(home.clock()))
    assert home.send(sender, "OWNCAL", [OWN]).codes == ["FILE-AGREEMENT"]
    authorise(home, sender)
    assert home.send(sender, "OWNCAL", [OWN]).verdict == "accepted"


def test_refused_records_come_back(home: House, sender: Sender) -> None:
    authorise(home, sender)
    outcome = home.send(sender, "OWNCAL", [OWN, {**OWN, "Period": "2099-01"}])
    assert (outcome.verdict, outcome.codes) == ("partial", ["OWNRET-4"])
    (refused,) = ownret.read(etree.fromstring(outcome.answers["OWNRET"])).rejected
    assert (refused.codes, refused.fields["Period"]) == (("OWNRET-4",), "2099-01")


def test_a_payroll_may_hold_own_amounts_beside_the_wages(home: House, sender: Sender) -> None:
    authorise(home, sender)
    records = {"OWNCAL": [OWN], "DECSAL": [wage(someone())]}
    outcome = send_payroll(home, sender, payroll(home, sender, records))
    assert parts(outcome) == [("DECSAL", "1", "0", "0", "1"), ("OWNCAL", "1", "1", "0", "0")]


def test_a_month_that_was_charged_is_compared_at_once(home: House, sender: Sender) -> None:
    authorise(home, sender)
    home.affiliate(INSURED)
    declare(home, sender, wage())
    first = bill(home, JULY, EMPLOYER)
    declare(home, sender, wage(BaseWage="4000.00"))
    bill(home, JULY.plus(1), EMPLOYER)
    with home.gateway.database.read() as connection:
        billed = SqlBilled(connection)
        (stands,), (reversed_,) = billed.of_month(EMPLOYER, JULY), billed.reversed_of(EMPLOYER, JULY)
    assert reversed_.total == first.total == 98695
    outcome = home.send(sender, "OWNCAL", [OWN])
    found = difcal.read(etree.fromstring(outcome.answers["DIFCAL"])).comparison
    assert (found.employer, found.period) == (EMPLOYER, JULY)
    assert found.reconciliation.difference == stands.total - reversed_.total
    assert {one.reason for one in found.reconciliation.reasons} == {Reason.CORRECTION}
