"""`secugate watch` before a gateway that is away, busy, broken or none: nothing is lost, and it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.client.drop.watch import SHORTEST_WAIT
from gateway.client.profile import Profile
from gateway.moments import system_clock
from tests.client.dropping import Dropping, deposits, dropping, wages_of
from tests.client.nasty import Says, answer, nasty
from tests.flow.premises import someone
from tests.house import House, Sender, wage

PROBLEM = b'{"code": "DOOR-LATER", "detail": "Not now."}'


class At:
    """A profile whose gateway is where a test puts it."""

    def __init__(self) -> None:
        self.https: str | None = None

    def __call__(self, profile: Profile) -> Profile:
        return profile if self.https is None else replace(profile, https=self.https)


def tried(home: House, visitor: Sender, folder: Path, says: Says) -> tuple[Dropping, At, float | None]:
    """A folder with a signed file, after a round before something nasty."""
    at = At()
    drop = dropping(visitor, folder / "drop", change=at)
    name, signed = home.signed(visitor, "DECSAL", [wage(someone())])
    drop.put(name, signed)
    with nasty(home, folder, says) as other:
        at.https = other.address
        wait = drop.round()
    return drop, at, wait


BAD: dict[str, tuple[Says, str]] = {
    "503": (lambda _: answer("503 Service Unavailable", PROBLEM, "Retry-After: 77"), "DOOR-LATER: Not now."),
    "429": (lambda _: answer("429 Too Many Requests", PROBLEM, "Retry-After: 77"), "DOOR-LATER: Not now."),
    "502 of a proxy": (lambda _: answer("502 Bad Gateway", b"<html>"), "the door answered 502"),
    "garbage": (lambda _: b"\x00\x01garbage\r\n\r\n", "https://"),
    "nothing": (lambda _: None, "https://"),
    "a page": (lambda _: answer("200 OK", b"<html>welcome</html>"), "the door answered 200"),
    "a receipt that is none": (lambda _: answer("202 Accepted", b"<ACKREC/>"), "no receipt of the gateway's"),
    "no end": (lambda _: answer("202 Accepted", b"x" * (1 << 23)), "goes on beyond"),
    "cut": (lambda _: answer("202 Accepted", b"<ACKREC/>")[:-3], "https://"),
    "a redirection": (lambda _: answer("302 Found", b"", "Location: https://127.0.0.1:1/"), "answered 302"),
}


@pytest.mark.parametrize("kind", BAD)
def test_nothing_is_lost_and_one_line_says_so(
    open_home: House, visitor: Sender, tmp_path: Path, kind: str
) -> None:
    says, told = BAD[kind]
    drop, at, wait = tried(open_home, visitor, tmp_path, says)
    assert wait == (77.0 if kind in ("503", "429") else SHORTEST_WAIT)
    (line,) = drop.said
    assert told in line
    assert "Nothing is lost" in line
    assert (len(drop.lying()), drop.sent()) == (1, [])
    at.https = None
    assert drop.round() is None
    assert (drop.lying(), len(drop.sent())) == ([], 1)
    assert "The gateway is there again." in drop.said


def test_cut_after_the_last_byte_is_no_second_deposit(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    """The gateway has it, and we do not know: the same bytes again are the same deposit."""
    before = len(deposits(open_home, visitor))

    def cut(request: bytes) -> bytes | None:
        body = request.partition(b"\r\n\r\n")[2]
        if request.startswith(b"POST /v1/deposits"):
            name = request.partition(b"name=")[2].partition(b" ")[0].decode()
            open_home.receive(visitor, name, body)
        return None

    drop, at, wait = tried(open_home, visitor, tmp_path, cut)
    assert wait is not None
    assert len(deposits(open_home, visitor)) == before + 1
    at.https = None
    assert drop.round() is None
    assert len(drop.sent()) == 1
    assert len(deposits(open_home, visitor)) == before + 1


def test_a_signature_is_made_once_however_often_it_is_tried(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    """Signed anew it would be another deposit: what was written down is what is sent, after a restart too."""
    seen: list[bytes] = []

    def never(request: bytes) -> bytes | None:
        if request.startswith(b"POST"):
            seen.append(request.partition(b"\r\n\r\n")[2])
            return None
        return answer("200 OK", b'{"status": "ok"}')

    at = At()
    folder = tmp_path / "drop"
    drop = dropping(visitor, folder, change=at)
    drop.put("DECSAL.dta", wages_of(someone()))
    with nasty(open_home, tmp_path, never) as other:
        at.https = other.address
        for _ in range(2):
            assert drop.round() is not None
        drop = dropping(visitor, folder, change=at)
        assert drop.round() is not None
    at.https = None
    assert drop.round() is None
    (name,) = drop.sent()
    assert len(seen) == 3
    assert set(seen) == {(drop.places.sent / name / name).read_bytes()}


def test_waits_grow_while_the_gateway_is_away(visitor: Sender, tmp_path: Path) -> None:
    at = At()
    at.https = "https://127.0.0.1:9"
    drop = dropping(visitor, tmp_path / "drop", change=at)
    drop.put("DECSAL.dta", wages_of(someone()))
    assert [drop.round() for _ in range(9)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    at.https = None
    assert drop.round() is None
    at.https = "https://127.0.0.1:9"
    assert drop.round() == 5


def test_an_sftp_door_that_is_away_or_talks_nonsense(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    with nasty(open_home, tmp_path, lambda _: None) as other:
        for address in ("127.0.0.1:9", other.address.removeprefix("https://")):
            drop = dropping(
                visitor,
                tmp_path / address.rpartition(":")[2],
                door="sftp",
                change=lambda one, address=address: replace(one, sftp=address),
            )
            drop.put("DECSAL.dta", wages_of(someone()))
            assert drop.round() == SHORTEST_WAIT
            assert len(drop.said) == 1
            assert drop.lying() == ["DECSAL.dta"]


@pytest.mark.parametrize(
    ("valid", "told"), [((-9, -2), "certificate has expired"), ((2, 9), "certificate is not yet valid")]
)
def test_a_gateway_whose_certificate_does_not_count_by_our_clock(
    open_home: House, visitor: Sender, tmp_path: Path, valid: tuple[int, int], told: str
) -> None:
    at = At()
    drop = dropping(visitor, tmp_path / "drop", change=at)
    drop.put("DECSAL.dta", wages_of(someone()))
    with nasty(open_home, tmp_path, lambda _: None, valid=valid) as other:
        at.https = other.address
        assert drop.round() is not None
    (line,) = drop.said
    assert (told in line, "set the clock, or ask the operator" in line) == (True, True)


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_a_certificate_that_ended_is_told_with_its_remedy(visitor: Sender, tmp_path: Path, door: str) -> None:
    later = timedelta(days=5000)
    drop = dropping(visitor, tmp_path / "drop", door=door, clock=lambda: system_clock() + later)
    drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is not None
    (line,) = drop.said
    assert "ended on" in line
    assert "have a new one registered" in line
    assert drop.lying() == ["DECSAL.dta"]


def test_an_answer_without_our_seal_is_kept_apart_and_not_acknowledged(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(open_home.trust.read_bytes())
    wrong = {"seal": tmp_path / "other.pem"}
    drop = dropping(visitor, tmp_path / "drop", change=lambda one: replace(one, **wrong))
    receipt = open_home.receive(visitor, *open_home.signed(visitor, "DECSAL", [wage(someone())]))
    open_home.wait(visitor, receipt.deposit)
    assert drop.round() is None
    doubtful = list(drop.places.unverified.glob("*.ACKTRT.*"))
    assert doubtful
    assert list(drop.places.answers.glob("*.ACKTRT.*")) == []
    assert "do not rely on it" in drop.said[-1]
    wrong.clear()
    assert drop.round() is None
    assert list(drop.places.unverified.iterdir()) == []
    assert {file.name for file in doubtful} <= {file.name for file in drop.places.answers.iterdir()}
