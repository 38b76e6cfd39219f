"""SR-20: order and names do not rest on the clock alone; nights when it is put back, the end of a year, a
clock that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from adapters.installation import exchange_seal
from adapters.premises import Premises
from adapters.sealing import NotYetInForce
from adapters.serve import Gateway
from gateway import names
from gateway.client.seals import GOOD, seal_verdict
from gateway.matricule import person_number
from gateway.returns import ackrec
from tests.house import EMPLOYER, MEMBER, MovingClock, entry, house, wage

HUNDREDTH = timedelta(milliseconds=10)
MOMENTS = {
    "clocks put back": datetime(2026, 10, 25, 1, tzinfo=UTC),
    "clocks put forward": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "end of the year in Luxembourg": datetime(2026, 12, 31, 23, tzinfo=UTC),
    "end of the year": datetime(2027, 1, 1, tzinfo=UTC),
    "leap day": datetime(2028, 2, 29, 23, tzinfo=UTC),
}
STEPS = (-timedelta(hours=1), -HUNDREDTH, timedelta(), HUNDREDTH, timedelta(minutes=30), timedelta(hours=1))
BACK = (timedelta(), -timedelta(hours=2), -timedelta(seconds=1), timedelta(minutes=1))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("steps", [STEPS, BACK], ids=["on time", "a clock put back"])
def test_deposits_keep_their_order_and_answers_their_names(
    tmp_path: Path, moment: str, steps: tuple[timedelta, ...]
) -> None:
    """Names of a kind only grow, also when an hour comes twice; the journal keeps the order of receipt."""
    clock = MovingClock(MOMENTS[moment] - timedelta(hours=3))
    with house(tmp_path, clock=clock) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        stated, kept = [], []
        for number, step in enumerate(steps):
            clock.at = MOMENTS[moment] + step
            insured = person_number(datetime(1890, 1, 1 + number, tzinfo=UTC).date(), 1)
            receipt = home.receive(sender, *home.signed(sender, "DECAFF", [entry(insured)]))
            told = ackrec.read(etree.fromstring(receipt.content))
            assert told.header.deposit is not None
            assert abs(told.header.deposit.received.at - clock.at) < timedelta(seconds=1)
            stated.append(told.journal.sequence)
            kept.append(home.wait(sender, receipt.deposit))
        listed = home.gateway.outbox.collection.after(str(MEMBER), 0, 1000)
        assert home.findings() == ()
    assert stated == sorted(stated)
    assert [one.number for one in kept] == sorted(one.number for one in kept)
    assert {one.verdict for one in kept} == {"accepted"}
    for kind in ("ACKREC", "ACKTRT"):
        stamps = [names.parse(one.answer.name).stamp for one in listed if one.answer.kind == kind]
        assert len(stamps) == len(steps)
        assert stamps == sorted(set(stamps))


def test_nothing_is_sealed_with_a_certificate_that_does_not_count_yet(tmp_path: Path) -> None:
    """The clock is put back behind an exchange of our seal: the one before seals, or nothing is taken in."""
    clock = MovingClock(datetime(2026, 8, 3, 9, tzinfo=UTC))
    with house(tmp_path, clock=clock) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        clock.at += timedelta(hours=2)
        waiting = home.receive(sender, *home.signed(sender, "DECAFF", [entry()])).deposit
        home.wait(sender, waiting)
        exchange_seal(Premises(home.settings.data), None, None, clock.at)
        clock.at -= timedelta(hours=1)
        receipt = home.receive(sender, *home.signed(sender, "DECSAL", [wage(FirstDay="02")]))
        assert seal_verdict(receipt.content, home.seals) == GOOD
        home.wait(sender, receipt.deposit)
        # A gateway that starts now has only the new key.
        home.gateway.engine.stop()
        home.gateway.database.close()
        home.gateway = Gateway(home.settings, clock)
        home.gateway.engine.start()
        again = home.signed(sender, "DECSAL", [wage(FirstDay="03")])
        with pytest.raises(NotYetInForce):
            home.receive(sender, *again)
        assert "counts from" in str(home.gateway.readiness.faults())
        clock.at += timedelta(hours=1)
        late = home.receive(sender, *again)
        assert seal_verdict(late.content, home.seals) == GOOD
        assert home.wait(sender, late.deposit).verdict == "accepted"
        assert home.findings() == ()
        home.gateway.engine.stop()
        home.gateway.database.close()
