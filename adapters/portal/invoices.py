"""The portal's pages of invoices: by month, each as page and as files, explained, and compared.

Every amount is one of a statement, a charge or the ledger; nothing is computed here. Whoever may see an
employer's invoices by the mandates of this moment sees them here, as at the other doors.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from adapters.billing.statements import Statements
from adapters.invoices import ubl
from adapters.pages.frame import Item, NotThere, Pages, page, pages_of, tongue_of
from adapters.pages.visitors import MemberVisitor, PortalVisitor
from adapters.pdf.statement import payment_code
from adapters.portal.bills import Asked, Bills, Sheet
from adapters.portal.charts import HEIGHT, LEFT, WIDTH, Picture, Step, stacked, waterfall
from gateway.billing.difference_words import WORDS
from gateway.billing.explain import NotReproduced
from gateway.billing.statement import AccountStatement
from gateway.matricule import is_employer, is_person
from gateway.moments import Period
from gateway.money import cents_of
from gateway.parameters import Branch, law
from gateway.returns import extcpt
from gateway.returns.statement_page import Speech
from signing.parse import parse

AT_ONCE = 50
"""Statements, insured or lines on a page."""
DOT = 4
"""Pixels of a dot of the code to pay by."""
_LONGEST_SEARCH = 60


def add_invoices(app: FastAPI, pages: Pages, bills: Bills, statements: Statements) -> None:
    """Add the pages of this module."""
    pages.navigation["portal"].append(Item("invoices.menu", "/portal/invoices"))
    _add_lists(app, bills)
    _add_statement(app, bills, statements)
    _add_files(app, statements)

    @app.get("/portal/invoices/{number}/insured/{insured}")
    async def explained(request: Request, visitor: PortalVisitor, number: str, insured: str) -> Response:
        """Why what is charged for one insured is what it is."""
        if not is_person(insured):
            raise NotThere
        async with pages.gate.costly(visitor.member):
            found = await _computed(partial(statements.explanation, visitor.member, number, insured))
        if found is None or not (found["charges"] or found["refunds"]):
            raise NotThere
        mine = await run_in_threadpool(bills.own_deposits, visitor.member, _deposits_of(found))
        return page(
            request,
            "portal/explained.html",
            found=found,
            insured=insured,
            mine=mine,
            cents=cents_of,
            values_of=_values,
            addresses=_addresses(found),
            day_of=date.fromisoformat,
            speech=_speech(request),
        )

    @app.get("/portal/invoices/{number}/comparison")
    async def compared(
        request: Request, visitor: PortalVisitor, number: str, after: int = 0, all_lines: bool = False
    ) -> Response:
        """The employer's own computation beside what is charged."""
        sheet = await _sheet(bills, visitor, number)
        stated = sheet.stated
        ask = partial(statements.comparison, visitor.member, stated.employer, stated.period)
        async with pages.gate.costly(visitor.member):
            found = await run_in_threadpool(ask)
        lines = () if found is None else found.reconciliation.lines
        shown = [one for one in lines if all_lines or one.difference]
        return page(
            request,
            "portal/comparison.html",
            sheet=sheet,
            found=None if found is None else found.reconciliation,
            lines=shown[after : after + AT_ONCE],
            after=after,
            more=after + AT_ONCE if len(shown) > after + AT_ONCE else None,
            before=max(0, after - AT_ONCE) if after else None,
            count=len(shown),
            all_lines=all_lines,
            words=WORDS,
            speech=_speech(request),
        )


def _add_lists(app: FastAPI, bills: Bills) -> None:
    @app.get("/portal/invoices")
    async def listed(
        request: Request,
        visitor: PortalVisitor,
        search: str = "",
        month: str = "",
        before: int | None = None,
    ) -> Response:
        """Statements, the latest first."""
        asked = Asked(search.strip()[:_LONGEST_SEARCH], _month(month), before)
        found = await run_in_threadpool(bills.listed, visitor.member, asked, AT_ONCE)
        return page(request, "portal/invoices.html", found=found, asked=asked, month=month)

    @app.get("/portal/invoices/year")
    async def year(
        request: Request, visitor: PortalVisitor, employer: str, of: int = 0, by: str = "share"
    ) -> Response:
        """The contributions of an employer, month by month of a year."""
        _check_employer(employer)
        wanted = of or pages_of(request).now.day.year
        found = await run_in_threadpool(bills.year, visitor.member, employer, wanted)
        if found is None:
            raise NotThere
        by_branch = by == "branch"
        speech = _speech(request)
        columns = [
            (speech.of("months", f"{one.period.month:02d}")[:3], one.by_branch if by_branch else one.by_share)
            for one in found.months
        ]
        kinds = [branch.value for branch in Branch] if by_branch else ["employee", "employer"]
        shown = [kind for kind in kinds if any(dict(parts).get(kind) for _, parts in columns)]
        return page(
            request,
            "portal/year.html",
            found=found,
            by_branch=by_branch,
            kinds=shown,
            speech=speech,
            **_drawn(stacked(columns)),
        )

    @app.get("/portal/account")
    async def account(request: Request, visitor: PortalVisitor, employer: str, last: int = 0) -> Response:
        """What was booked on an employer's account, and what is open."""
        _check_employer(employer)
        ask = partial(bills.account, visitor.member, employer, last, AT_ONCE)
        found = await run_in_threadpool(ask)
        if found is None:
            raise NotThere
        return page(request, "portal/account.html", found=found, speech=_speech(request))


