"""SR-15 and P7 at the portal: foreign forms, others' things, hostile texts, and what every answer carries."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest

from adapters.pages.frame import HEADERS
from gateway.batch import MemberId
from gateway.moments import Received
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, house, wage
from tests.portal.people import OURS, counted, person, reader, usual, visits

HOSTILE = (
    '<script>alert("x")</script>',
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}",
    '"><img src=x onerror=alert(1)>',
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("protection"), doors=True) as made:
        usual(made)
        made.employer(OTHER_EMPLOYER)
        made.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
        yield made


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://[evil"},
        {"origin": "http://127.0.0.1"},
        {},
    ],
)
def test_a_form_from_elsewhere_does_nothing(home: House, headers: dict[str, str]) -> None:
    with reader(home, person(home, str(uuid.uuid4()))) as anna:
        token, before = anna.token(), counted(home, "portal_key")
        sent = {"form_token": token, "agreed": "yes", "action": "make"}
        if headers.get("origin", "").startswith("http://"):  # our own host, without protection
            headers = {"origin": str(anna.client.base_url).rstrip("/").replace("https:", "http:")}
        answer = anna.client.post("/portal/key", data=sent, headers=headers)
        assert answer.status_code == 403
        assert counted(home, "portal_key") == before


def test_the_same_form_from_our_own_page_does_it(home: House) -> None:
    with reader(home, person(home, "Own page")) as anna:
        origin = {"origin": str(anna.client.base_url).rstrip("/")}
        sent = {"form_token": anna.token(), "agreed": "yes", "action": "make"}
        assert anna.client.post("/portal/key", data=sent, headers=origin).status_code == 303
        assert counted(home, "portal_key", member=str(MEMBER)) == 1
        assert "counts until" in anna.get("/portal/key").lower()


def test_a_form_without_the_token_of_the_visit_is_asked_again_and_keeps_what_it_held(home: House) -> None:
    with reader(home, person(home, "Stale")) as anna:
        answer = anna.client.post("/portal/forms", data={"form": "wages", "note": "kept <b>"}, headers=OURS)
        assert answer.status_code == 409
        assert 'value="kept &lt;b&gt;"' in answer.text
        assert counted(home, "portal_draft") == 0


def test_what_was_written_is_given_back_when_the_sign_in_has_expired(home: House) -> None:
    with reader(home) as stranger:
        written = {"r0.BaseWage": "1234.56", "form_token": "old"}
        answer = stranger.client.post("/portal/drafts/abc", data=written, headers=OURS)
        assert answer.status_code == 401
        assert 'name="r0.BaseWage" value="1234.56"' in answer.text
        assert 'value="old"' not in answer.text
        assert 'action="/portal/drafts/abc"' in answer.text


def test_every_answer_carries_the_headers_and_is_kept_nowhere(home: House) -> None:
    with reader(home, person(home, "Headers")) as anna:
        for place in ("/portal", "/portal/nothing", "/portal/sign-in", "/portal/send"):
            answer = anna.client.get(place)
            for name, text in HEADERS.items():
                assert answer.headers[name] == text, place
            assert answer.headers["cache-control"] == "no-store"
        kept = re.search(r'href="(/static/pages\.[0-9a-f]+\.css)"', anna.client.get("/portal").text)
        assert kept is not None
        assert "immutable" in anna.client.get(kept[1]).headers["cache-control"]


def test_what_belongs_to_another_member_looks_like_what_does_not_exist(home: House) -> None:
    """P7, at each address of the portal that names a thing."""
    sender = home.sender(MemberId(EMPLOYER, "100090"), [EMPLOYER])
    kept = home.send(sender, "DECSAL", [wage(BaseWage="x")]).kept
    listed = home.gateway.outbox.collection.after(str(sender.member), 0, 100)
    salret = next(one.answer.id for one in listed if one.answer.kind == "SALRET")
    owner = person(home, "Owner", sender.member)
    with reader(home, owner) as theirs:
        began = theirs.post(f"/portal/deposits/{kept.deposit.id}/correct", answer=salret)
        draft = began.headers["location"].rpartition("/")[2]
        name, content = home.signed(sender, "DECSAL", [wage()])
        file = theirs.drop((name, content)).headers["location"].rpartition("/")[2]
    other = person(home, "Stranger", OTHER_MEMBER)
    deposit, nobody, none = kept.deposit.id, str(uuid.uuid4()), "0" * 32
    with reader(home, other) as stranger:
        for real, unreal in (
            (f"/portal/deposits/{deposit}", f"/portal/deposits/{nobody}"),
            (f"/portal/deposits/{deposit}/answers/{salret}", f"/portal/deposits/{nobody}/answers/{none}"),
            (f"/portal/deposits/{deposit}/fix/{salret}", f"/portal/deposits/{nobody}/fix/{none}"),
            (f"/portal/drafts/{draft}", f"/portal/drafts/{none}"),
            (f"/portal/drafts/{none}?file={file}", f"/portal/drafts/{none}?file={none}"),
            (f"/portal/send/{file}", f"/portal/send/{none}"),
            (f"/portal/send/{file}/file", f"/portal/send/{none}/file"),
        ):
            found, missing = (stranger.client.get(one) for one in (real, unreal))
            assert found.status_code == missing.status_code == 404
            assert found.text.replace(real, unreal) == missing.text, real
        for real in (f"/portal/send/{file}", f"/portal/drafts/{draft}", f"/portal/send/{file}/discard"):
            stranger.post(real, action="drop")
        assert deposit not in stranger.get("/portal/deposits")
        assert f"/{deposit}" not in stranger.get(f"/portal/deposits?text={deposit}")
    with reader(home, owner) as theirs:
        theirs.get(f"/portal/drafts/{draft}")
        theirs.get(f"/portal/send/{file}")
        theirs.get(f"/portal/deposits/{deposit}")


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_that_look_like_markup_are_shown_and_not_executed(home: House, text: str) -> None:
    number = f"2{HOSTILE.index(text):05}"
    sender = home.sender(MemberId(EMPLOYER, number), [EMPLOYER])
    kept = home.send(sender, "DECSAL", [wage(BaseWage=text)]).kept
    who = visits(home).register(sender.member, text, list(person(home, text).roles), Received(home.clock()))
    with reader(home, who) as anna:
        raw = anna.client.get(f"/portal/deposits/{kept.deposit.id}").text
        listed = anna.client.get("/portal/deposits", params={"text": text}).text
        refused = anna.drop((f"{text}.exe", b"MZ")).text
        for shown in (raw, listed, refused):
            assert "<script>alert" not in shown
            assert "<img src=x" not in shown
            assert "{{ 7" in shown or "49" not in text
        assert "SALRET-4" in raw


def test_refusals_are_told_in_the_readers_language(home: House) -> None:
    for language, word in (("fr", "Rien à cette adresse"), ("de", "Hier ist nichts"), ("en", "Nothing here")):
        with reader(home, language=language) as stranger:
            assert word in stranger.client.get("/portal/nowhere/at/all").text


def test_the_language_chosen_stays(home: House) -> None:
    with reader(home, language="en") as stranger:
        sent = {"language": "de", "back": "/portal/sign-in"}
        answer = stranger.client.post("/portal/language", data=sent, headers=OURS)
        assert answer.headers["location"] == "/portal/sign-in"
        assert "Am Portal anmelden" in stranger.get("/portal/sign-in")
