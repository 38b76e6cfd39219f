"""P7: what belongs to another member and what does not exist look the same, in text and in the work done.

Every route of the running application stands in one of the tables below; a new route that stands in none
turns a test red. Each object is asked for by a member who never had a right to it and by a fiduciary whose
mandate has ended, and every answer is compared with the one for an object that was never there: byte for byte
but for the date, and statement for statement in what the database was asked.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import paramiko
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from adapters.billing import BillingRun, Issued
from adapters.database.webhooks import Webhooks
from adapters.https import ROOMS
from adapters.https import Sender as Admitted
from adapters.pages.frame import Hall
from adapters.premises import payee_of
from adapters.sftp.session import Session
from gateway.batch import MemberId
from gateway.moments import Period, Received
from tests.doors.sftp_clients import AGAIN, READ, Raw, strings
from tests.doors.test_https import client, problem
from tests.doors.test_uploads import begun
from tests.flow.premises import rows, someone
from tests.house import EMPLOYER, OTHER_EMPLOYER, House, Sender, profile, wage

JULY = Period(2024, 7)
FORMER = MemberId(OTHER_EMPLOYER, "400001")


@dataclass(frozen=True)
class Things:
    """What the owner has, one of each kind; and one of each kind that nobody has."""

    deposit: str
    answer: str
    answer_name: str
    answer_digest: str
    statement: str
    employer: str
    upload: str
    webhook: str

    @property
    def secret(self) -> list[str]:
        """What must stand in no answer to anybody else."""
        return [
            self.deposit,
            self.answer,
            self.answer_name,
            self.answer_digest,
            self.statement,
            self.upload,
            self.webhook,
        ]


NOWHERE = Things(
    deposit=str(uuid.UUID(int=7, version=4)),
    answer=str(uuid.UUID(int=8, version=4)),
    answer_name="SECU.ACKTRT.20240801-00000000.2099990001299999999.CCSS.XML",
    answer_digest="0" * 64,
    statement="202407-0999999",
    employer="2099990006300",
    upload="0" * 64,
    webhook="0" * 32,
)


@dataclass(frozen=True)
class Ask:
    """How an object is asked for: path, query and body from what somebody has."""

    path: Callable[[Things], str]
    body: Callable[[Things], bytes] = lambda _things: b""


def digest_of(things: Things) -> bytes:
    return json.dumps({"digest": things.answer_digest}).encode()


OBJECTS: Mapping[tuple[str, str], list[Ask]] = {
    ("GET", "/v1/deposits/{identifier}"): [Ask(lambda t: f"/v1/deposits/{t.deposit}")],
    ("GET", "/v1/deposits/{identifier}/evidence"): [Ask(lambda t: f"/v1/deposits/{t.deposit}/evidence")],
    ("POST", "/v1/deposits/{identifier}/release"): [Ask(lambda t: f"/v1/deposits/{t.deposit}/release")],
    ("POST", "/v1/deposits/{identifier}/withdrawal"): [Ask(lambda t: f"/v1/deposits/{t.deposit}/withdrawal")],
    ("GET", "/v1/outbox/{identifier}"): [Ask(lambda t: f"/v1/outbox/{t.answer}")],
    ("POST", "/v1/outbox/{identifier}/acknowledged"): [
        Ask(lambda t: f"/v1/outbox/{t.answer}/acknowledged", digest_of)
    ],
    ("GET", "/v1/statements"): [Ask(lambda t: f"/v1/statements?employer={t.employer}")],
    ("GET", "/v1/statements/{number}"): [
        Ask(lambda t: f"/v1/statements/{t.statement}"),
        Ask(lambda t: f"/v1/statements/{t.statement.rpartition('-')[2]}"),
    ],
    ("GET", "/v1/statements/{number}/explanation"): [
        Ask(lambda t: f"/v1/statements/{t.statement}/explanation")
    ],
    ("GET", "/v1/statements/{number}/page"): [
        Ask(lambda t: f"/v1/statements/{t.statement}/page?language=de")
    ],
    ("HEAD", "/v1/uploads/{digest}"): [Ask(lambda t: f"/v1/uploads/{t.upload}")],
    ("PATCH", "/v1/uploads/{digest}"): [Ask(lambda t: f"/v1/uploads/{t.upload}")],
    ("DELETE", "/v1/uploads/{digest}"): [Ask(lambda t: f"/v1/uploads/{t.upload}")],
    ("DELETE", "/v1/webhooks/{identifier}"): [Ask(lambda t: f"/v1/webhooks/{t.webhook}")],
    ("GET", "/v1/comparisons"): [Ask(lambda t: f"/v1/comparisons?employer={t.employer}&period={JULY}")],
}
"""Each route that names an object, and how the object is named."""

LISTS = {
    ("GET", "/v1/outbox"): "/v1/outbox?limit=1000",
    ("GET", "/v1/statements"): "/v1/statements?limit=1000",
    ("GET", "/v1/keys"): "/v1/keys",
    ("GET", "/v1/webhooks"): "/v1/webhooks",
    ("GET", "/v1/journal/head"): "/v1/journal/head",
    ("GET", "/v1/journal/inclusion"): "/v1/journal/inclusion?sequence=1&size=2",
    ("GET", "/v1/journal/consistency"): "/v1/journal/consistency?first=1&second=2",
}
"""Each route that names no object of anybody's, and how it is asked."""

