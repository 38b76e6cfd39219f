"""What was agreed with a member: which procedures, in which environment."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.members import ALL
from gateway.agreement import Agreement, Pages, Spelling
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.registers import MandateState
from tests.flow.premises import registered, someone
from tests.flow.test_payroll import payroll
from tests.flow.test_payroll import send as send_payroll
from tests.house import OTHER_EMPLOYER, OTHER_MEMBER, House, Sender, entry, wage


@pytest.fixture
def member(home: House, other: Sender) -> Sender:
    """A member whose agreement is on everything again."""
    home.gateway.members.agree(other.member, Agreement(ALL), Received(home.clock()))
    return other


def agree(home: House, member: Sender, *procedures: str) -> None:
    home.gateway.members.agree(member.member, Agreement(frozenset(procedures)), Received(home.clock()))


def test_a_procedure_that_was_not_agreed_is_refused_and_taken_once_it_is(home: House, member: Sender) -> None:
    agree(home, member, "DECAFF")
    before = registered(home)
    refused = home.send(member, "DECSAL", [wage(someone(), OTHER_EMPLOYER)])
    assert (refused.verdict, refused.codes) == ("rejected", ["FILE-AGREEMENT"])
    assert registered(home) == before
    assert home.send(member, "DECAFF", [entry(someone(), OTHER_EMPLOYER)]).verdict == "accepted"
    agree(home, member, "DECAFF", "DECSAL")
    assert home.send(member, "DECSAL", [wage(someone(), OTHER_EMPLOYER)]).hints == ["SALRET-HELD"]


def test_a_revoked_agreement_takes_nothing(home: House, member: Sender) -> None:
    agree(home, member)
    outcome = home.send(member, "DECAFF", [entry(someone(), OTHER_EMPLOYER)])
    assert outcome.codes == ["FILE-AGREEMENT"]


def test_the_agreement_at_receipt_decides(home: House, member: Sender) -> None:
    content = home.batch(member, "DECAFF", [entry(someone(), OTHER_EMPLOYER)])
    receipt = home.receive(member, home.name("DECAFF", member.member), content)
    agree(home, member)
    assert home.outcome(member, receipt.deposit).verdict == "accepted"


def test_every_part_of_a_payroll_must_have_been_agreed(home: House, member: Sender) -> None:
    agree(home, member, "DECAFF")
    insured = someone()
    records = {"DECAFF": [entry(insured, OTHER_EMPLOYER)], "DECSAL": [wage(insured, OTHER_EMPLOYER)]}
    outcome = send_payroll(home, member, payroll(home, member, records))
    assert outcome.codes == ["FILE-AGREEMENT"]
    assert b"<Value>DECSAL</Value>" in outcome.answers["ACKTRT"]
    del records["DECSAL"]
    assert send_payroll(home, member, payroll(home, member, records)).verdict == "accepted"


@pytest.mark.parametrize(
    ("agreed", "environment", "allowed"),
    [
        ("production", "production", True),
        ("production", "test", True),
        ("test", "test", True),
        ("test", "production", False),
    ],
)
def test_who_is_let_into_the_test_environment_only_stays_there(
    agreed: str, environment: str, allowed: bool
) -> None:
    agreement = Agreement(frozenset({"DECSAL"}), agreed)
    assert agreement.allows("DECSAL", environment) is allowed
    assert not agreement.allows("DECAFF", environment)


@pytest.mark.parametrize("written", ["DECSAL DECAFF", "DECSAL,DECAFF", "decaff, DECSAL"])
def test_procedures_stand_between_commas_or_blanks(home: House, member: Sender, written: str) -> None:
    data = ("--data", str(home.settings.data))
    words = ["member", "agreement", str(member.member), "--procedures", written, *data]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "DECAFF DECSAL" in done.stdout
    assert "What" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    employer = member.member.matricule
    add = ["mandate", "add", str(member.member), employer, *data, "--procedures"]
    done = CliRunner().invoke(app, [*add, written])
    assert done.exit_code == 0, done.output
    codes = frozenset({"DECAFF", "DECSAL"})
    assert home.gateway.members.mandates(MandateState)[-1].procedures == codes
    listed = CliRunner().invoke(app, ["mandate", "list", *data]).stdout
    assert "DECAFF DECSAL" in listed
    assert max(map(len, listed.splitlines())) <= 80
    for nonsense in (",", "DECXYZ"):
        assert CliRunner().invoke(app, [*add, nonsense]).exit_code == 2


def test_the_command_shows_and_changes_it(home: House, member: Sender) -> None:
    def agreement(*options: str) -> dict[str, object]:
        command = ["member", "agreement", str(member.member), "--data", str(home.settings.data), "--json"]
        done = CliRunner().invoke(app, [*command, *options])
        assert done.exit_code == 0, done.output
        shown: dict[str, object] = json.loads(done.stdout)
        return shown

    assert agreement() == {
        "procedures": sorted(ALL),
        "environment": "production",
        "answers": "xml",
        "own_computation": False,
        "pages": "fr",
        "release_above": None,
        "triples": False,
    }
    changed = agreement(
        "--procedures", "DECSAL decaff", "--answers", "dta", "--own-computation", "--pages", "de", "--triples"
    )
    assert changed == {
        "procedures": ["DECAFF", "DECSAL"],
        "environment": "production",
        "answers": "dta",
        "own_computation": True,
        "pages": "de",
        "release_above": None,
        "triples": True,
    }
    standing = home.gateway.members.agreement(member.member, Received(home.clock()))
    codes = frozenset({"DECAFF", "DECSAL"})
    expected = Agreement(codes, answers=Spelling.DTA, own_computation=True, pages=Pages.GERMAN, triples=True)
    assert standing in (expected, replace(standing or expected, procedures=ALL))


@pytest.mark.parametrize(
    "options", [["--procedures", "DECXYZ"], ["--environment", "moon"], ["--answers", "pdf"]]
)
def test_the_command_takes_only_what_there_is(home: House, member: Sender, options: list[str]) -> None:
    command = ["member", "agreement", str(member.member), "--data", str(home.settings.data), *options]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_nobody_without_an_agreement(home: House) -> None:
    nobody = MemberId(OTHER_MEMBER.matricule, "999999")
    assert home.gateway.members.agreement(nobody, Received(home.clock())) is None
    command = ["member", "agreement", str(nobody), "--data", str(home.settings.data)]
    assert CliRunner().invoke(app, command).exit_code == 1


def test_control_the_acknowledgement_of_these_tests_is_xml(home: House, member: Sender) -> None:
    outcome = home.send(member, "DECAFF", [entry(someone(), OTHER_EMPLOYER)])
    assert etree.fromstring(outcome.answers["ACKTRT"]) is not None
