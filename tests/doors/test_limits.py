"""SR-13: rates, quotas and places are limited per member and per address, at both doors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx2
import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.limits import MOST_KEYS, Allowances, Gate, Meter, Seats, household
from adapters.tray import Tray
from gateway.batch import MemberId
from tests.doors.memory import MemoryTrials
from tests.doors.sftp_clients import ALICE, BOB, Keys, house
from tests.doors.test_https import batch, client, nothing_kept, problem
from tests.house import EMPLOYER, OTHER_EMPLOYER, House, Sender
from tests.house import house as gateway


class Hand:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


# counting


@given(
    most=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=80),
)
def test_in_no_minute_is_more_than_twice_the_allowance_given(
    most: int, steps: list[tuple[float, int]]
) -> None:
    """All of it at once, then evenly: a minute sees what was saved up and what came in."""
    hand = Hand()
    meter, given_at = Meter(most, hand), []
    for wait, count in steps:
        hand.at += wait
        if meter.take("a", count) == 0:
            given_at += [hand.at] * count
    for start in given_at:
        assert sum(start <= at <= start + 60 for at in given_at) <= 2 * most + 1


@given(most=st.integers(1, 1000), count=st.integers(1, 1000))
def test_whoever_waits_as_long_as_told_gets_it(most: int, count: int) -> None:
    hand = Hand()
    meter = Meter(most, hand)
    while meter.take("a") == 0:
        pass
    assert meter.is_spent("a")
    wait = meter.take("a", min(count, most))
    assert 0 < wait <= 60 + 1e-6
    assert meter.take("b") == 0, "one key's use is not another's"
    hand.at += wait
    assert meter.take("a", min(count, most)) == 0


def test_a_whole_allowance_is_there_at_once_and_again_after_a_minute() -> None:
    hand = Hand()
    meter = Meter(10, hand)
    for _ in range(3):
        assert [meter.take("a") for _ in range(10)] == [0] * 10
        assert meter.take("a") > 0
        hand.at += 60


def test_addresses_made_up_by_the_thousand_are_forgotten() -> None:
    hand = Hand()
    meter = Meter(1, hand)
    for number in range(MOST_KEYS + 1):
        meter.take(str(number))
    hand.at += 61
    meter.take("one more")
    assert len(meter._full_at) == 1


def test_places_come_back_and_belong_to_one() -> None:
    seats = Seats(3, 2)
    assert [seats.take("a"), seats.take("a"), seats.take("a")] == [True, True, False]
    assert [seats.take("b"), seats.take("b")] == [True, None]
    seats.leave("a")
    assert seats.take("b") is True
    seats.leave("a")
    seats.leave("b")
    seats.leave("b")
    assert not seats._taken


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_an_address_counts_with_its_household(one: str, other: str, same: bool) -> None:
    """A customer has 2^64 addresses of IPv6 to come from."""
    assert (household(one) == household(other)) is same


def test_a_big_fiduciary_never_meets_the_defaults() -> None:
    """Ten thousand files of 100 kB in one go, each with its deposit, three looks and three answers."""
    hand = Hand()
    gate = Gate(tick=hand)
    for _ in range(10_000):
        hand.at += 0.01
        gate.deposits(ALICE)
        gate.sent(ALICE, 100_000)
        for _ in range(5):
            gate.asked(ALICE)


# the HTTPS door


SMALL = Allowances(
    requests=1000, deposits=3, bytes=1_000_000, costly=2, strangers=5, connections=8, failed_logins=3
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {
        "requests_per_minute": 200,
        "deposits_per_minute": 5,
        "bytes_per_minute": 1_000_000,
        "costly_per_minute": 2,
        "strangers_per_minute": 5,
    }
    with gateway(tmp_path_factory.mktemp("limits"), doors=True, largest_deposit=300_000, **settings) as made:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            made.employer(employer)
        yield made


_number = iter(range(300_001, 400_000))


@pytest.fixture
def someone_new(home: House) -> Sender:
    return home.sender(MemberId(EMPLOYER, str(next(_number))), [EMPLOYER])


@pytest.fixture
def somebody_else(home: House) -> Sender:
    return home.sender(MemberId(OTHER_EMPLOYER, str(next(_number))), [OTHER_EMPLOYER])


def refused_for_now(answer: httpx2.Response) -> int:
    """In how many seconds it may be tried again."""
    problem(answer, 429, "DOOR-LATER")
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 61
    return seconds


def test_deposits_are_counted_and_another_member_is_not_concerned(
    home: House, someone_new: Sender, somebody_else: Sender
) -> None:
    """One member floods; another's deposit is taken at once, with its receipt."""
    with client(home, someone_new) as http:
        content = batch(home, someone_new)
        statuses = [http.post("/v1/deposits?name=x", content=content).status_code for _ in range(5)]
        assert statuses == [202] * 5
        with nothing_kept(home):
            refused_for_now(http.post("/v1/deposits?name=x", content=content))
            refused_for_now(http.post("/v1/simulations?name=x", content=content))
        assert http.get("/v1/outbox").status_code == 200, "what is there may still be fetched"
    with client(home, somebody_else) as http:
        name = home.name("DECSAL", somebody_else.member)
        sent = http.post("/v1/deposits", params={"name": name}, content=batch(home, somebody_else))
        assert sent.status_code == 202


