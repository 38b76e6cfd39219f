"""Time stamps of a running gateway (P6): heads and acknowledgements get theirs behind the traffic; when the
authority is away for too long nothing more is taken in, at either door, and that ends by itself (P8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.settings import Settings
from adapters.time_authority import TimeAuthority as Asked
from adapters.time_authority import Unstamped
from gateway.client import https, sftp
from gateway.client.doors import Refused
from gateway.evidence.check import Verdict
from gateway.moments import Received
from signing.certificates import load_seals
from signing.timestamps import check, stamped_bytes
from signing.verify import verify_seal
from tests.evidence.packs import ask, bad, fetch, files_in, judged, proven, run_the_page, sealed_again
from tests.flow.premises import HandClock, look_over, rows, someone
from tests.house import EMPLOYER, MEMBER, House, Sender, house, profile, wage, wait_for
from tests.signing.time_authority import TimeAuthority, open_authority

LIMIT = timedelta(minutes=30)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    with open_authority(tmp_path_factory.mktemp("time") / "authority") as opened:
        yield opened


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock(datetime.now(UTC))


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, authority: TimeAuthority, clock: HandClock
) -> Iterator[House]:
    tsa = {"tsa_url": authority.url, "tsa_anchor": authority.anchor, "tsa_age_limit": 30}
    with house(tmp_path_factory.mktemp("stamping"), clock=clock, doors=True, **tsa) as opened:  # type: ignore[arg-type]
        opened.employer(EMPLOYER)
        yield opened
        look_over(opened)


@pytest.fixture(scope="module")
def member(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


def deposited(home: House, member: Sender, door: str = "https") -> str:
    name, content = home.signed(member, "DECSAL", [wage(someone(), Period="2024-07")])
    with {"https": https, "sftp": sftp}[door].enter(profile(member)) as opened:
        opened.deposit(name, content)
    [row] = rows(home, "SELECT id FROM deposit WHERE name = :name", name=name)
    home.wait(member, row["id"])
    return str(row["id"])


def stamp_all(home: House) -> None:
    """What the thread does every few seconds, now."""
    assert home.gateway.stamping is not None
    home.gateway.heads.seal_now(Received(home.clock()))
    home.gateway.stamping.stamp()


def test_p6_head_and_acknowledgement_are_stamped_and_both_judges_say_when(
    home: House, member: Sender, authority: TimeAuthority, tmp_path: Path
) -> None:
    deposit = deposited(home, member)
    stamp_all(home)
    pack = fetch(member, deposit)
    checks = judged(home, pack, authorities=[authority.certificate])
    assert checks["time stamps"].verdict is Verdict.GOOD
    assert "head.xml existed at" in checks["time stamps"].told
    assert "acknowledgement-stamped.xml existed at" in checks["time stamps"].told
    assert proven(done := run_the_page(home, tmp_path / "judge", pack, authority.anchor)), done.stderr
    # Without the authority's root nothing is claimed.
    assert judged(home, pack)["time stamps"].verdict is Verdict.OPEN


def test_p6_the_answer_that_was_posted_keeps_its_bytes(
    home: House, member: Sender, authority: TimeAuthority
) -> None:
    deposit = deposited(home, member)
    before = home.outcome(member, deposit).answers["ACKTRT"]
    stamp_all(home)
    after = home.outcome(member, deposit).answers["ACKTRT"]
    assert after == before
    stamped = files_in(fetch(member, deposit))["acknowledgement-stamped.xml"]
    token = verify_seal(stamped, load_seals(home.seals)).stamp
    assert token is not None
    assert check(token, stamped_bytes(before), [authority.certificate]).at


def test_p6_a_stamp_of_another_document_is_found_by_both_judges(
    home: House, member: Sender, authority: TimeAuthority, tmp_path: Path
) -> None:
    first, second = deposited(home, member), deposited(home, member)
    stamp_all(home)
    files, other = files_in(fetch(member, first)), files_in(fetch(member, second))
    token = _token(other["acknowledgement-stamped.xml"])
    files["acknowledgement-stamped.xml"] = files["acknowledgement-stamped.xml"].replace(
        _token(files["acknowledgement-stamped.xml"]), token
    )
    forged = sealed_again(home, files)
    assert bad(home, forged, authorities=[authority.certificate]) == {"time stamps"}
    assert not proven(run_the_page(home, tmp_path / "judge", forged, authority.anchor))


def _token(document: bytes) -> bytes:
    return document.partition(b"EncapsulatedTimeStamp>")[2].partition(b"<")[0]


def test_p6_an_authority_that_is_not_believed_proves_nothing(
    home: House, member: Sender, tmp_path: Path
) -> None:
    deposit = deposited(home, member)
    stamp_all(home)
    stranger = TimeAuthority.create(tmp_path / "stranger")
    pack = fetch(member, deposit)
    assert bad(home, pack, authorities=[stranger.certificate]) == {"time stamps"}
    assert not proven(run_the_page(home, tmp_path / "judge", pack, stranger.anchor))


def test_p6_nothing_new_is_asked_for_when_nothing_new_is_there(
    home: House, member: Sender, authority: TimeAuthority
) -> None:
    deposited(home, member)
    stamp_all(home)
    asked = authority.asked
    stamp_all(home)
    assert authority.asked == asked
    assert home.gateway.stamping is not None
    assert home.gateway.stamping.waits_since() is None


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_p6_beyond_the_age_limit_both_doors_refuse_and_say_why_and_then_go_on(
    home: House, member: Sender, authority: TimeAuthority, clock: HandClock, door: str
) -> None:
    stamp_all(home)
    authority.is_away = True
    try:
        deposited(home, member, door)  # goes on while the authority is away for less than the limit
        clock.put(clock() + LIMIT - timedelta(minutes=1))
        deposited(home, member, door)
        clock.put(clock() + timedelta(minutes=2))
        before = rows(home, "SELECT count(*) AS n FROM deposit")
        with pytest.raises(Refused, match=r"our fault"):
            deposited(home, member, door)
        assert rows(home, "SELECT count(*) AS n FROM deposit") == before
        with pytest.raises(Unstamped):
            stamp_all(home)
    finally:
        authority.is_away = False
    wait_for(lambda: _stamped(home))
    deposited(home, member, door)


def _stamped(home: House) -> bool | None:
    stamp_all(home)
    assert home.gateway.stamping is not None
    since = home.gateway.stamping.waits_since()
    return True if since is None else None


def test_p6_the_refusal_at_https_is_coded_ours_and_to_be_tried_again(
    home: House, member: Sender, authority: TimeAuthority, clock: HandClock
) -> None:
    stamp_all(home)
    authority.is_away = True
    try:
        deposited(home, member)
        clock.put(clock() + LIMIT + timedelta(minutes=1))
        refused = ask(member, "POST", "/v1/deposits?name=x", content=b"<x/>")
        assert refused.status_code == 503
        assert refused.json()["code"] == "DOOR-UNPROVABLE"
        assert int(refused.headers["retry-after"]) > 0
        assert ask(member, "GET", "/v1/outbox").status_code == 200
    finally:
        authority.is_away = False
    wait_for(lambda: _stamped(home))


def test_p8_an_authority_that_answers_nonsense_stamps_nothing(
    authority: TimeAuthority, tmp_path: Path
) -> None:
    anchors = (authority.certificate,)
    assert Asked(authority.url, anchors).stamp(b"content")
    stranger = TimeAuthority.create(tmp_path / "stranger")
    with pytest.raises(Unstamped):
        Asked(authority.url, (stranger.certificate,)).stamp(b"content")
    with pytest.raises(Unstamped):
        Asked("http://127.0.0.1:9/", anchors).stamp(b"content")


def test_a_time_authority_is_believed_by_its_root_or_not_set(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both"):
        Settings(data=tmp_path, tsa_url="http://127.0.0.1/")
    with pytest.raises(ValueError, match="pattern"):
        Settings(data=tmp_path, tsa_url="ftp://127.0.0.1/", tsa_anchor=tmp_path)
