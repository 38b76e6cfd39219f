"""A real browser (Debian's Chromium) for whoever uses pages with script; and what judges them (axe)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from gateway.people import PortalPerson
from tests.house import House
from tests.portal.people import link
from tests.tools import tool

SERIOUS = frozenset({"serious", "critical"})
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1200, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser,
    home: House,
    language: str = "en",
    scheme: Literal["light", "dark"] = "light",
    size: dict[str, int] | None = None,
) -> Iterator[Page]:
    """A window of somebody's own. What a page complains of, in script or policy, turns the test red."""
    assert home.doors is not None
    context = browser.new_context(
        base_url=home.doors.https,
        ignore_https_errors=True,
        locale=language,
        color_scheme=scheme,
        viewport=size or DESK,  # type: ignore[arg-type]
    )
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None,
    )
    try:
        yield page
        assert complaints == []
    finally:
        context.close()


def sign_in(page: Page, home: House, who: PortalPerson) -> None:
    """Follow a one-time link."""
    page.goto(f"/portal/enter?key={link(home, who)}")
    page.click("main button")
    page.wait_for_url("**/portal")


def faults(page: Page) -> list[str]:
    """What axe finds serious on the page as it stands."""
    found: Any = Axe().run(page).response
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
