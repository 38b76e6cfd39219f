"""Production takes real people, and nothing that was addressed to the test environment
(`test_test_environment.py`)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gateway.names import Extension
from tests.flow.premises import START, HandClock
from tests.flow.test_container_deposits import as_dta
from tests.house import EMPLOYER, INSURED, MEMBER, house, wage

REAL = "1990060500123"


def test_production_takes_everybody_and_no_file_for_tests(tmp_path: Path) -> None:
    with house(tmp_path, clock=HandClock(START), environment="production") as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECSAL", [wage(REAL)]).codes == ["SALRET-3"]

        dta = as_dta("DECSAL", [wage(INSURED)])
        box = sender.signer.sign_container({"DECSAL.dta": dta}, home.clock())
        name = home.name("DECSAL", MEMBER, Extension.ASICE)
        to_tests = name.replace(".CCSS.", ".CCSSTEST.")
        refused = home.outcome(sender, home.receive(sender, to_tests, box).deposit)
        assert (refused.verdict, refused.codes) == ("rejected", ["FILE-ENVIRONMENT"])
        box = sender.signer.sign_container({"DECSAL.dta": dta}, home.clock() + timedelta(seconds=2))
        taken = home.outcome(sender, home.receive(sender, name, box).deposit)
        assert (taken.verdict, taken.hints) == ("accepted", ["SALRET-HELD"])
