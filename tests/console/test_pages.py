"""What the pages of the console show and do: bytes, deeds, cases, hostile texts, three languages."""

from __future__ import annotations

import hashlib
import html
import json
from datetime import date, timedelta

import httpx2
import pytest

from adapters.console import cases as desk
from adapters.console.lists import REGISTERS, page
from adapters.console.pages import limits_of
from adapters.console.queues import DEPOSITS, Name, Queue, queues
from adapters.evidence import Packs
from adapters.pages.frame import HEADERS
from gateway.moments import Received
from gateway.rejections import LANGUAGES
from gateway.staff import Role
from tests.console.office import REASON, AtConsole, Office, words
from tests.flow.premises import execute, rows, someone
from tests.house import EMPLOYER, INSURED, MEMBER, OTHER_MEMBER, House, Outcome, Sender, wage, wait_for

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>=cmd|' /C calc'!A0\u202e"


@pytest.fixture(scope="module")
def deposited(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(
        visitor, "DECSAL", [wage(), wage(someone()), wage(INSURED, Period="2026-06", WorkHours="999")]
    )


def path(out: Outcome, rest: str = "") -> str:
    return f"/console/deposits/{out.kept.deposit.id}{rest}"


def test_every_byte_can_be_fetched_and_each_reading_is_in_the_journal(
    staffed: Office, deposited: Outcome, open_home: House
):
    at, mine = staffed.at("olga"), deposited.kept.deposit
    answers = open_home.gateway.outbox.collection.after(str(MEMBER), 0, 1000)
    wanted = {one.answer.id: one.answer.digest for one in answers if one.answer.deposit == mine.id}
    wanted["deposit"] = mine.digest
    for what, digest in wanted.items():
        fetched = at.post(path(deposited, "/content"), what=what, reason=REASON)
        assert fetched.status_code == 200
        assert hashlib.sha256(fetched.content).hexdigest() == digest
        assert fetched.headers["content-disposition"].startswith("attachment")
        subject = mine.id if what == "deposit" else what
        read = rows(open_home, "SELECT actor FROM journal WHERE event = 'read' AND subject = :s", s=subject)
        assert "olga" in {one["actor"] for one in read}
    uncollected = rows(
        open_home, "SELECT * FROM answer WHERE deposit = :d AND collected IS NOT NULL", d=mine.id
    )
    assert uncollected == []


def test_the_evidence_pack_is_the_one_of_the_command(staffed: Office, deposited: Outcome):
    fetched = staffed.at("dora").post(path(deposited, "/content"), what="evidence", reason=REASON)
    assert fetched.content.startswith(b"PK")
    made = rows(staffed.home, "SELECT actor FROM journal WHERE event = 'evidence console'")
    assert {one["actor"] for one in made} == {"dora"}
    assert isinstance(staffed.home.gateway.packs, Packs)


@pytest.mark.parametrize(
    "what", ["../../keys/signing.key.pem", "", "acts", "00000000-0000-4000-8000-000000000000"]
)
def test_what_is_no_document_of_the_deposit_is_not_there(staffed: Office, deposited: Outcome, what: str):
    assert staffed.at("olga").post(path(deposited, "/content"), what=what, reason=REASON).status_code == 404


def test_an_answer_is_fetched_under_its_own_deposit_only(
    staffed: Office, deposited: Outcome, neighbour: Sender
):
    other = staffed.home.receive(neighbour, staffed.home.name("DECSAL", OTHER_MEMBER), b"<junk of another")
    staffed.home.outcome(neighbour, other.deposit)
    answer = rows(staffed.home, "SELECT id FROM answer WHERE deposit = :d", d=other.deposit)[0]["id"]
    assert staffed.at("olga").post(path(deposited, "/content"), what=answer, reason=REASON).status_code == 404


def test_the_records_show_code_field_value_and_remedy(staffed: Office, deposited: Outcome):
    shown = words(staffed.at("rita").post(path(deposited, "/records"), reason=REASON))
    assert "SALRET-11" in shown
    assert "999" in shown
    assert "SALRET-HELD" in shown


@pytest.fixture
def parked(open_home: House, visitor: Sender) -> str:
    """A deposit that we failed to treat, three times; what made us fail is mended."""
    execute(
        open_home,
        "CREATE TRIGGER ours BEFORE INSERT ON wage WHEN NEW.period = '2026-03'"
        " BEGIN SELECT RAISE(ABORT, 'our fault'); END",
    )
    sent = open_home.receive(visitor, *open_home.signed(visitor, "DECSAL", [wage(INSURED, Period="2026-03")]))
    state = "SELECT * FROM deposit WHERE id = :d AND state = 'parked'"
    wait_for(lambda: rows(open_home, state, d=sent.deposit) or None)
    execute(open_home, "DROP TRIGGER ours")
    return sent.deposit


@pytest.mark.embedded  # what makes us fail is a trigger as SQLite writes it
def test_a_parked_deposit_calls_for_somebody_and_is_treated_again_once(
    staffed: Office, visitor: Sender, parked: str
):
    at = staffed.at("olga")
    assert "Parked: The oldest has waited for" in words(at.get("/console"))
    assert "Treat it again" in at.get(f"/console/deposits/{parked}").text
    assert "Treat it again" not in staffed.at("dora").get(f"/console/deposits/{parked}").text
    assert at.post(f"/console/deposits/{parked}/replay").status_code == 303
    assert "will be treated again" in at.get(f"/console/deposits/{parked}").text
    assert staffed.home.outcome(visitor, parked).verdict == "accepted"
    assert at.post(f"/console/deposits/{parked}/replay").status_code == 303
    assert "parked no more" in at.get(f"/console/deposits/{parked}").text
    assert "Parked: The oldest" not in words(at.get("/console"))
    (act, *_) = staffed.acts("replay")
    assert json.loads(str(act["arguments"]))[:2] == ["replay", parked]


def test_an_answer_put_away_lies_in_the_folder_again(staffed: Office, deposited: Outcome):
    home, collection = staffed.home, staffed.home.gateway.outbox.collection
    answer = next(
        one.answer
        for one in collection.visible(str(MEMBER))
        if one.answer.deposit == deposited.kept.deposit.id
    )
    collection.put_away(str(MEMBER), answer.id)
    assert answer.id not in {one.answer.id for one in collection.visible(str(MEMBER))}
    sent = staffed.at("olga").post(path(deposited, "/resend"), answer=answer.id)
    assert sent.status_code == 303
    assert answer.id in {one.answer.id for one in collection.visible(str(MEMBER))}
    posted = rows(home, "SELECT * FROM answer WHERE name = :n", n=answer.name)
    assert len(posted) == 1
    (entry,) = rows(home, "SELECT actor FROM journal WHERE event = 'laid out'")
    assert entry["actor"] == "olga"


def test_the_command_lays_out_an_answer_as_well(staffed: Office, deposited: Outcome):
    answer = rows(staffed.home, "SELECT id FROM answer WHERE deposit = :d", d=deposited.kept.deposit.id)[0][
        "id"
    ]
    assert staffed.by("olga", "resend", answer).exit_code == 0
    assert staffed.by("olga", "resend", "nothing").exit_code == 1
    assert staffed.by("dora", "resend", answer).exit_code == 1


def test_texts_of_senders_are_text(staffed: Office, visitor: Sender):
    """SR-9: a file name that looks like markup is shown as it is, in every place."""
    home = staffed.home
    sent = home.receive(visitor, HOSTILE[:200], b"hostile by name")
    home.outcome(visitor, sent.deposit)
    at = staffed.at("olga")
    pages = [
        at.find(sent.deposit),
        at.get(f"/console/deposits/{sent.deposit}"),
        at.find(HOSTILE),
        at.find(str(MEMBER)),
        at.find("x", reason=HOSTILE),
        at.get("/console/registers/members?word=" + httpx2.QueryParams({"w": HOSTILE})["w"][:60]),
    ]
    for shown in pages:
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert "<img src=x" not in shown.text
        assert shown.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert html.escape("<script>alert(1)</script>", quote=True) in pages[0].text


@pytest.mark.parametrize(
    "name", ["received", "in-progress", "waiting", "parked", "unreleased", "held", "unread"]
)
def test_every_queue_has_its_page(staffed: Office, name: str):
    assert staffed.at("olga").get(f"/console/queues/{name}").status_code == 200


def test_no_other_queue_register_or_cause_is_there(staffed: Office):
    at = staffed.at("olga")
    for path_ in ("queues/nothing", "registers/staff_act", "cases/NOTHING", "quality?days=31", "deposits/1"):
        assert at.get(f"/console/{path_}").status_code == 404


def test_queues_tell_depth_and_age(staffed: Office, deposited: Outcome):
    home = staffed.home
    console = home.gateway._pages("https://x").state.console
    in_a_month = Received(home.clock() + timedelta(days=26))
    with home.gateway.database.read() as connection:
        now = {one.name: one for one in queues(connection, Received(home.clock()), limits_of(console))}
        later = {one.name: one for one in queues(connection, in_a_month, limits_of(console))}
    assert now[Name.HELD].depth >= 1
    assert not now[Name.HELD].alarms
    assert later[Name.HELD].is_old
    assert later[Name.UNREAD].alarms
    assert now.keys() == set(Name) > DEPOSITS
    assert all(isinstance(one, Queue) for one in now.values())


def test_a_case_has_an_owner_a_deadline_and_an_end(staffed: Office, deposited: Outcome):
    home, at, number = staffed.home, staffed.at("rita"), deposited.kept.number
    causes = at.get("/console/cases")
    assert "Records that wait for an affiliation" in causes.text
    listed = at.get("/console/cases/held")
    assert deposited.kept.deposit.name in listed.text
    assert at.post(f"/console/cases/held/{number}", owner="olga", deadline="2026-12-24").status_code == 303
    taken = words(at.get("/console/cases/held"))
    assert "with olga" in taken
    assert "24/12/2026" in taken
    (entry,) = rows(home, "SELECT actor, subject FROM journal WHERE event = 'case'")
    assert (entry["actor"], entry["subject"]) == ("rita", f"held {number} olga 2026-12-24")
    at.post(f"/console/cases/held/{number}", deed="close")
    assert deposited.kept.deposit.name not in at.get("/console/cases/held").text
    with home.gateway.database.read() as connection:
        still = desk.cases(connection, desk.HELD, Received(home.clock()))
    assert number not in {one.about for one in still}


@pytest.mark.parametrize(
    ("about", "owner", "deadline"),
    [
        ("999999", "olga", "2026-12-24"),
        (None, "nobody", "2026-12-24"),
        (None, "olga", "soon"),
        (None, "olga", ""),
    ],
)
def test_what_is_no_case_nobody_and_no_day_are_refused(
    staffed: Office, visitor: Sender, about: str | None, owner: str, deadline: str
):
    number = staffed.home.send(visitor, "DECSAL", [wage(someone(), Period="2026-04")]).kept.number
    before = rows(staffed.home, "SELECT count(*) AS many FROM special_case")
    done = staffed.at("rita").post(f"/console/cases/held/{about or number}", owner=owner, deadline=deadline)
    assert done.status_code == 303
    assert rows(staffed.home, "SELECT count(*) AS many FROM special_case") == before


def test_a_case_that_nobody_settles_in_time_is_late(staffed: Office):
    case = desk.Case("held", 1, None, "", "", Received(staffed.home.clock()), 1, None, date(2026, 12, 1))
    assert not case.is_late(date(2026, 12, 1))
    assert case.is_late(date(2026, 12, 2))


@pytest.mark.parametrize("name", [name for name, one in REGISTERS.items() if not one.personal])
def test_every_register_can_be_looked_up_in(staffed: Office, name: str):
    shown = staffed.at("rita").get(
        f"/console/registers/{name}",
    )
    assert shown.status_code == 200


def test_a_register_is_searched_and_paged(open_home: House, visitor: Sender, neighbour: Sender):
    register = REGISTERS["members"]
    with open_home.gateway.database.read() as connection:
        both = page(connection, register, "")
        one = page(connection, register, str(MEMBER))
        called = page(connection, register, str(OTHER_MEMBER)[5:15])
        behind = page(connection, register, "", after=str(MEMBER))
    assert [row[0] for row in both.rows] == [str(MEMBER), str(OTHER_MEMBER)]
    assert [row[0] for row in one.rows] == [str(MEMBER)]
    assert [row[0] for row in called.rows] == [str(OTHER_MEMBER)]
    assert [row[0] for row in behind.rows] == [str(OTHER_MEMBER)]


def test_no_register_lists_persons_without_a_number(open_home: House):
    open_home.affiliate(someone())
    with open_home.gateway.database.read() as connection:
        for register in REGISTERS.values():
            if register.personal:
                assert page(connection, register, "").rows == ()
                assert page(connection, register, INSURED[:6]).rows == ()


def test_no_register_shows_a_key_or_a_document():
    shown = {column for one in REGISTERS.values() for column in one.columns}
    assert not shown & {"pem", "public_key", "key", "wrapped", "content", "receipt", "signature"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_three_languages(staffed: Office, deposited: Outcome, language: str):
    staffed.hire(f"max.{language}", *Role)
    at: AtConsole = staffed.sit(f"max.{language}", language)
    paths = ["", "/search", "/cases", "/cases/held", "/quality", "/registers", "/registers/persons", "/acts"]
    for each in [*(f"/console{one}" for one in paths), path(deposited), "/indicators"]:
        shown = at.get(each)
        assert shown.status_code == 200, each
        assert f'<html lang="{language}"' in shown.text
    assert EMPLOYER in at.find(EMPLOYER).text