def test_bytes_are_counted_while_they_arrive(home: House, someone_new: Sender) -> None:
    with client(home, someone_new) as http:
        for _ in range(3):
            assert http.post("/v1/deposits?name=x", content=b" " * 300_000).status_code == 202
        with nothing_kept(home):
            refused_for_now(http.post("/v1/deposits?name=x", content=b" " * 299_999))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/statements/202607-0000001/explanation",
        "/v1/statements/202607-0000001/page",
        f"/v1/comparisons?employer={EMPLOYER}&period=2026-07",
    ],
)
def test_what_has_to_be_computed_is_asked_for_less_often(
    home: House, someone_new: Sender, somebody_else: Sender, path: str
) -> None:
    with client(home, someone_new) as http:
        assert [http.get(path).status_code for _ in range(2)] == [404, 404]
        refused_for_now(http.get(path))
        assert http.get("/v1/statements").status_code == 200
    with client(home, somebody_else) as http:
        assert http.get(path).status_code == 404


def test_requests_are_counted(home: House, someone_new: Sender) -> None:
    with client(home, someone_new) as http:
        statuses = [http.get("/v1/deposits/x").status_code for _ in range(240)]
        assert statuses[:200] == [404] * 200
        assert 429 in statuses
        refused_for_now(http.get("/v1/deposits/x"))


def test_who_is_nobody_is_counted_by_address_and_no_member_with_them(
    home: House, someone_new: Sender
) -> None:
    with client(home, None) as nobody, client(home, someone_new) as http:
        statuses = [nobody.get("/v1/outbox").status_code for _ in range(8)]
        assert set(statuses) == {401, 429}
        refused_for_now(nobody.post("/v1/token", data={"grant_type": "client_credentials"}))
        assert http.get("/v1/outbox").status_code == 200
        assert nobody.get("/health").status_code == 200


def test_so_many_requests_of_a_member_are_answered_at_once(home: House, someone_new: Sender) -> None:
    gate, member = home.gateway.gate, someone_new.member
    inside = [gate.inside(member) for _ in range(24)]
    with client(home, someone_new) as http:
        for one in inside:
            one.__enter__()
        try:
            refused_for_now(http.get("/v1/outbox"))
        finally:
            for one in inside:
                one.__exit__(None, None, None)
        assert http.get("/v1/outbox").status_code == 200


# the SFTP door


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


def put(client: paramiko.SFTPClient, name: str, content: bytes = b"x") -> None:
    client.putfo(io.BytesIO(content), name, confirm=False)