OWN = {
    ("POST", "/v1/deposits"),
    ("POST", "/v1/uploads"),
    ("POST", "/v1/simulations"),
    ("POST", "/v1/keys"),
    ("POST", "/v1/webhooks"),
}
"""What a member brings is its own, whatever it says in it: who signed is judged at the counter."""

OPEN = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("POST", "/v1/token"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
}
"""What tells nothing about anybody, and asks for nobody."""


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every method and path that an application answers."""
    return {(method, route.path) for route in app.routes for method in route.methods}  # type: ignore[attr-defined]


def missing(app: FastAPI) -> set[tuple[str, str]]:
    """What stands in no table."""
    return routes(app) - (OBJECTS.keys() | LISTS.keys() | OWN | OPEN)


@pytest.fixture(scope="module")
def app(open_home: House) -> FastAPI:
    hall = open_home.gateway._https._server.config.app
    assert isinstance(hall, Hall)
    found = hall._door
    assert isinstance(found, FastAPI)
    return found


@pytest.fixture(scope="module")
def theirs(open_home: House, visitor: Sender) -> Things:
    """One of each kind, of a member with statements; the answers were collected by nobody."""
    home = open_home
    insured = someone()
    home.affiliate(insured)
    receipt = home.receive(visitor, *home.signed(visitor, "DECSAL", [wage(insured, Period=str(JULY))]))
    assert home.outcome(visitor, receipt.deposit).verdict == "accepted"
    gateway = home.gateway
    run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(home.settings))
    (issued,) = (one for one in run.run(JULY) if isinstance(one, Issued))
    answers = gateway.outbox.collection.after(str(visitor.member), 0, 1000)
    (answer,) = (
        one.answer for one in answers if one.answer.deposit == receipt.deposit and one.answer.kind == "ACKTRT"
    )
    with client(home, visitor) as http:
        _, upload = begun(http, b"half of it is with us")
    told = Webhooks(gateway.database).add(visitor.member, "https://w.invalid/in", Received(home.clock())).id
    mine = answer.id, answer.name, answer.digest, issued.number, EMPLOYER, upload, told
    return Things(receipt.deposit, *mine)


@pytest.fixture(scope="module")
def former(open_home: House) -> Sender:
    """A fiduciary who could see the employer's statements until its mandates ended."""
    made = open_home.sender(FORMER, [EMPLOYER], kind="fiduciary")
    now = Received(open_home.clock())
    for row in rows(open_home, "SELECT number FROM mandate WHERE member = :m", m=str(FORMER)):
        assert open_home.gateway.members.end_mandate(row["number"], None, now)
    return made


