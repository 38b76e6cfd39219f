"""Being told at an address of one's own: signed, in order, at least once, and never led to our own house."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from adapters.calling import LONGEST_URL, Address, Caller, NoAnswer, NotCalled, check_url, is_public
from adapters.database.webhooks import LONGEST_WAIT, PATIENCE, SHORTEST_WAIT, Webhook, Webhooks
from adapters.webhooks import POSTED, REGISTERED, Delivery
from gateway import client
from gateway.moments import Clock, Received
from tests.client.nasty import answer, nasty
from tests.flow.premises import rows, someone
from tests.house import House, MovingClock, Sender, profile, wage

TAKEN = answer("204 No Content")


@dataclass
class Told:
    """A member's own address, what it was sent, and how it answers."""

    answers: list[bytes | None] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    def __call__(self, request: bytes) -> bytes | None:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else TAKEN

    def events(self, url: str, sender: Sender, clock: Clock) -> list[client.Event]:
        """What was sent, once it is proven."""
        found = []
        for request in self.requests:
            head, _, body = request.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
            found.append(client.read_event(url, fields, body, profile(sender).seal, clock()))
        return found


@dataclass(frozen=True)
class Post:
    """A registered address, and what tells it."""

    home: House
    sender: Sender
    told: Told
    url: str
    one: Webhook
    delivery: Delivery
    clock: MovingClock

    @property
    def now(self) -> Webhook:
        """How the address fares."""
        (found,) = (
            one
            for one in Webhooks(self.home.gateway.database).of(self.sender.member)
            if one.id == self.one.id
        )
        return found

    def post(self) -> set[str]:
        """Have something posted to the member; the ids of the answers."""
        before = set(self.posted())
        self.home.outcome(
            self.sender, self.home.send(self.sender, "DECSAL", [wage(someone())]).kept.deposit.id
        )
        return set(self.posted()) - before

    def posted(self) -> list[str]:
        query = "SELECT id FROM answer WHERE recipient = :member ORDER BY number"
        return [str(row["id"]) for row in rows(self.home, query, member=str(self.sender.member))]


def reaching(home: House) -> Caller:
    """Believes the gateway's own authority, and may call this machine."""
    return Caller(may=lambda _: True, trust=ssl.create_default_context(cafile=str(home.trust)))


@contextmanager
def posting(home: House, sender: Sender, folder: Path, path: str = "/in?a=1") -> Iterator[Post]:
    told = Told()
    with nasty(home, folder, told, valid=(-1, 300)) as other:  # by the machine's clock as well
        webhooks, clock = Webhooks(home.gateway.database), MovingClock(home.clock())
        url = f"{other.address}{path}"
        one = webhooks.add(sender.member, url, Received(clock()))
        # Its round is asked for by the test; the gateway's own may not call this machine.
        delivery = Delivery(webhooks, home.gateway.seal, clock, "https://g", lambda: True, reaching(home))
        try:
            yield Post(home, sender, told, url, one, delivery, clock)
        finally:
            webhooks.end(sender.member, one.id, Received(clock()))


@pytest.fixture
def post(home: House, sender: Sender, tmp_path: Path) -> Iterator[Post]:
    with posting(home, sender, tmp_path) as made:
        yield made


def test_every_answer_is_told_in_the_order_of_the_outbox(post: Post) -> None:
    post.delivery.round()
    (first,) = post.told.events(post.url, post.sender, post.clock)
    assert (first.kind, first.id, first.answer) == (REGISTERED, post.one.id, None)
    new = post.post()
    post.delivery.round()
    _, *events = post.told.events(post.url, post.sender, post.clock)
    assert [one.answer for one in events] == [one for one in post.posted() if one in new]
    assert {one.kind for one in events} == {POSTED}
    assert {one.answer_kind for one in events} >= {"ACKREC", "ACKTRT"}
    assert [one.cursor for one in events] == sorted(one.cursor for one in events)
    assert (post.now.cursor, post.now.failure) == (events[-1].cursor, None)
    assert post.delivery.round() == 0


def test_it_says_ids_and_nothing_of_what_an_answer_says(post: Post) -> None:
    post.post()
    post.delivery.round()
    told = json.loads(post.told.requests[-1].partition(b"\r\n\r\n")[2])
    assert set(told) == {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}
    assert set(told["data"]) == {"answer", "type", "deposit", "cursor"}
    assert told["specversion"] == "1.0"
    assert post.sender.member.matricule.encode() not in b"".join(post.told.requests)


def test_what_is_not_taken_is_told_again_later_and_what_was_taken_is_not(post: Post) -> None:
    post.delivery.round()
    new = post.post()
    post.told.answers = [TAKEN, answer("500 Oops")]
    post.delivery.round()
    taken, refused = post.told.events(post.url, post.sender, post.clock)[-2:]
    assert (post.now.cursor, post.now.failure, post.now.tries) == (taken.cursor, "it answered 500", 1)
    assert post.delivery.round() == 0, "not before its time"
    post.clock.at += SHORTEST_WAIT + timedelta(seconds=1)
    post.delivery.round()
    events = post.told.events(post.url, post.sender, post.clock)[1:]
    assert [one.answer for one in events].count(taken.answer) == 1
    assert [one.answer for one in events].count(refused.answer) == 2
    assert {one.answer for one in events} == new
    assert (post.now.failing_since, post.now.tries) == (None, 0)


