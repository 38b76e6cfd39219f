"""Reading the invoice, comparing one's own computation and handing a client over, as a person does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from adapters.database.registers.mandates import SqlMandates
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.procedures import PROCEDURES
from tests.house import EMPLOYER, MEMBER
from tests.portal.bills import JULY, Street, person, street
from tests.portal.browser import DESK, PHONE, chromium, faults, sign_in, window

LEAVER = MemberId("2099990006399", "600006")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """In production, where there is a code to pay by; an own computation of July is on file."""
    with street(tmp_path_factory.mktemp("street"), environment="production") as found:
        home = found.home
        agreed = Agreement(frozenset(one.code for one in PROCEDURES), own_computation=True)
        home.gateway.members.agree(MEMBER, agreed, Received(home.clock()))
        own = {"Employer": EMPLOYER, "Insured": found.stays, "Period": str(JULY)}
        totals = {"EmployeeTotal": "484.00", "EmployerTotal": "500.00"}
        assert home.send(found.employer, "OWNCAL", [{**own, **totals}]).verdict == "accepted"
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_somebody_reads_the_invoice_and_where_an_amount_comes_from(browser: Browser, town: Street) -> None:
    with window(browser, town.home) as page:
        sign_in(page, town.home, person(town.home, MEMBER, "Anna Weber"))
        page.click("nav >> text=Invoices")
        page.click("main >> text=July 2026")
        expect(page.locator("#payable")).to_contain_text("€4,022.99")
        code = page.locator(".pay-code svg").bounding_box()
        assert code is not None
        assert code["width"] > 120
        page.click(f"text={town.stays}")
        expect(page.locator("main")).to_contain_text("4100.00 × 2.80 %")
        page.click("text=Account statement: July 2026")
        with page.expect_download() as coming:
            page.click("text=PDF")
        assert coming.value.suggested_filename == f"EXTCPT-{town.second}.pdf"


def test_somebody_compares_their_own_computation(browser: Browser, town: Street) -> None:
    with window(browser, town.home) as page:
        sign_in(page, town.home, person(town.home, MEMBER, "Anna Weber"))
        page.goto(f"/portal/invoices/{town.second}")
        page.click("text=Your computation and the invoice")
        expect(page.locator("main")).to_contain_text("Causes of the differences")
        differing = page.locator("tbody tr").count()
        page.click("text=All lines")
        assert page.locator("tbody tr").count() >= differing > 0


def test_a_fiduciary_hands_a_client_over(browser: Browser, town: Street) -> None:
    home = town.home
    home.sender(LEAVER, [EMPLOYER], kind="fiduciary")
    with window(browser, home) as page:
        sign_in(page, home, person(home, LEAVER, "Léa Schmit"))
        page.goto("/portal/key")
        page.check("input[name=agreed]")
        page.click("main button.btn-primary")
        page.click("nav >> text=Clients")
        page.click("text=Menuiserie Muller")
        page.fill("input[name=last]", "2026-10-31")
        page.click("text=Hand the client over")
        page.wait_for_url("**/portal/send/*")
        page.click("text=Sign and send")
        page.wait_for_url("**/portal/deposits/*")
        expect(page.locator("main")).to_contain_text("Done")
    with home.gateway.database.read() as connection:
        (mandate,) = SqlMandates(connection).held_by(LEAVER)
    assert str(mandate.last) == "2026-10-31"


PLACES = (
    "/portal/invoices",
    "/portal/invoices/{number}",
    "/portal/invoices/{number}/insured/{insured}",
    "/portal/invoices/{number}/comparison",
    "/portal/invoices/year?employer={employer}&of=2026&by=branch",
    "/portal/account?employer={employer}",
    "/portal/deadlines",
    "/portal/deadlines/missing?employer={employer}",
    "/portal/clients",
    "/portal/clients/{employer}",
    "/portal/releases",
    "/portal/returns",
    "/portal/access",
    "/portal/webhooks",
)


@pytest.mark.parametrize(
    ("language", "scheme", "size"), [("fr", "light", PHONE), ("de", "dark", DESK)], ids=["phone", "desk"]
)
def test_no_page_has_a_serious_fault_or_is_wider_than_the_window(
    browser: Browser, town: Street, language: str, scheme: str, size: dict[str, int]
) -> None:
    with window(browser, town.home, language, scheme, size) as page:  # type: ignore[arg-type]
        sign_in(page, town.home, person(town.home, MEMBER, "Anna Weber"))
        for place in PLACES:
            page.goto(place.format(number=town.second, insured=town.stays, employer=EMPLOYER))
            assert faults(page) == [], place
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) == 0, place


def test_a_picture_without_a_name_would_be_found(browser: Browser, town: Street) -> None:
    with window(browser, town.home) as page:
        sign_in(page, town.home, person(town.home, MEMBER, "Anna Weber"))
        page.goto(f"/portal/invoices/{town.second}")
        page.evaluate("document.querySelector('.chart svg').removeAttribute('aria-labelledby')")
        page.evaluate("document.querySelectorAll('.chart svg > title').forEach((one) => one.remove())")
        assert any(one.startswith("svg-img-alt") for one in faults(page))
