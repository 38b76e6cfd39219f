"""Invoices at the portal: what the signed statement says, to the cent, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO

import httpx2
import pytest
from lxml import etree

from adapters.pages.language import Tongue
from gateway.agreement import Agreement
from gateway.billing.month_to_month import Why, compare
from gateway.moments import Received
from gateway.people import Role
from gateway.procedures import PROCEDURES
from gateway.returns import extcpt
from gateway.returns.statement_page import Speech
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER
from tests.portal.bills import FIDUCIARY, JULY, JUNE, Street, shown, signed_in, street, text_of

WRITTEN = Tongue("en")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street")) as found:
        yield found


@pytest.fixture(scope="module")
def web(town: Street) -> Iterator[httpx2.Client]:
    """Somebody of `EMPLOYER` who may only read."""
    with signed_in(town.home, MEMBER, {Role.READS}) as found:
        yield found


def test_the_amounts_shown_are_those_of_the_signed_statement(town: Street, web: httpx2.Client) -> None:
    signed = web.get(f"/portal/invoices/{town.second}/xml")
    said = extcpt.read(etree.fromstring(signed.content)).statement
    page = shown(web.get(f"/portal/invoices/{town.second}"))
    assert text_of(page, "//*[@id='payable']") == WRITTEN.money(said.payable)
    assert text_of(page, "//*[@id='balance']") == WRITTEN.money(said.balance)
    speech, rows = Speech("en"), {}
    for row in page.xpath("//table[@aria-labelledby='branches']/tbody/tr"):
        name, *amounts = (cell.text_content() for cell in row)
        rows[name] = amounts
    charged = [one for one in said.branches if one.base]
    assert len(charged) >= 7
    assert rows == {
        speech.of("branches", one.branch): [
            WRITTEN.money(cents) for cents in (one.base, one.employee, one.employer, one.total)
        ]
        for one in charged
    }


def test_the_lines_of_the_insured_add_up_to_the_contributions(town: Street, web: httpx2.Client) -> None:
    page = shown(web.get(f"/portal/invoices/{town.second}"))
    shares = page.xpath("//table[@aria-labelledby='insured']/tbody/tr/td[last()]/text()")
    cents = sum(int(re.sub(r"\D", "", one)) for one in shares)
    (total,) = page.xpath("//table[@aria-labelledby='branches']/tfoot//td[last()]/text()")
    assert WRITTEN.money(cents) == total
    assert len(shares) == 2


def test_what_changed_is_told_by_reason_and_adds_up(town: Street, web: httpx2.Client) -> None:
    page = shown(web.get(f"/portal/invoices/{town.second}"))
    rows = page.xpath("//table[@aria-labelledby='changed']/tbody/tr")
    told = {row[0].text_content(): [cell.text_content() for cell in row[1:]] for row in rows}
    assert told["New people"][0] == told["People who left"][0] == told["Other wages or hours"][0] == "1"
    assert told["New people"][1] == told["People who left"][1].replace("-", "")
    picture = page.xpath("//*[local-name()='svg'][@role='img']")[0]
    assert picture.xpath("*[local-name()='title']/text()")
    assert picture.xpath("*[local-name()='desc']/text()")
    assert not picture.xpath("//@style")


def test_reasons_are_the_whole_difference(town: Street) -> None:
    from adapters.billing.explanation import issue_of  # noqa: PLC0415
    from adapters.database.registers.charges import SqlCharges  # noqa: PLC0415

    with town.home.gateway.database.read() as connection:
        numbers = [issue_of(connection, one) for one in (town.first, town.second)]
        before, now = (
            [version.charge for version in SqlCharges(connection).of_statement(one.number)]
            for one in numbers
            if one is not None
        )
    found = compare(before, now)
    assert found.now - found.before == sum(one.amount for one in found.differences)
    assert {one.why: one.insured for one in found.differences} == {
        Why.JOINED: 1,
        Why.LEFT: 1,
        Why.PAY: 1,
        Why.OTHERWISE: 0,
    }
    same = compare(now, now)
    assert [one.amount for one in same.differences] == [0, 0, 0, 0]


def test_each_line_opens_its_formula_its_law_and_its_record(town: Street, web: httpx2.Client) -> None:
    page = shown(web.get(f"/portal/invoices/{town.second}/insured/{town.stays}"))
    text = page.text_content()
    assert "4100.00 × 2.80 %" in text
    assert "rates.care.employee" in text
    (link,) = page.xpath("//a[starts-with(@href, '/portal/deposits/')]/@href")
    assert shown(web.get(link)) is not None


def test_an_own_computation_is_shown_beside_what_is_charged(town: Street, web: httpx2.Client) -> None:
    address = f"/portal/invoices/{town.second}/comparison"
    assert "No computation of yours" in shown(web.get(address)).text_content()
    agreed = Agreement(frozenset(one.code for one in PROCEDURES), own_computation=True)
    town.home.gateway.members.agree(MEMBER, agreed, Received(town.home.clock()))
    own = {"Employer": EMPLOYER, "Insured": town.stays, "Period": str(JULY)}
    totals = {"EmployeeTotal": "484.00", "EmployerTotal": "500.00"}
    assert town.home.send(town.employer, "OWNCAL", [{**own, **totals}]).verdict == "accepted"
    page = shown(web.get(address))
    assert "€984.00" in page.text_content()
    assert [one.text for one in page.xpath("//h3/code")] == ["not-own", "unknown"]
    assert town.joins in page.text_content()


def test_a_year_is_a_picture_with_a_table_beside_it(town: Street, web: httpx2.Client) -> None:
    for by, parts in (("share", 2), ("branch", 7)):
        query = {"employer": EMPLOYER, "of": "2026", "by": by}
        page = shown(web.get("/portal/invoices/year", params=query))
        assert len(page.xpath("//figure//*[local-name()='rect']")) == 2 * parts
        rows = page.xpath("//table[@aria-labelledby='months']/tbody/tr")
        totals = [row[-1].text_content() for row in rows]
        assert len(totals) == 12
        assert [WRITTEN.month(one) for one in (JUNE, JULY)] == [rows[place][0].text for place in (5, 6)]
        assert all(int(re.sub(r"\D", "", totals[place])) > 0 for place in (5, 6))
        assert all(totals[place] == "€0.00" for place in range(5))


def test_the_account_says_what_is_open(town: Street, web: httpx2.Client) -> None:
    page = shown(web.get("/portal/account", params={"employer": EMPLOYER}))
    (figure, overdue, interest) = (one.text for one in page.xpath("//*[@class='figure']"))
    statement = shown(web.get(f"/portal/invoices/{town.second}"))
    assert figure == text_of(statement, "//*[@id='balance']")
    assert overdue == interest == "€0.00"
    assert len(page.xpath("//table[@aria-labelledby='open']/tbody/tr")) == 2


def test_a_statement_comes_as_pdf_xml_and_invoice(town: Street, web: httpx2.Client) -> None:
    base = f"/portal/invoices/{town.second}"
    pdf, xml, invoice = (web.get(f"{base}/{kind}") for kind in ("pdf", "xml", "ubl"))
    assert pdf.content.startswith(b"%PDF-")
    assert etree.parse(BytesIO(xml.content)).getroot().tag.endswith("EXTCPT")
    assert etree.fromstring(invoice.content).tag.endswith("Invoice")
    for answer in (pdf, xml, invoice):
        assert answer.headers["content-disposition"].startswith("attachment;")


def test_in_a_test_environment_nothing_is_to_be_paid(town: Street, web: httpx2.Client) -> None:
    page = shown(web.get(f"/portal/invoices/{town.second}"))
    assert "must not be paid" in page.text_content()
    assert not page.xpath("//*[@class='pay-code']")


@pytest.mark.parametrize("language", ["fr", "de", "en"])
def test_every_page_of_invoices_speaks_three_languages(town: Street, language: str) -> None:
    with signed_in(town.home, MEMBER, language=language) as web:
        base = f"/portal/invoices/{town.second}"
        for address in (
            "/portal/invoices",
            base,
            f"{base}/insured/{town.stays}",
            f"{base}/comparison",
            f"/portal/account?employer={EMPLOYER}",
        ):
            page = shown(web.get(address))
            assert page.get("lang") == language
            assert len(page.xpath("//h1")) == 1


ADDRESSES = (
    "/portal/invoices/{number}",
    "/portal/invoices/{number}/xml",
    "/portal/invoices/{number}/ubl",
    "/portal/invoices/{number}/pdf",
    "/portal/invoices/{number}/comparison",
    "/portal/invoices/{number}/insured/{insured}",
    "/portal/invoices/year?employer={employer}",
    "/portal/account?employer={employer}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_elses_invoice_is_like_one_that_does_not_exist(town: Street, address: str) -> None:
    """P7; the control: whose it is sees it at the same address."""
    theirs = address.format(number=town.second, employer=EMPLOYER, insured=town.stays)
    nobodys = address.format(number="202607-9999999", employer="2099990009899", insured=town.stays)
    with signed_in(town.home, OTHER_MEMBER) as stranger, signed_in(town.home, MEMBER) as owner:
        refused, unknown = stranger.get(theirs), stranger.get(nobodys)
        assert owner.get(theirs).status_code == 200
    assert refused.status_code == unknown.status_code == 404
    path = re.compile(r'name="back" value="[^"]*"')
    assert path.sub("", refused.text) == path.sub("", unknown.text)


def test_the_list_holds_ones_own_alone(town: Street, web: httpx2.Client) -> None:
    numbers = re.compile(r"/portal/invoices/([0-9]{6}-[0-9]{7})")
    assert set(numbers.findall(web.get("/portal/invoices").text)) == {town.first, town.second}
    assert numbers.findall(web.get("/portal/invoices", params={"month": "2026-06"}).text) == [town.first]
    with signed_in(town.home, OTHER_MEMBER) as stranger:
        assert set(numbers.findall(stranger.get("/portal/invoices").text)) == {town.other}


def test_a_fiduciary_sees_the_invoices_that_its_mandates_name(town: Street) -> None:
    home = town.home
    home.sender(FIDUCIARY, [], kind="fiduciary")
    members, at, first = home.gateway.members, Received(home.clock()), date(2000, 1, 1)
    members.grant(FIDUCIARY, EMPLOYER, ["DECSAL"], first=first, last=None, at=at)
    members.grant(FIDUCIARY, OTHER_EMPLOYER, ["CALCUL"], first=first, last=None, at=at)
    with signed_in(home, FIDUCIARY) as web:
        assert web.get(f"/portal/invoices/{town.second}").status_code == 404
        page = web.get(f"/portal/invoices/{town.other}")
        assert page.status_code == 200
        assert "Other &amp; &lt;Co&gt;" in page.text  # a name is shown, never executed
        assert web.get(f"/portal/deadlines/missing?employer={OTHER_EMPLOYER}").status_code == 404
        assert web.get(f"/portal/deadlines/missing?employer={EMPLOYER}").status_code == 200
