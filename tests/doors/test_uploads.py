"""Deposits in pieces over HTTPS: on from where it broke off, one receipt, nothing kept of what is wrong."""

from __future__ import annotations

import base64
import hashlib
import random
from datetime import datetime

import httpx2
import pytest
from lxml import etree

from adapters.limits import TooMuch
from adapters.uploads import IDLE_SECONDS, MOST_OF_ONE, Halves
from gateway.batch import MemberId
from gateway.client import https
from gateway.client.seals import GOOD, seal_verdict
from gateway.returns import ackrec
from inbox.receive import TooLarge
from tests.conftest import LARGEST_DEPOSIT
from tests.doors.test_https import Curl, batch, client, curl, nothing_kept, problem
from tests.house import MEMBER, OTHER_MEMBER, House, Sender, profile

__all__ = ["curl"]

LAST, MORE = "?1", "?0"


def field(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def begun(
    http: httpx2.Client, content: bytes, name: str = "SECU.X.XML", **changes: str
) -> tuple[httpx2.Response, str]:
    """What a POST is answered with, and how the upload is called."""
    headers = {"Upload-Complete": MORE, "Upload-Length": str(len(content)), "Repr-Digest": field(content)}
    headers.update({key.replace("_", "-"): value for key, value in changes.items()})
    answer = http.post("/v1/uploads", params={"name": name}, headers=headers)
    return answer, hashlib.sha256(content).hexdigest()


def add(http: httpx2.Client, upload: str, offset: int, piece: bytes, complete: str) -> httpx2.Response:
    headers = {
        "Upload-Offset": str(offset),
        "Upload-Complete": complete,
        "Content-Type": "application/partial-upload",
    }
    return http.patch(f"/v1/uploads/{upload}", headers=headers, content=piece)


def some(count: int) -> bytes:
    return random.Random(count).randbytes(count)


def test_curl_sends_in_pieces_and_goes_on_where_it_was(open_home: House, visitor: Sender, curl: Curl) -> None:
    content, name = batch(open_home, visitor), open_home.name("DECSAL", visitor.member)
    middle, digest = len(content) // 2, hashlib.sha256(content).hexdigest()
    wanted = ["-H", "Upload-Complete: ?0", "-H", f"Upload-Length: {len(content)}"]
    wanted += ["-H", f"Repr-Digest: {field(content)}", "-X", "POST"]
    assert curl.status(f"/v1/uploads?name={name}", *wanted) == 201
    piece = ["-X", "PATCH", "-H", "Content-Type: application/partial-upload"]
    first = [*piece, "-H", "Upload-Offset: 0", "-H", "Upload-Complete: ?0"]
    path = f"/v1/uploads/{digest}"
    assert curl.status(path, *first, "--data-binary", f"@{curl.file(content[:middle])}") == 204
    asked = curl(path, "--head").stdout.lower()
    assert f"upload-offset: {middle}\r\n".encode() in asked
    assert b"upload-complete: ?0\r\n" in asked
    rest = [*piece, "-H", f"Upload-Offset: {middle}", "-H", "Upload-Complete: ?1"]
    done = curl(path, "--fail", *rest, "--data-binary", f"@{curl.file(content[middle:])}")
    assert done.returncode == 0, done.stderr
    quoted = ackrec.read(etree.fromstring(done.stdout)).header.deposit
    assert quoted is not None
    assert (quoted.name, quoted.size, quoted.digest) == (name, len(content), digest)
    assert seal_verdict(done.stdout, open_home.seals) == GOOD
    assert open_home.gateway.spool.read(quoted.id) == content
    again = curl(f"/v1/deposits?name={name}", "--data-binary", f"@{curl.file(content)}")
    assert again.stdout == done.stdout, "the same bytes are the same deposit"


def test_whoever_lost_the_receipt_gets_it_without_sending_again(open_home: House, visitor: Sender) -> None:
    content = some(3000)
    with client(open_home, visitor) as http:
        _, upload = begun(http, content)
        receipt = add(http, upload, 0, content, LAST)
        assert receipt.status_code == 202
        found, _ = begun(http, content)
        assert (found.headers["upload-offset"], found.headers["upload-complete"]) == ("3000", LAST)
        assert add(http, upload, 3000, b"", LAST).content == receipt.content


def test_the_wrong_place_is_answered_with_the_right_one(open_home: House, visitor: Sender) -> None:
    content = some(1000)
    with client(open_home, visitor) as http:
        _, upload = begun(http, content)
        assert add(http, upload, 0, content[:400], MORE).headers["upload-offset"] == "400"
        for offset in (0, 399, 401, 1000):
            told = problem(add(http, upload, offset, b"x", MORE), 409, "DOOR-OFFSET")
            assert (told["expected-offset"], told["provided-offset"]) == (400, offset)
        assert http.head(f"/v1/uploads/{upload}").headers["upload-offset"] == "400"
        assert http.delete(f"/v1/uploads/{upload}").status_code == 204
        assert http.head(f"/v1/uploads/{upload}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Upload_Complete": LAST}, 400, "DOOR-REQUEST"),
        ({"Upload_Length": "-1"}, 400, "DOOR-REQUEST"),
        ({"Upload_Length": "0"}, 400, "DOOR-REQUEST"),
        ({"Upload_Length": "9" * 16}, 400, "DOOR-REQUEST"),
        ({"Upload_Length": str(LARGEST_DEPOSIT + 1)}, 413, "DOOR-TOO-LARGE"),
        ({"Repr_Digest": "sha-256=x"}, 400, "DOOR-DIGEST"),
        ({"Repr_Digest": "md5=:AAAA:"}, 400, "DOOR-REQUEST"),
    ],
)
def test_what_does_not_say_what_it_will_be_is_not_begun(
    open_home: House, visitor: Sender, changes: dict[str, str], status: int, code: str
) -> None:
    with client(open_home, visitor) as http, nothing_kept(open_home):
        answer, _ = begun(http, b"abc", **changes)
        problem(answer, status, code)