def test_the_same_event_has_another_nonce_each_time(post: Post) -> None:
    post.told.answers = [answer("503 Busy")]
    post.delivery.round()
    post.clock.at += SHORTEST_WAIT + timedelta(seconds=1)
    post.delivery.round()
    first, second = post.told.requests
    assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
    assert first != second


def test_tries_come_later_each_time_until_it_is_given_up(post: Post) -> None:
    began, waits = post.clock(), []
    while post.now.ended is None:
        post.told.answers = [None]
        before = post.clock()
        post.delivery.round()
        waits.append(post.now.next_try.at - before)
        post.clock.at = post.now.next_try.at + timedelta(seconds=1)
        assert len(waits) < 100
    assert waits[0] < waits[1] < waits[2]
    assert max(waits) <= LONGEST_WAIT + timedelta(minutes=1)
    assert PATIENCE <= post.clock() - began <= PATIENCE + 2 * LONGEST_WAIT
    assert post.now.failure
    post.post()
    assert post.delivery.round() == 0


def test_whoever_says_gone_is_left_alone_and_whoever_says_later_too(post: Post) -> None:
    post.told.answers = [answer("429 Later", b"", "Retry-After: 7200")]
    post.delivery.round()
    assert post.now.next_try.at - post.clock() > timedelta(minutes=119)
    post.clock.at = post.now.next_try.at
    post.told.answers = [answer("410 Gone")]
    post.delivery.round()
    assert post.now.ended is not None


def test_no_redirection_is_followed(post: Post) -> None:
    post.told.answers = [answer("307 Elsewhere", b"", f"Location: {post.url}")]
    post.delivery.round()
    assert (len(post.told.requests), post.now.failure) == (1, "it answered 307")


def test_an_event_for_one_address_proves_nothing_at_another(post: Post) -> None:
    post.delivery.round()
    with pytest.raises(client.Unproven, match="another address"):
        post.told.events(f"{post.url}&b", post.sender, post.clock)
    post.told.requests = [one.replace(b'"specversion"', b'"specversiom"') for one in post.told.requests]
    with pytest.raises(client.Unproven, match="changed on the way"):
        post.told.events(post.url, post.sender, post.clock)


def test_who_proves_to_be_another_host_is_told_nothing(home: House, sender: Sender, tmp_path: Path) -> None:
    with posting(home, sender, tmp_path) as post:
        strict = Caller(may=lambda _: True)
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            strict.post(post.url, {}, b"")
        assert post.told.requests == []


# whom we never call


PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1"),
    *(
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b:1::1",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_is_called_that_is_not_everybody_s(address: str) -> None:
    """SSRF: a name may lead to our own machine, to a neighbour, or to a cloud's keeper of secrets."""
    assert not is_public(ip_address(address))
    with pytest.raises(NotCalled, match="public internet"):
        Caller(look_up=lambda *_: [ip_address(address)]).check("https://payroll.example/in")


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8"])
def test_what_everybody_may_reach_is_called(address: str) -> None:
    """Control."""
    assert is_public(ip_address(address))
    Caller(look_up=lambda *_: [ip_address(address)]).check("https://payroll.example/in")


def test_a_name_with_one_private_address_among_public_ones_is_not_called() -> None:
    both = [ip_address("8.8.8.8"), ip_address("127.0.0.1")]
    with pytest.raises(NotCalled):
        Caller(look_up=lambda *_: both).check("https://payroll.example/")


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    home: House, sender: Sender, tmp_path: Path
) -> None:
    """DNS rebinding: a name that has another address the second time is never asked a second time."""
    asked: list[str] = []

    def turning(host: str, _port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "192.0.2.7")]

    with posting(home, sender, tmp_path) as post:
        caller = Caller(lambda _: True, turning, ssl.create_default_context(cafile=str(home.trust)))
        assert caller.post(post.url, {}, b"{}") == (204, "")
    assert asked == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://payroll.example/in",
        "ftp://payroll.example/",
        "https:///in",
        "https://user:word@payroll.example/",
        "https://payroll.example/#x",
        "https://payroll.example:99999/",
        "https://payroll.example/a b",
        "https://payroll.example\\@10.0.0.1/",
        "https://pay\nroll.example/",
        "https://payröll.example/",
        f"https://payroll.example/{'x' * LONGEST_URL}",
        "https://[::1",
        "",
    ],
)
def test_what_is_no_plain_https_address_is_not_called(url: str) -> None:
    with pytest.raises(NotCalled):
        check_url(url)
