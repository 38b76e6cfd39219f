"""SR-15: links and visits end with time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.database.visits import IDLE, LINK_LIFE, LONGEST, Visits
from gateway.moments import Received
from tests.house import EMPLOYER, MEMBER, MovingClock, house
from tests.portal.people import link, person, visits

NOON = datetime(2026, 8, 10, 10, 0, tzinfo=UTC)


def test_links_and_visits_end_with_time(tmp_path: Path) -> None:
    clock = MovingClock(NOON)
    with house(tmp_path, clock=clock) as home:
        home.employer(EMPLOYER)
        home.sender(MEMBER, [EMPLOYER])
        who = person(home)
        late = link(home, who)
        clock.at += LINK_LIFE
        assert visits(home).use_link(late, Received(clock())) is None
        secret = visits(home).use_link(link(home, who), Received(clock()))
        assert secret is not None
        clock.at += IDLE - timedelta(minutes=1)
        assert visits(home).find(secret, Received(clock())) is not None
        clock.at += IDLE + timedelta(minutes=6)
        assert visits(home).find(secret, Received(clock())) is None


def test_a_visit_ends_after_a_working_day_however_busy(tmp_path: Path) -> None:
    clock = MovingClock(NOON)
    with house(tmp_path, clock=clock) as home:
        home.employer(EMPLOYER)
        home.sender(MEMBER, [EMPLOYER])
        secret = visits(home).use_link(link(home, person(home)), Received(clock()))
        assert secret is not None
        until = clock.at + LONGEST
        while clock.at + timedelta(minutes=20) < until:
            clock.at += timedelta(minutes=20)
            assert visits(home).find(secret, Received(clock())) is not None
        clock.at = until + timedelta(seconds=1)
        assert visits(home).find(secret, Received(clock())) is None


def test_what_waits_for_one_way_of_signing_in_serves_no_other(tmp_path: Path) -> None:
    """SR-13: nobody brings the challenge of a passkey back to the identity provider's page, or back."""
    with house(tmp_path) as home:
        _challenges(visits(home), Received(NOON))


def _challenges(visits: Visits, now: Received) -> None:
    passkey = visits.keep_challenge("passkey", "aGFsbG8", now)
    assert visits.take_challenge("oidc", passkey, now) is None
    assert visits.take_challenge("passkey", passkey, now) is None, "and is used up by that"
    provider = visits.keep_challenge("oidc", "{}", now)
    assert visits.take_challenge("passkey", "", now) is None
    assert visits.take_challenge("oidc", provider, now) == "{}", "control"