def test_nothing_is_kept_of_what_is_not_as_it_was_announced(open_home: House, visitor: Sender) -> None:
    content = some(500)
    with client(open_home, visitor) as http, nothing_kept(open_home):
        _, upload = begun(http, content)
        problem(add(http, upload, 0, content[:-1] + b"?", LAST), 400, "DOOR-DIGEST")
        assert http.head(f"/v1/uploads/{upload}").status_code == 404
        begun(http, content)
        problem(add(http, upload, 0, content[:-1], LAST), 400, "DOOR-DIGEST")
        begun(http, content)
        problem(add(http, upload, 0, content + b"?", MORE), 400, "DOOR-REQUEST")
        assert http.head(f"/v1/uploads/{upload}").status_code == 404
        begun(http, content)
        headers = {"Upload-Offset": "0", "Upload-Complete": MORE, "Content-Digest": field(b"other")}
        headers["Content-Type"] = "application/partial-upload"
        wrong = http.patch(f"/v1/uploads/{upload}", headers=headers, content=content[:9])
        problem(wrong, 400, "DOOR-DIGEST")
        problem(http.patch(f"/v1/uploads/{upload}", content=b"x"), 404, "DOOR-NOT-FOUND")


def test_the_client_goes_on_where_its_connection_broke(open_home: House, visitor: Sender) -> None:
    content, who = some(200_000), profile(visitor)
    told: list[int] = []

    class Broken(Exception):
        pass

    def break_off(count: int) -> None:
        told.append(count)
        if count > 100_000 and len(told) < 6:
            raise Broken

    with pytest.raises(Broken), https.enter(who, piece=30_000) as door:
        door.deposit("SECU.HALF.XML", content, break_off)
    with https.enter(who, piece=30_000) as door:
        receipt = door.deposit("SECU.HALF.XML", content, break_off)
        assert door.deposit("SECU.HALF.XML", content) == receipt
    assert told == [0, 30_000, 60_000, 90_000, 120_000, 120_000, 150_000, 180_000, 200_000]
    quoted = ackrec.read(etree.fromstring(receipt)).header.deposit
    assert quoted is not None
    assert quoted.digest == hashlib.sha256(content).hexdigest()


def test_a_gateway_that_has_forgotten_a_half_is_sent_all(open_home: House, visitor: Sender) -> None:
    content, who = some(90_000), profile(visitor)

    def gone(count: int) -> None:
        if count == 30_000:
            with client(open_home, visitor) as http:
                http.delete(f"/v1/uploads/{hashlib.sha256(content).hexdigest()}")

    with https.enter(who, piece=30_000) as door:
        assert seal_verdict(door.deposit("SECU.ANEW.XML", content, gone), who.seal) == GOOD


# which there are


class MemoryUpload:
    """`inbox.receive.Upload` that forgets what it is given."""

    def write(self, offset: int, chunk: bytes) -> None: ...

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        raise AssertionError

    def discard(self) -> None: ...


class Tick:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_member_has_few_at_once_and_takes_nobody_s_place() -> None:
    halves = Halves(MemoryUpload, 1000)
    opened = [halves.open(MEMBER, "x", f"{number:064}", 9) for number in range(MOST_OF_ONE)]
    with pytest.raises(TooMuch):
        halves.open(MEMBER, "x", "a" * 64, 9)
    other = halves.open(OTHER_MEMBER, "x", opened[0].digest, 9)
    assert other is not opened[0]
    assert halves.open(MEMBER, "x", opened[0].digest, 9) is opened[0]
    halves.drop(opened[0])
    assert halves.find(OTHER_MEMBER, other.digest) is other
    assert halves.open(MEMBER, "x", "a" * 64, 9)
    with pytest.raises(TooLarge):
        halves.open(OTHER_MEMBER, "x", "b" * 64, 1001)


def test_all_members_together_have_no_more_than_there_is_room_for() -> None:
    halves = Halves(MemoryUpload, 1000)
    taken = 0
    with pytest.raises(TooMuch):
        for number in range(1000):
            halves.open(MemberId(MEMBER.matricule, f"{number:06}"), "x", "a" * 64, 9)
            taken += 1
    assert taken == 64


def test_a_half_to_which_nothing_is_added_is_forgotten() -> None:
    tick = Tick()
    halves = Halves(MemoryUpload, 1000, tick)
    left, used = (halves.open(MEMBER, "x", digit * 64, 9) for digit in "ab")
    tick.at = IDLE_SECONDS - 1
    halves.touch(used)
    tick.at += 2
    halves.open(OTHER_MEMBER, "x", "c" * 64, 9)
    assert halves.find(MEMBER, left.digest) is None
    assert halves.find(MEMBER, used.digest) is used
    assert left.upload is None


def test_other_bytes_of_one_name_or_another_name_for_the_bytes_begin_anew() -> None:
    halves = Halves(MemoryUpload, 1000)
    first = halves.open(MEMBER, "x", "a" * 64, 9)
    first.add(b"123")
    second = halves.open(MEMBER, "y", "a" * 64, 9)
    assert (second.offset, first.upload) == (0, None)
