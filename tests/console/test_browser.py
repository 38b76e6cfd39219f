"""As a person would: an operator answers a call in a browser; nothing on the way keeps anybody out (axe)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gateway.staff import Role
from tests.console.office import REASON, Office
from tests.flow.premises import someone
from tests.house import INSURED, MEMBER, House, Outcome, Sender, wage
from tests.portal.browser import chromium, faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def deposited(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(
        visitor, "DECSAL", [wage(), wage(someone()), wage(INSURED, Period="2026-06", WorkHours="999")]
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def open_page(browser: Browser, staffed: Office, *, scheme: str = "light", script: bool = True) -> Page:
    context = browser.new_context(
        ignore_https_errors=True,
        locale="en-GB",
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        base_url=staffed.home.doors.https if staffed.home.doors else "",
    )
    return context.new_page()


def sign_in(page: Page, staffed: Office, name: str) -> None:
    """Follow the link that the command prints."""
    given = staffed.by(name, "console", "link")
    page.goto(given.stdout.strip())
    page.get_by_role("button", name="Open the session").click()
    page.wait_for_url("**/console")


@pytest.mark.parametrize("script", [True, False])
def test_an_operator_finds_the_file_of_a_caller_and_tells_what_became_of_it(
    browser: Browser, staffed: Office, deposited: Outcome, script: bool
):
    """ "My file did not come back, it was SECU.DECSAL…, or for matricule …": with script and without."""
    page = open_page(browser, staffed, script=script)
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    sign_in(page, staffed, "olga")
    page.get_by_label("What the caller says").fill(f"SECU.DECSAL {INSURED}")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name=deposited.kept.deposit.name).click()
    assert "Records on hold" in page.inner_text("main")
    assert "1 refused" in page.inner_text("main")
    page.get_by_label("Reason").first.fill(REASON)
    page.get_by_role("button", name="See the records concerned").click()
    shown = page.inner_text("main")
    assert "SALRET-11" in shown
    assert "999" in shown
    page.go_back()
    page.get_by_label("Reason").first.fill(REASON)
    with page.expect_download() as download:
        page.get_by_role("button", name="As received").click()
    assert download.value.suggested_filename == deposited.kept.deposit.name
    assert refused == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(browser: Browser, staffed: Office, deposited: Outcome, scheme: str):
    staffed.hire(f"max.{scheme}", *Role)
    staffed.by(
        f"max.{scheme}",
        "outage",
        "--from",
        "2026-11-01T10:00",
        "--until",
        "2026-11-01T11:00",
        "--reason",
        "x",
    )
    page = open_page(browser, staffed, scheme=scheme)
    page.goto(staffed.by(f"max.{scheme}", "console", "link").stdout.strip())
    barriers = {"enter": faults(page)}
    page.get_by_role("button", name="Open the session").click()
    paths = [
        "",
        "/search",
        "/queues/held",
        "/queues/unread",
        "/cases",
        "/cases/held",
        "/quality",
        "/registers",
    ]
    paths += ["/registers/members", "/registers/persons", "/acts", "/sign-in", "/shadow", "/payments"]
    paths.append(f"/deposits/{deposited.kept.deposit.id}")
    for path in paths:
        page.goto(f"/console{path}")
        barriers[path] = faults(page)
    page.goto("/indicators")
    barriers["indicators"] = faults(page)
    page.goto("/console/search")
    page.get_by_label("What the caller says").fill(str(MEMBER))
    page.get_by_role("button", name="Find").click()
    barriers["found"] = faults(page)
    assert {path: found for path, found in barriers.items() if found} == {}
    page.context.close()


def test_a_barrier_would_be_found(browser: Browser):
    """Negative control: axe says so when a picture has no text and a field no name."""
    page = browser.new_page()
    page.set_content("<html><body><main><img src='x'><input></main></body></html>")
    assert {one.partition(":")[0] for one in faults(page)} >= {"image-alt", "label"}
    page.close()