def test_over_sftp_deposits_are_counted_and_another_member_is_not_concerned(
    keys: Keys, tmp_path: Path
) -> None:
    hand = Hand()
    with house(keys, tmp_path, gate=Gate(SMALL, hand)) as home:
        with home.paramiko() as alice:
            for number in range(3):
                put(alice, f"/inbox/{number}", str(number).encode())
            for folder in ("inbox", "simulation"):
                with pytest.raises(OSError, match="not now: you send too many files; try again in"):
                    put(alice, f"/{folder}/3")
            assert alice.listdir("/outbox") == []
            with home.paramiko("bob", BOB) as bob:
                put(bob, "/inbox/3")
            hand.at += 60
            put(alice, "/inbox/3", b"3")
        assert [(one.sender, one.name) for one in home.register.deposits] == [
            *((str(ALICE), str(number)) for number in range(3)),
            (str(BOB), "3"),
            (str(ALICE), "3"),
        ]
        assert home.under_way() == []


def test_over_sftp_bytes_are_counted(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, gate=Gate(SMALL, Hand())) as home, home.raw() as raw:
        assert raw.put("/inbox/a", b"x" * 900_000) == paramiko.SFTP_OK
        handle = raw.open("/inbox/b", 0x1A)
        assert raw.write(handle, 0, b"x" * 200_000) == paramiko.SFTP_FAILURE
        assert raw.close(handle) == paramiko.SFTP_FAILURE
        assert len(home.register.deposits) == 1
        assert home.under_way() == []


def test_over_sftp_requests_are_counted(keys: Keys, tmp_path: Path) -> None:
    gate = Gate(Allowances(requests=20), Hand())
    with house(keys, tmp_path, gate=gate) as home, home.paramiko() as alice:
        with pytest.raises(OSError, match="you ask too often"):
            for _ in range(40):
                alice.stat("/inbox")
        with home.paramiko("bob", BOB) as bob:
            assert bob.listdir("/outbox") == []


def can_enter(home: object, key: str = "alice") -> bool:
    try:
        with home.paramiko(key) as client:  # type: ignore[attr-defined]
            client.listdir("/")
    except (paramiko.SSHException, EOFError, OSError):
        return False
    return True


def test_an_address_that_fails_to_log_in_is_shut_out_for_a_while(keys: Keys, tmp_path: Path) -> None:
    hand = Hand()
    with house(keys, tmp_path, gate=Gate(SMALL, hand)) as home:
        assert can_enter(home)
        assert [can_enter(home, "stranger") for _ in range(3)] == [False] * 3
        assert not can_enter(home), "also with the right key: it is the same address"
        hand.at += 60
        assert can_enter(home)


def test_an_address_may_connect_so_often(keys: Keys, tmp_path: Path) -> None:
    hand = Hand()
    with house(keys, tmp_path, gate=Gate(SMALL, hand)) as home:
        assert [can_enter(home) for _ in range(10)] == [True] * 8 + [False] * 2
        hand.at += 60
        assert can_enter(home)


# what is only tried, and drips


def test_a_file_to_be_tried_that_drips_gives_its_room_to_others() -> None:
    """Uploads over SFTP to be tried lie in memory: none lies there for ever."""
    hand = Hand()
    tray = Tray(MemoryTrials(100), most=100, tick=hand)
    slow, other = tray.begin(ALICE), tray.begin(BOB)
    slow.write(0, b"x" * 90)
    with pytest.raises(Exception, match="too many files"):
        other.write(0, b"y" * 20)
    hand.at = 599
    slow.write(90, b"x")
    hand.at = 601
    later = tray.begin(BOB)
    later.write(0, b"y" * 100)
    with pytest.raises(Exception, match="too long"):
        slow.write(91, b"x")
    with pytest.raises(Exception, match="too long"):
        tray.simulate(ALICE, "x", slow, 0)
    tray.simulate(BOB, "y", later, 0)
    assert tray._waiting.total() == 0
    assert list(tray.of(BOB)) == ["y.SIMRES.xml"]