@pytest.fixture(scope="module", params=["neighbour", "former"])
def foreigner(request: pytest.FixtureRequest, theirs: Things) -> Sender:
    found: Sender = request.getfixturevalue(request.param)
    return found


@contextmanager
def asked(home: House) -> Iterator[list[str]]:
    """What the threads of the doors ask the database, in order; the engine asks on its own account."""
    told: list[str] = []
    engine = home.gateway.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        thread = threading.current_thread()
        if isinstance(thread, Session) or thread.name.startswith("AnyIO worker"):
            told.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def answer(http: httpx2.Client, method: str, ask: Ask, things: Things) -> httpx2.Response:
    headers = {"Content-Type": "application/json"}
    return http.request(method, ask.path(things), content=ask.body(things), headers=headers)


def shown(response: httpx2.Response) -> tuple[object, ...]:
    """All of an answer but the date."""
    headers = [(name, value) for name, value in response.headers.multi_items() if name != "date"]
    return response.status_code, headers, response.content


EACH = [(*route, number) for route, asks in OBJECTS.items() for number in range(len(asks))]


def test_every_route_stands_in_a_table(app: FastAPI) -> None:
    """A new route without a case here turns this red."""
    assert missing(app) == set()
    assert len(routes(app)) > 10


def test_every_route_that_is_not_open_asks_who_comes(app: FastAPI) -> None:
    for route in app.routes:
        if isinstance(route, APIRoute) and not {(one, route.path) for one in route.methods} <= OPEN:
            found = [dependency.call for dependency in _flat(route.dependant.dependencies)]
            assert Admitted.__metadata__[0].dependency in found, route.path  # type: ignore[attr-defined]
            room = route.path.removeprefix("/v1/").partition("/")[0]
            assert room in ROOMS or room == "keys", f"{route.path}: may a token open it? say so in ROOMS"


def _flat(dependencies: list[Any]) -> Iterator[Any]:
    for one in dependencies:
        yield one
        yield from _flat(one.dependencies)


@pytest.mark.parametrize(("method", "path", "number"), EACH)
def test_not_yours_is_not_there(
    open_home: House, foreigner: Sender, theirs: Things, method: str, path: str, number: int
) -> None:
    ask = OBJECTS[method, path][number]
    with client(open_home, foreigner) as http:
        answer(http, method, ask, NOWHERE)  # what is loaded once is loaded now
        with asked(open_home) as of_theirs:
            there = answer(http, method, ask, theirs)
        with asked(open_home) as of_nothing:
            nowhere = answer(http, method, ask, NOWHERE)
    assert shown(there) == shown(nowhere)
    if method == "HEAD":
        assert (there.status_code, there.content) == (404, b"")
    else:
        problem(there, 404, "DOOR-NOT-FOUND")
    assert of_theirs == of_nothing, "as much work for the one as for the other"
    assert of_theirs, "control: the register of members was asked at least"


@pytest.mark.parametrize(("method", "path"), LISTS)
def test_no_list_tells_of_another(
    open_home: House, foreigner: Sender, theirs: Things, method: str, path: str
) -> None:
    with client(open_home, foreigner) as http:
        got = http.request(method, LISTS[method, path])
        assert got.status_code in (200, 404), got.text
        assert not [secret for secret in theirs.secret if secret in got.text + str(got.headers)]


def test_the_owner_finds_all_of_it(open_home: House, visitor: Sender, theirs: Things) -> None:
    """Control, and last: what the others did changed nothing of it."""
    expected = {
        ("POST", "/v1/deposits/{identifier}/release"): 404,
        ("POST", "/v1/deposits/{identifier}/withdrawal"): 404,
        ("GET", "/v1/comparisons"): 404,
        ("HEAD", "/v1/uploads/{digest}"): 204,
        ("PATCH", "/v1/uploads/{digest}"): 400,
        ("DELETE", "/v1/uploads/{digest}"): 204,
        ("DELETE", "/v1/webhooks/{identifier}"): 204,
    }
    told = rows(open_home, "SELECT event, member FROM journal WHERE subject LIKE :a || '%'", a=theirs.answer)
    assert {row["member"] for row in told} == {str(visitor.member)}
    assert [row["event"] for row in told] == ["posted"]
    with client(open_home, visitor) as http:
        for (method, path), asks in OBJECTS.items():
            for ask in asks:
                got = answer(http, method, ask, theirs)
                assert got.status_code == expected.get((method, path), 200), (path, got.text)