def _add_statement(app: FastAPI, bills: Bills, statements: Statements) -> None:
    @app.get("/portal/invoices/{number}")
    async def statement(
        request: Request, visitor: PortalVisitor, number: str, search: str = "", after: int = 0
    ) -> Response:
        """A statement: by branch, balance, how to pay, what changed, and for whom it charges."""
        sheet = await _sheet(bills, visitor, number)
        signed = await run_in_threadpool(statements.signed, visitor.member, number)
        said = None if signed is None else extcpt.read(parse(signed)).statement
        wanted = search.strip()[:_LONGEST_SEARCH]
        lines = [one for one in sheet.lines if wanted in one.insured]
        return page(
            request,
            "portal/invoice.html",
            sheet=sheet,
            told=said,
            code=None if said is None else _code(request, said),
            lines=lines[max(0, after) : max(0, after) + AT_ONCE],
            count=len(lines),
            search=wanted,
            newer=max(0, after - AT_ONCE) if after > 0 else None,
            older=after + AT_ONCE if len(lines) > after + AT_ONCE else None,
            speech=_speech(request),
            **(_drawn(waterfall(_steps(sheet))) if sheet.compared else {}),
        )


def _add_files(app: FastAPI, statements: Statements) -> None:
    async def given(
        visitor: MemberVisitor, number: str, make: Callable[[bytes], bytes], media_type: str, ending: str
    ) -> Response:
        signed = await run_in_threadpool(statements.signed, visitor.member, number)
        if signed is None:
            raise NotThere
        content = await run_in_threadpool(make, signed)
        return _attachment(content, media_type, f"EXTCPT-{number}.{ending}")

    @app.get("/portal/invoices/{number}/xml")
    async def xml(visitor: PortalVisitor, number: str) -> Response:
        """The signed statement."""
        return await given(visitor, number, bytes, "application/xml", "xml")

    @app.get("/portal/invoices/{number}/ubl")
    async def electronic(request: Request, visitor: PortalVisitor, number: str) -> Response:
        """The statement as electronic invoice."""
        language = tongue_of(request).code

        def make(signed: bytes) -> bytes:
            return ubl(extcpt.read(parse(signed)).statement, language)

        return await given(visitor, number, make, "application/xml", "ubl.xml")

    @app.get("/portal/invoices/{number}/pdf")
    async def pdf(request: Request, visitor: PortalVisitor, number: str) -> Response:
        """The statement as pages to print."""
        ask = partial(statements.page, visitor.member, number, tongue_of(request).code)
        async with pages_of(request).gate.costly(visitor.member):
            found = await run_in_threadpool(ask)
        if found is None:
            raise NotThere
        return _attachment(found, "application/pdf", f"EXTCPT-{number}.pdf")


async def _sheet(bills: Bills, visitor: MemberVisitor, number: str) -> Sheet:
    found = await run_in_threadpool(bills.sheet, visitor.member, number)
    if found is None:
        raise NotThere
    return found


async def _computed(ask: Callable[[], Any]) -> Any:
    """What an explanation says.

    Raises:
        NotThere: it cannot be computed again, which the operator is told at the other doors.
    """
    try:
        return await run_in_threadpool(ask)
    except NotReproduced:
        raise NotThere from None


def _steps(sheet: Sheet) -> list[Step]:
    assert sheet.compared is not None
    steps = [Step("before", sheet.compared.before, is_sum=True)]
    steps += [Step(one.why.value, one.amount) for one in sheet.compared.differences]
    steps += [Step("corrected", sheet.stated.corrected), Step("refunded", -sheet.stated.refunded)]
    charged = sheet.stated.contributions + sheet.stated.corrected - sheet.stated.refunded
    return [one for one in (*steps, Step("now", charged, is_sum=True)) if one.amount or one.is_sum]


def _values(charge: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of the law in a charge, each once."""
    found = {(one["name"], one["since"]): one for line in charge["lines"] for one in line["parameters"]}
    return [found[key] for key in sorted(found)]


def _code(request: Request, said: AccountStatement) -> Markup | None:
    """The code to pay by; there is none to make in a test environment, where nothing is to be paid."""
    if pages_of(request).environment == "test":
        return None
    made = payment_code(said, DOT)
    return None if made is None else Markup(made)  # noqa: S704 - drawn by ourselves from digits and names


def _drawn(picture: Picture) -> dict[str, object]:
    return {"picture": picture, "width": WIDTH, "height": HEIGHT, "left": LEFT}


def _deposits_of(found: dict[str, Any]) -> frozenset[str]:
    return frozenset(record["deposit"] for charge in found["charges"] for record in charge["records"])


def _addresses(found: dict[str, Any]) -> dict[str, str]:
    """Where the sources of the values can be read, as far as it is known, by their ids."""
    named = {
        each for charge in found["charges"] for one in _values(charge) for each in one["source"].split(", ")
    }
    known = law().sources
    return {one: known[one] for one in sorted(named & known.keys())}


def _speech(request: Request) -> Speech:
    return Speech(tongue_of(request).code)


def _month(text: str) -> Period | None:
    """A month as a form writes it; whatever is none asks for all."""
    try:
        return Period.parse(text)
    except ValueError:
        return None


def _check_employer(matricule: str) -> None:
    if not is_employer(matricule):
        raise NotThere


def _attachment(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
