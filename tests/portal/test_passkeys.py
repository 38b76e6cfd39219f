"""Passkeys, with a virtual authenticator in a real browser."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from adapters.pages.passkeys import host_of
from tests.house import House, house
from tests.portal.browser import chromium, faults, sign_in, window
from tests.portal.people import counted, person, usual


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given: dict[str, object] = {"address": f"https://localhost:{port}", "https_port": port}
    with house(tmp_path_factory.mktemp("passkeys"), doors=True, **given) as made:
        usual(made)
        yield made


def _device(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_registered_lets_in_and_is_ended(home: House) -> None:
    who = person(home, "Anna Weber")
    with chromium() as browser, window(browser, home) as page:
        _device(page)
        sign_in(page, home, who)
        page.goto("/portal/passkeys")
        page.fill("#name", "Laptop")
        page.click("text=Add a passkey")
        expect(page.locator("main")).to_contain_text("The passkey is registered")
        assert faults(page) == []
        assert counted(home, "passkey", person=who.id) == 1

        page.context.clear_cookies()
        page.goto("/portal/sign-in")
        page.click("text=Use a passkey")
        page.wait_for_url("**/portal")
        expect(page.locator("h1")).to_contain_text("Anna Weber")
        assert counted(home, "journal", subject=who.id, event="signed in passkey") == 1

        page.goto("/portal/passkeys")
        page.click("text=Remove")
        page.context.clear_cookies()
        page.goto("/portal/sign-in")
        page.click("text=Use a passkey")
        expect(page.locator("[role=alert]")).to_contain_text("not registered here")
        page.goto("/portal")
        expect(page.locator("h1")).to_have_text("Sign in to the portal")


def test_what_a_device_has_said_once_lets_nobody_in_again(home: House) -> None:
    """A replayed assertion: neither with the challenge that it answered, nor with a new one.
    The control: the first time the very same bytes let in."""
    who, asked = person(home, "Bob Klein"), "/portal/sign-in/passkey"
    said: list[str] = []
    with chromium() as browser, window(browser, home) as page:
        _device(page)
        sign_in(page, home, who)
        page.goto("/portal/passkeys")
        page.fill("#name", "Laptop")
        page.click("text=Add a passkey")
        expect(page.locator("main")).to_contain_text("The passkey is registered")
        page.context.clear_cookies()
        page.goto("/portal/sign-in")
        page.on("request", lambda one: said.append(one.post_data or "") if one.url.endswith(asked) else None)
        before = page.context.cookies()
        page.click("text=Use a passkey")
        page.wait_for_url("**/portal")
        (assertion,) = said
        assert "credential" in assertion
        headers = {
            "origin": page.url.removesuffix("/portal"),
            "content-type": "application/x-www-form-urlencoded",
        }
        page.context.clear_cookies()
        page.context.add_cookies(before)  # type: ignore[arg-type] # what one call gives another takes
        assert page.request.post(asked, data=assertion, headers=headers).status == 403
        begun = page.request.post(f"{asked}/begin", data="", headers=headers)
        assert begun.ok
        assert page.request.post(asked, data=assertion, headers=headers).status == 403
        page.goto("/portal")
        expect(page.locator("h1")).to_have_text("Sign in to the portal")
        assert counted(home, "journal", subject=who.id, event="signed in passkey") == 1


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://secugate.example", "secugate.example"),
        ("https://localhost:8443", "localhost"),
        ("https://127.0.0.1:8443", None),
        ("https://[::1]:8443", None),
    ],
)
def test_only_a_host_with_a_name_has_passkeys(address: str, host: str | None) -> None:
    assert host_of(address) == host