# controls


def test_a_leaking_application_is_caught(open_home: House, neighbour: Sender, theirs: Things) -> None:
    """Control: a variant that tells the two apart fails each of the comparisons above."""
    leaking = FastAPI()

    @leaking.get("/v1/deposits/{identifier}")
    def state(identifier: str) -> Any:
        with open_home.gateway.database.read() as connection:
            query = sa.text("SELECT sender FROM deposit WHERE id = :id")
            owner = connection.execute(query, {"id": identifier}).scalar()
            if owner is not None:
                connection.execute(sa.text("SELECT id FROM member WHERE id = :m"), {"m": owner})
        return None if owner is None else {"detail": "This is somebody else's."}

    @leaking.get("/v1/forgotten/{identifier}")
    def forgotten(identifier: str) -> str:
        return identifier

    assert ("GET", "/v1/forgotten/{identifier}") in missing(leaking)
    (ask,) = OBJECTS["GET", "/v1/deposits/{identifier}"]
    with TestClient(leaking) as http:
        answers, work = [], []
        for things in (theirs, NOWHERE):
            with asked(open_home) as told:
                answers.append(http.get(ask.path(things)))
            work.append(told)
    assert shown(answers[0]) != shown(answers[1])  # type: ignore[arg-type]
    assert work[0] != work[1]


# SFTP


SFTP = paramiko.sftp


@contextmanager
def raw(home: House, sender: Sender) -> Iterator[Raw]:
    assert home.doors is not None
    host, _, port = home.doors.sftp.rpartition(":")
    transport = paramiko.Transport((host, int(port)))
    try:
        transport.start_client(timeout=20)
        transport.auth_publickey(str(sender.member), paramiko.PKey.from_path(profile(sender).ssh_key))
        yield Raw(transport)
    finally:
        transport.close()


POSIX_RENAME = "posix-rename@openssh.com"
OPERATIONS: dict[str, Callable[[Raw, str], object]] = {
    "lstat": lambda raw, path: raw.ask(SFTP.CMD_LSTAT, path),
    "stat": lambda raw, path: raw.ask(SFTP.CMD_STAT, path),
    "setstat": lambda raw, path: raw.ask(SFTP.CMD_SETSTAT, path, 0),
    "opendir": lambda raw, path: raw.ask(SFTP.CMD_OPENDIR, path),
    "remove": lambda raw, path: raw.ask(SFTP.CMD_REMOVE, path),
    "mkdir": lambda raw, path: raw.ask(SFTP.CMD_MKDIR, path, 0),
    "rmdir": lambda raw, path: raw.ask(SFTP.CMD_RMDIR, path),
    "rename": lambda raw, path: raw.ask(SFTP.CMD_RENAME, path, "/inbox/x.part"),
    "posix-rename": lambda raw, path: raw.ask(
        SFTP.CMD_EXTENDED, "posix-rename@openssh.com", path, "/inbox/x"
    ),
    "hardlink": lambda raw, path: raw.ask(SFTP.CMD_EXTENDED, "hardlink@openssh.com", path, "/inbox/x"),
    "statvfs": lambda raw, path: raw.ask(SFTP.CMD_EXTENDED, "statvfs@openssh.com", path),
    "readlink": lambda raw, path: raw.ask(SFTP.CMD_READLINK, path),
    "symlink": lambda raw, path: raw.ask(SFTP.CMD_SYMLINK, path, "/inbox/x"),
    "open to read": lambda raw, path: raw.ask(SFTP.CMD_OPEN, path, READ, 0),
    "open to write": lambda raw, path: raw.ask(SFTP.CMD_OPEN, path, AGAIN, 0),
    "open to append": lambda raw, path: raw.ask(SFTP.CMD_OPEN, path, AGAIN | SFTP.SFTP_FLAG_APPEND, 0),
}
"""Every operation on a path, and what clients try beside them."""

