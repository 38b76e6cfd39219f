"""SR-15: signing in with an account: the provider says who it is, and the register says whom we let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from oidc_provider_mock import run_server_in_thread

from adapters.pages.oidc import WENT, NotIdentified, Provider
from gateway.moments import Received
from gateway.people import EVERY_ROLE
from tests.house import EMPLOYER, MEMBER, House, house
from tests.portal.people import Reader, reader, visits


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def home(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("oidc")
    secret = folder / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    given: dict[str, object] = {"oidc_issuer": issuer, "oidc_client": "secugate", "oidc_secret": secret}
    with house(folder, doors=True, **given) as made:
        made.employer(EMPLOYER)
        made.sender(MEMBER, [EMPLOYER])
        register = visits(made)
        register.register(MEMBER, "Anna", EVERY_ROLE, Received(made.clock()), subject=f"{issuer} anna")
        yield made


def _identified(anna: Reader, subject: str) -> str:
    """The address to which the provider sends a browser back."""
    answer = anna.client.get("/portal/sign-in/oidc")
    assert answer.status_code == 303
    done = httpx2.post(answer.headers["location"], data={"sub": subject})
    assert done.status_code in (302, 303), done.text
    parts = urlsplit(done.headers["location"])
    return f"{parts.path}?{parts.query}"


def test_an_account_that_is_registered_lets_in(home: House) -> None:
    with reader(home) as anna:
        assert "With your account" in anna.get("/portal/sign-in")
        answer = anna.client.get(_identified(anna, "anna"))
        assert answer.status_code == 200
        assert 'content="0;url=/portal"' in answer.text
        assert "SameSite=strict" in answer.headers["set-cookie"]
        assert "Anna" in anna.get("/portal")


def test_an_account_that_is_nobodys_does_not(home: House) -> None:
    with reader(home) as anna:
        answer = anna.client.get(_identified(anna, "mallory"))
        assert answer.status_code == 403
        assert "belongs to no member" in answer.text
        assert anna.client.get("/portal").status_code == 303


def test_one_comes_back_once_and_with_the_browser_that_went(home: House) -> None:
    with reader(home) as anna, reader(home) as mallory:
        address = _identified(anna, "anna")
        assert mallory.client.get(address).status_code == 403  # another browser
        assert anna.client.get(address.replace("state=", "state=x")).status_code == 403
        assert anna.client.get(address).status_code == 403  # used up by the try before


def test_what_was_asked_for_is_bound_to_us(home: House) -> None:
    with reader(home) as anna:
        place = anna.client.get("/portal/sign-in/oidc")
        asked = parse_qs(urlsplit(place.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"][0].startswith(str(home.doors and home.doors.https))
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        assert f"{WENT}=" in place.headers["set-cookie"]
        assert "SameSite=lax" in place.headers["set-cookie"]


def test_a_token_in_answer_to_another_question_is_refused(home: House, issuer: str) -> None:
    provider = Provider(issuer, "secugate", "open sesame", "https://localhost")
    place, kept = provider.asked()
    done = httpx2.post(place, data={"sub": "anna"})
    code = parse_qs(urlsplit(done.headers["location"]).query)["code"][0]
    with pytest.raises(NotIdentified):
        provider.subject(code, {**kept, "nonce": "another"})


def test_a_provider_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotIdentified):
        Provider("http://127.0.0.1:9", "secugate", str(tmp_path), "https://localhost").asked()
