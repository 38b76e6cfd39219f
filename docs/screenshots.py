"""Pictures of the main pages, from a gateway that is made for it: `make screenshots`.

A few small ones go into `docs/pictures`, which is kept; all of them, in three languages, light and dark, on a
desk and on a phone, into `docs/pictures/all`, which is not.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Browser, Page

from gateway.people import PortalPerson
from tests.console.office import Office, office
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, house, wage
from tests.portal.bills import FIDUCIARY, street
from tests.portal.bills import person as clerk
from tests.portal.browser import DESK, PHONE, chromium, sign_in, window
from tests.portal.people import person, usual

PICTURES = Path(__file__).with_name("pictures")
ALL = PICTURES / "all"
KEPT = {"checked", "deposit", "draft", "invoice", "client", "console-overview", "console-deposit"}
COLOURS = 64
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LOOKS = [
    (language, scheme, place, size)
    for language in ("fr", "de", "en")
    for scheme in SCHEMES
    for place, size in (("desk", DESK), ("phone", PHONE))
]
"""Language, light or dark, and the size of the window."""
ACCOUNTS: Mapping[str, str] = {
    "invoices": "/portal/invoices",
    "invoice": "/portal/invoices/{number}",
    "explained": "/portal/invoices/{number}/insured/{insured}",
    "year": "/portal/invoices/year?employer={employer}&of=2026",
    "account": "/portal/account?employer={employer}",
    "deadlines": "/portal/deadlines",
    "clients": "/portal/clients",
    "client": "/portal/clients/{employer}",
    "access": "/portal/access",
}
CONSOLE: Mapping[str, str] = {
    "overview": "/console",
    "deposit": "/console/deposits/{deposit}",
    "cases": "/console/cases",
    "quality": "/console/quality",
    "shadow": "/console/shadow",
    "registers": "/console/registers/members",
    "acts": "/console/acts",
}


def main() -> None:
    """Take all pictures."""
    ALL.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        _sending(browser, Path(folder) / "sending")
        _accounts(browser, Path(folder) / "accounts")


def _sending(browser: Browser, folder: Path) -> None:
    """Of what is sent and corrected, and of the console of the same gateway."""
    folder.mkdir()
    with house(folder, doors=True) as home, office(home, folder / "staff") as staffed:
        sender = usual(home)
        who = person(home, "Anna Weber")
        home.send(sender, "DECSAL", [wage(Period="2026-06")])
        records = [wage(), wage(BaseWage="12,5"), wage(insured="1893120105733")]
        refused = home.send(sender, "DECSAL", records).kept.deposit.id
        name, content = home.signed(sender, "DECSAL", [wage(BaseWage="4000.00"), *records[1:]])
        file = folder / name
        file.write_bytes(content)
        for language, scheme, place, size in LOOKS:
            mark = f"{language}-{scheme}-{place}"
            with window(browser, home, language, scheme, size) as page:
                _take(page, home, mark, who, refused, file)
            with window(browser, home, language, scheme, size) as page:
                _console(page, staffed, mark, refused)


def _console(page: Page, staffed: Office, mark: str, deposit: str) -> None:
    page.goto("/console/sign-in")
    page.goto(f"/console/enter?code={staffed.link('dora')}")
    page.click("main button")
    page.wait_for_url("**/console")
    for name, address in CONSOLE.items():
        page.goto(address.format(deposit=deposit))
        _picture(page, f"console-{name}", mark)


def _accounts(browser: Browser, folder: Path) -> None:
    """Of invoices, deadlines, clients, keys and people."""
    folder.mkdir()
    with street(folder, environment="production") as town:
        town.home.sender(FIDUCIARY, [EMPLOYER, OTHER_EMPLOYER], kind="fiduciary")
        who = clerk(town.home, MEMBER, "Anna Weber")
        known = {"number": town.second, "employer": EMPLOYER, "insured": town.stays}
        for language, scheme, place, size in LOOKS:
            with window(browser, town.home, language, scheme, size) as page:
                sign_in(page, town.home, who)
                for name, address in ACCOUNTS.items():
                    page.goto(address.format(**known))
                    _picture(page, name, f"{language}-{scheme}-{place}")


def _take(page: Page, home: House, mark: str, who: PortalPerson, refused: str, file: Path) -> None:
    page.goto("/portal/sign-in")
    _picture(page, "sign-in", mark)
    sign_in(page, home, who)
    if page.goto("/portal/key") and page.locator("#agreed").count():
        page.check("#agreed")
        page.click("main button")
    for name, address in (("home", ""), ("send", "/send"), ("deposits", "/deposits"), ("forms", "/forms")):
        page.goto(f"/portal{address}")
        _picture(page, name, mark)
    page.goto("/portal/send")
    page.set_input_files("#files", str(file))
    page.click("form[data-upload] button")
    page.wait_for_url("**/portal/send/*")
    _picture(page, "checked", mark)
    page.goto(f"/portal/deposits/{refused}")
    _picture(page, "deposit", mark)
    page.click("form[action$=correct] button")
    page.wait_for_url("**/portal/drafts/*")
    _picture(page, "draft", mark)
    page.click("button[value=drop]")


def _picture(page: Page, name: str, mark: str) -> None:
    taken = ALL / f"{name}-{mark}.png"
    page.screenshot(path=str(taken), full_page=True)
    if name in KEPT and mark == "en-light-desk":
        with Image.open(taken) as picture:
            picture.convert("RGB").quantize(COLOURS).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
