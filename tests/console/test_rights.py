"""Who may do what at the console: every page and action with every role, reasons, and two persons (SR-22)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI

from adapters.console.access import COOKIE, HOME, Console, Proposed, Visitor, _admit
from adapters.database.staff import Opened, _Signatures, people
from gateway.staff import CONSOLE, LEAVE, RIGHTS, SESSION, Call, Role, right_to
from tests.console.office import PEOPLE, REASON, AtConsole, Office
from tests.flow.premises import rows, someone
from tests.house import EMPLOYER, INSURED, House, Outcome, Sender, wage

NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Deed:
    """A page or an action: its route, the right it asks for, and how it is asked for."""

    command: str
    ask: Callable[[AtConsole, Outcome], httpx2.Response]


def path(out: Outcome, rest: str = "") -> str:
    return f"{HOME}/deposits/{out.kept.deposit.id}{rest}"


DEEDS: dict[tuple[str, str], list[Deed]] = {
    ("GET", HOME): [Deed("console overview", lambda at, _: at.get(HOME))],
    ("GET", f"{HOME}/queues/{{name}}"): [
        Deed("console queue", lambda at, _: at.get(f"{HOME}/queues/received")),
        Deed("console queue", lambda at, _: at.get(f"{HOME}/queues/unread")),
    ],
    ("GET", f"{HOME}/search"): [Deed("console search", lambda at, _: at.get(f"{HOME}/search"))],
    ("POST", f"{HOME}/search"): [
        Deed("console search", lambda at, _: at.find("SECU.DECSAL")),
        Deed("console search person", lambda at, _: at.find(INSURED, reason=REASON)),
    ],
    ("GET", f"{HOME}/deposits/{{identifier}}"): [Deed("console deposit", lambda at, out: at.get(path(out)))],
    ("POST", f"{HOME}/deposits/{{identifier}}/records"): [
        Deed("console records", lambda at, out: at.post(path(out, "/records"), reason=REASON))
    ],
    ("POST", f"{HOME}/deposits/{{identifier}}/content"): [
        Deed(
            "console content", lambda at, out: at.post(path(out, "/content"), what="deposit", reason=REASON)
        ),
        Deed("evidence make", lambda at, out: at.post(path(out, "/content"), what="evidence", reason=REASON)),
    ],
    ("POST", f"{HOME}/deposits/{{identifier}}/replay"): [
        Deed("replay", lambda at, out: at.post(path(out, "/replay")))
    ],
    ("POST", f"{HOME}/deposits/{{identifier}}/resend"): [
        Deed("resend", lambda at, out: at.post(path(out, "/resend"), answer=NOBODY))
    ],
    ("GET", f"{HOME}/cases"): [Deed("console cases", lambda at, _: at.get(f"{HOME}/cases"))],
    ("GET", f"{HOME}/cases/{{cause}}"): [Deed("console cases", lambda at, _: at.get(f"{HOME}/cases/held"))],
    ("POST", f"{HOME}/cases/{{cause}}/{{about}}"): [
        Deed(
            "console case", lambda at, _: at.post(f"{HOME}/cases/held/1", owner="olga", deadline="2026-12-24")
        )
    ],
    ("GET", f"{HOME}/quality"): [Deed("statistics", lambda at, _: at.get(f"{HOME}/quality"))],
    ("GET", f"{HOME}/registers"): [Deed("console register", lambda at, _: at.get(f"{HOME}/registers"))],
    ("GET", f"{HOME}/registers/{{name}}"): [
        Deed("console register", lambda at, _: at.get(f"{HOME}/registers/members"))
    ],
    ("POST", f"{HOME}/registers/{{name}}"): [
        Deed(
            "console register persons",
            lambda at, _: at.post(f"{HOME}/registers/affiliations", word=INSURED, reason=REASON),
        )
    ],
    ("GET", f"{HOME}/payments"): [
        Deed("bank unmatched", lambda at, _: at.get(f"{HOME}/payments")),
    ],
    ("POST", f"{HOME}/payments"): [
        Deed("bank unmatched", lambda at, _: at.post(f"{HOME}/payments", reason=REASON)),
    ],
    ("POST", f"{HOME}/payments/assign"): [
        Deed(
            "bank assign",
            lambda at, _: at.post(f"{HOME}/payments/assign", reference="NONE", employer=EMPLOYER),
        )
    ],
    ("GET", f"{HOME}/shadow"): [Deed("console shadow", lambda at, _: at.get(f"{HOME}/shadow"))],
    ("POST", f"{HOME}/shadow"): [
        Deed(
            "shadow",
            lambda at, _: at.http.post(
                f"{HOME}/shadow", data={"form_token": at.token}, files={"candidate": ("x.zip", b"no ZIP")}
            ),
        )
    ],
    ("GET", f"{HOME}/shadow/{{number}}"): [Deed("console shadow", lambda at, _: at.get(f"{HOME}/shadow/1"))],
    ("GET", f"{HOME}/shadow/{{number}}/report"): [
        Deed("console shadow", lambda at, _: at.get(f"{HOME}/shadow/1/report"))
    ],
    ("GET", f"{HOME}/acts"): [Deed("console overview", lambda at, _: at.get(f"{HOME}/acts"))],
}
"""Each route of the console, and each right that is asked for there."""

ENTRANCE = {
    ("GET", f"{HOME}/sign-in"),
    ("GET", f"{HOME}/enter"),
    ("POST", f"{HOME}/enter"),
    ("POST", f"{HOME}/sign-out"),
    ("POST", f"{HOME}/language"),
}
"""How one comes and goes: for nobody yet, or for everybody."""

ALL = [deed for deeds in DEEDS.values() for deed in deeds]


@pytest.fixture(scope="module")
def deposited(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(visitor, "DECSAL", [wage(), wage(someone())])


def missing(app: FastAPI) -> set[tuple[str, str]]:
    """Routes of the console that stand in no table."""
    found = {(method, route.path) for route in app.routes for method in route.methods}  # type: ignore[attr-defined]
    return (
        {one for one in found if one[1].startswith(HOME)}
        - DEEDS.keys()
        - ENTRANCE
        - {("HEAD", path) for _, path in found}
    )


def test_every_route_of_the_console_is_tried_with_every_role(staffed: Office):
    app = staffed.home.gateway._pages("https://x")
    assert missing(app) == set()

    @app.get(f"{HOME}/new")
    async def new() -> None:
        """A page that nobody thought of."""

    assert missing(app) == {("GET", f"{HOME}/new")}


def test_every_right_of_the_console_is_asked_for_somewhere():
    asked = {deed.command for deed in ALL}
    assert CONSOLE.keys() - asked == {SESSION, LEAVE}
    assert not CONSOLE.keys() & RIGHTS.keys()


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_role_sees_and_does_what_is_its_own_and_nothing_else(
    staffed: Office, deposited: Outcome, name: str, number: int
):
    deed, at = ALL[number], staffed.at(name)
    allowed = PEOPLE[name] in right_to(deed.command).roles
    answer = deed.ask(at, deposited)
    assert (answer.status_code != 403) is allowed, answer.text
    if allowed:
        assert answer.status_code in (200, 202, 303, 404, 422)
    elif deed.command != "console overview":
        assert staffed.acts(deed.command)[0]["kind"] == "denied"
        assert deposited.kept.deposit.name not in answer.text


@pytest.mark.parametrize("reason", ["", "because", " " * 20])
def test_what_belongs_to_others_is_shown_to_nobody_who_does_not_say_why(
    staffed: Office, deposited: Outcome, reason: str
):
    at = staffed.at("dora")
    asks = [
        at.find(INSURED, reason=reason),
        at.post(path(deposited, "/records"), reason=reason),
        at.post(path(deposited, "/content"), what="deposit", reason=reason),
        at.post(path(deposited, "/content"), what="evidence", reason=reason),
        at.post(f"{HOME}/registers/affiliations", word=INSURED, reason=reason),
    ]
    for answer in asks:
        assert "For what reason?" in answer.text
        assert deposited.kept.deposit.digest not in answer.text


def test_what_was_asked_for_is_kept_while_the_reason_is_given(staffed: Office, deposited: Outcome):
    asked = staffed.at("dora").find(INSURED)
    assert f'name="words" value="{INSURED}"' in asked.text


def test_the_reason_stands_with_the_name_and_the_signature(staffed: Office, deposited: Outcome):
    staffed.at("dora").post(path(deposited, "/content"), what="receipt", reason=REASON)
    (last, *_) = staffed.acts("console content")
    assert (last["person"], last["reason"], last["kind"]) == ("dora", REASON, "given")
    listed = staffed.by("anna", "staff", "acts", "--json")
    assert listed.exit_code == 0
    told = {one["number"]: one for one in json.loads(listed.stdout)}
    assert told[last["number"]]["genuine"] is True
    read, *_ = rows(
        staffed.home,
        "SELECT actor FROM journal WHERE event = 'read' AND subject = :id ORDER BY sequence DESC",
        id=deposited.kept.deposit.id,
    )
    assert read["actor"] == "dora"


def test_changing_the_reason_afterwards_shows(staffed: Office, deposited: Outcome):
    """Negative control: what an act says is what was signed."""
    with staffed.home.gateway.database.read() as connection:
        row = connection.exec_driver_sql("SELECT * FROM staff_act ORDER BY number DESC LIMIT 1").one()
        judge = _Signatures(connection)
        assert judge.genuine(row)
        for column in ("reason", "person", "at", "command", "arguments"):
            changed = SimpleNamespace(**(dict(row._mapping) | {column: CHANGED[column]}))
            assert not judge.genuine(changed), column  # type: ignore[arg-type]


CHANGED = {
    "reason": "another",
    "person": "dora",
    "at": "2026-11-23T02:00:00.000000Z",
    "command": "console search",
    "arguments": "[]",
}


def test_an_act_for_two_is_proposed_at_the_console_and_approved_with_a_key(staffed: Office):
    """Four eyes: the console never carries out alone what takes two; the second person's command does."""
    home, olga = staffed.home, staffed.at("olga")
    console: Console = home.gateway._pages("https://x").state.console
    opened = Opened.read(olga.http.cookies[COOKIE])
    person = next(one for one in people(console.database) if one.name == "olga")
    assert opened is not None
    words = ("outage", "--from", "2026-11-01T10:00", "--until", "2026-11-01T11:00", "--reason", "cable cut")
    call = Call("outage", (*words, "--data", str(home.settings.data.resolve())), (), "")
    with pytest.raises(Proposed) as proposed:
        _admit(console, Visitor(person, opened, ""), call)
    assert not rows(home, "SELECT * FROM outage")
    waits = staffed.at("olga").get(f"{HOME}/acts")
    assert "cable cut" in waits.text
    number = str(proposed.value.number)
    assert staffed.by("olga", "approve", number).exit_code == 1
    assert staffed.by("bob", "approve", number).exit_code == 1
    assert not rows(home, "SELECT * FROM outage")
    staffed.hire("otto", Role.OPERATOR)
    done = staffed.by("otto", "approve", number)
    assert done.exit_code == 0, done.output
    assert len(rows(home, "SELECT * FROM outage")) == 1
    (entry,) = rows(home, "SELECT actor FROM journal WHERE event = 'outage'")
    assert entry["actor"] == "olga+otto"


def test_a_form_from_elsewhere_does_nothing(staffed: Office, deposited: Outcome):
    """SR-15: neither another site nor the form of another visit."""
    at = staffed.at("olga")
    foreign = at.http.post(
        path(deposited, "/replay"), data={"form_token": at.token}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    before = len(staffed.acts("replay"))
    other = at.http.post(path(deposited, "/replay"), data={"form_token": staffed.at("rita").token})
    assert other.status_code == 409
    assert len(staffed.acts("replay")) == before