PLACES: dict[str, Callable[[Things], str]] = {
    "answer": lambda t: f"/outbox/{t.answer_name}",
    "answer by id": lambda t: f"/outbox/{t.answer}",
    "deposit": lambda t: f"/inbox/{t.deposit}",
    "trial": lambda t: f"/simulation/{t.answer_name}.SIMRES.xml",
    "member's folder": lambda t: f"/{t.employer}100001/outbox/{t.answer_name}",
    "a way round": lambda t: f"/outbox/../outbox/./{t.answer_name}",
}


@pytest.mark.parametrize("place", PLACES)
def test_over_sftp_not_yours_is_not_there(
    open_home: House, foreigner: Sender, theirs: Things, place: str
) -> None:
    """Every operation on every kind of path, in bytes and in what the database is asked."""
    with raw(open_home, foreigner) as session:
        for operation in OPERATIONS.values():
            operation(session, PLACES[place](NOWHERE))
        for name, operation in OPERATIONS.items():
            with asked(open_home) as of_theirs:
                there = operation(session, PLACES[place](theirs))
            with asked(open_home) as of_nothing:
                nowhere = operation(session, PLACES[place](NOWHERE))
            assert there == nowhere, name
            assert of_theirs == of_nothing, name
        for folder in ("/inbox", "/outbox", "/simulation"):
            kind, body = session.ask(SFTP.CMD_OPENDIR, folder)
            assert kind == SFTP.CMD_HANDLE
            _, listed = session.ask(SFTP.CMD_READDIR, strings(body)[0])
            assert not [secret for secret in theirs.secret if secret.encode() in listed]


def test_every_operation_of_the_session_is_in_the_table(open_home: House, neighbour: Sender) -> None:
    """A new operation on a path without a case turns this red."""
    source = Session.__init__.__code__.co_names
    named = {one for one in source if one.startswith("CMD_")}
    by_handle = {"CMD_CLOSE", "CMD_READ", "CMD_WRITE", "CMD_FSTAT", "CMD_FSETSTAT", "CMD_READDIR"}
    no_object = {"CMD_REALPATH"}
    tried = {
        "CMD_OPEN", "CMD_LSTAT", "CMD_STAT", "CMD_SETSTAT", "CMD_OPENDIR", "CMD_REMOVE", "CMD_MKDIR",
        "CMD_RMDIR", "CMD_RENAME", "CMD_EXTENDED",
    }  # fmt: skip
    assert named == by_handle | no_object | tried


def test_over_sftp_a_handle_of_another_session_is_nobody_s(
    open_home: House, visitor: Sender, neighbour: Sender, theirs: Things
) -> None:
    with raw(open_home, visitor) as mine, raw(open_home, neighbour) as other:
        handle = mine.open(f"/outbox/{theirs.answer_name}", READ)
        for kind in (SFTP.CMD_FSTAT, SFTP.CMD_CLOSE, SFTP.CMD_READDIR):
            assert other.ask(kind, handle) == other.ask(kind, b"99")
        assert mine.ask(SFTP.CMD_FSTAT, handle)[0] == SFTP.CMD_ATTRS, "control"


def test_over_sftp_the_owner_finds_it(open_home: House, visitor: Sender, theirs: Things) -> None:
    """Control, and last."""
    with raw(open_home, visitor) as session:
        assert session.ask(SFTP.CMD_STAT, f"/outbox/{theirs.answer_name}")[0] == SFTP.CMD_ATTRS
        assert session.size(f"/outbox/{theirs.answer_name}") > 0
    content = open_home.content(visitor, theirs.answer)
    assert hashlib.sha256(content).hexdigest() == theirs.answer_digest
