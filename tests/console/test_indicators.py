"""Published indicators: from the register alone, true, and silent about senders (IDEA-12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.database.circumstances import Circumstances
from adapters.indicators import DAYS, FEWEST, Indicators, document, indicators
from gateway.batch import MemberId
from gateway.deadlines import Outage
from gateway.moments import Received
from tests.flow.premises import someone
from tests.house import EMPLOYER, INSURED, House, MovingClock, house, wage

BEGUN = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Four members who sent in October, one of them with a fault of its own, and two outages."""
    clock = MovingClock(BEGUN)
    with house(tmp_path_factory.mktemp("home"), clock=clock) as home:
        home.employer(EMPLOYER)
        home.affiliate(INSURED)
        for number in range(FEWEST + 1):
            sender = home.sender(MemberId(EMPLOYER, f"10000{number}"), [EMPLOYER])
            records = [wage(INSURED, Period=f"2026-0{number + 1}"), wage(someone(), WorkHours="999")]
            if number == 0:
                records.append(wage(someone(), BaseWage="1.00", Period="2030-01"))
            home.send(sender, "DECSAL", records)
            home.outcome(sender, home.receive(sender, "SECU.JUNK", b"junk of %d" % number).deposit)
        made = Circumstances(home.gateway.database)
        for first, hours in (
            (datetime(2026, 10, 25, 6, tzinfo=UTC), 3),
            (datetime(2026, 9, 1, tzinfo=UTC), 5),
        ):
            made.declare(
                Outage(Received(first), Received(first + timedelta(hours=hours)), "x"), Received(clock())
            )
        clock.at = LATER
        yield home


def found(home: House, days: int = DAYS) -> Indicators:
    with home.gateway.database.read() as connection:
        return indicators(connection, Received(LATER), days)


def test_they_are_about_the_days_before_today(home: House):
    told = found(home)
    assert (told.first.isoformat(), told.last.isoformat()) == ("2026-10-03", "2026-11-01")
    assert told.deposits == 2 * (FEWEST + 1)
    assert found(home, 5).deposits == 0


def test_availability_is_the_time_outside_declared_outages(home: House):
    """30 days, of which one has 25 hours: 721 hours, 3 of them declared; rounded down."""
    told = found(home)
    assert told.outages == 1
    assert told.available == (Decimal(718 * 10_000 // 721) / 100)


def test_records_are_counted_as_they_were_acknowledged(home: House):
    told = found(home)
    assert told.records == 2 * (FEWEST + 1) + 1
    assert told.accepted + told.rejected + told.held == told.records
    assert sum(told.verdicts.values()) == told.answered == told.deposits


def test_a_code_is_named_only_when_several_members_were_given_it(home: House):
    """Negative control: the code of one member alone is in the register, and not in the indicators."""
    codes = {one.code for one in found(home).anomalies}
    assert "SALRET-11" in codes
    assert "SALRET-9" not in codes
    with home.gateway.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT code FROM anomaly_count").scalars().all()
    assert "SALRET-9" in kept


def test_nothing_in_them_is_anybodys(home: House):
    text = json.dumps(document(found(home)))
    for mark in (EMPLOYER, INSURED, "SECU.", "10000"):
        assert mark not in text


def test_of_nothing_no_share_is_claimed(home: House):
    told = found(home, 1)
    assert (told.prompt, told.untouched) == (None, None)
    assert document(told)["within_2_s"] is None


def test_what_staff_set_going_again_counts_as_touched(home: House):
    assert found(home).untouched == Decimal("100.00")
    with home.gateway.database.write() as connection:
        identifier = connection.exec_driver_sql("SELECT id FROM deposit LIMIT 1").scalar_one()
        connection.exec_driver_sql(
            "INSERT INTO staff (name, roles, key, public_key, registered)"
            " VALUES ('olga', 'operator', 'k', 'p', 'r')"
        )
        connection.exec_driver_sql(
            "INSERT INTO staff_act (at, person, kind, command, arguments, files, reason, gateway, signature)"
            " VALUES ('a', 'olga', 'given', 'replay', ?, '[]', '', 'g', '00')",
            (json.dumps(["replay", identifier]),),
        )
    assert found(home).untouched == Decimal(100 * 7) / 8
