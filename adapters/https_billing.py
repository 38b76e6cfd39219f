"""What the HTTPS door tells of bills: what a batch would change, statements, and why they are what they are.

Everything here is read only and by the right to the employer's invoices at this moment. What a member has no
right to is answered like what does not exist.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from adapters.billing.statements import Stated, StatedMonth, Statements
from adapters.https import (
    LONGEST_NAME,
    PAGE,
    TRIAL_SECONDS,
    CostlySender,
    Problem,
    Sender,
    announced,
    check_digest,
    in_time,
    not_found,
)
from adapters.limits import Gate
from adapters.simulation import NotNow, NotSimulated, Simulations
from gateway.billing.difference_words import WORDS
from gateway.billing.differences import Comparison, ReasonSum
from gateway.moments import Period
from gateway.money import euro
from inbox.receive import TooLarge

PERIOD = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
MATRICULE = r"^[0-9]{13}$"
NUMBER = r"^[0-9-]{1,40}$"
AMOUNT = "euro, two decimals"

PeriodText = Annotated[str, Query(pattern=PERIOD, description="wage month, YYYY-MM")]
Matricule = Annotated[str, Query(pattern=MATRICULE, description="13 digits")]
StatementNumber = Annotated[
    str, Path(pattern=NUMBER, description="number of a statement, such as 202607-0000001")
]


class Language(StrEnum):
    """Of the pages of a statement."""

    FR = "fr"
    DE = "de"
    EN = "en"


class StatementEntry(BaseModel):
    """A statement in a list."""

    cursor: int = Field(description="pass the last one seen as `after` to get those that follow")
    number: str
    employer: str
    period: str = Field(description="wage month")
    issued: datetime
    due: date = Field(description="last day of payment")
    balance: str = Field(description=f"after it, {AMOUNT}; negative in the employer's favour")
    payable: str = Field(description=f"by the due day, {AMOUNT}")


class StatementList(BaseModel):
    """Statements in the order of their issue."""

    statements: list[StatementEntry]


class BranchAmounts(BaseModel):
    """One branch: contribution base and shares, in euro."""

    branch: str
    base: str
    employee: str
    employer: str
    total: str


class MonthAmounts(BaseModel):
    """What a statement charges of a month, less what it takes back."""

    period: str
    branches: list[BranchAmounts]
    total: str


class StatementDetail(StatementEntry):
    """A statement in sums; its lines are in CALCUL and in its explanation."""

    previous_balance: str = Field(description=AMOUNT)
    booked: str = Field(description=f"payments and whatever else moved the account since, {AMOUNT}")
    contributions: str = Field(description=f"of the month, {AMOUNT}")
    corrected: str = Field(description=f"earlier months charged anew, {AMOUNT}")
    refunded: str = Field(description=f"by the Mutualité des employeurs, {AMOUNT}")
    months: list[MonthAmounts]
    policy: str = Field(description="the named choices where the law is silent")
    parameters: str = Field(description="version of the law's files")


class ExplainedRecord(BaseModel):
    """A record that an amount comes from."""

    deposit: str
    digest: str = Field(description="SHA-256 of the deposit")
    record: int = Field(description="place in the batch, from 1")


class ExplainedParameter(BaseModel):
    """A value of the law."""

    name: str
    value: str
    since: date
    known: date | None = Field(description="day from which it was known, when it came later")
    source: str
    confidence: str


class ExplainedLine(BaseModel):
    """One branch of a charge, with its formula."""

    branch: str
    base: str
    rate: str
    employee: str
    employer: str
    institution: str
    formula: str
    parameters: list[ExplainedParameter]


class ExplainedCharge(BaseModel):
    """What is charged for one insured and month, computed again."""

    insured: str
    period: str
    group: str
    version: int
    causes: list[str] = Field(description="why it took the place of an earlier version")
    total: str
    records: list[ExplainedRecord]
    lines: list[ExplainedLine]


class ExplainedPart(BaseModel):
    """One span of days of a refund."""

    kind: str
    first: date
    last: date
    hours: int
    amount: str
    formula: str
    source: str


class ExplainedRefund(BaseModel):
    """What the Mutualité des employeurs refunds for one insured and month."""

    insured: str
    period: str
    version: int
    causes: list[str]
    total: str
    parts: list[ExplainedPart]


class StatementExplanation(BaseModel):
    """Why the amounts of a statement are what they are."""

    statement: str
    employer: str
    period: str
    issued: datetime
    policy: str
    charges: list[ExplainedCharge]
    refunds: list[ExplainedRefund]


class Words(BaseModel):
    """A text in three languages."""

    fr: str
    de: str
    en: str


class ComparedShare(BaseModel):
    """One share on both sides, in euro; the difference is what is charged less what the employer computed."""

    insured: str
    group: str | None
    branch: str | None = Field(description="absent when the employer stated totals only")
    side: str
    own: str
    billed: str
    difference: str
    reason: str | None
    numbers: str | None = Field(description="charged with -> seemingly computed with")


class ReasonTotal(BaseModel):
    """All differences of one reason, and what it means."""

    reason: str
    lines: int
    amount: str
    title: Words
    text: Words
    remedy: Words


class OwnComparison(BaseModel):
    """An employer's own computation of a month beside what is charged."""

    employer: str
    period: str
    own: str
    billed: str
    difference: str
    lines: list[ComparedShare]
    reasons: list[ReasonTotal]


_SIMULATED: dict[int | str, dict[str, object]] = {
    200: {"description": "the signed SIMRES", "content": {"application/xml": {}}},
    409: {"description": "it cannot be simulated: deposited already, or too many records"},
    413: {"description": "too many bytes"},
    429: {"description": "not now; Retry-After says when", "headers": {"Retry-After": {}}},
}
_PAGE: dict[int | str, dict[str, object]] = {
    200: {"description": "PDF/A-3 with the signed EXTCPT attached", "content": {"application/pdf": {}}}
}


def add_billing(app: FastAPI, simulations: Simulations, statements: Statements) -> None:
    """Add the addresses of this module to the door."""
    _add_simulations(app, simulations)
    _add_statements(app, statements)

    @app.get("/v1/comparisons")
    async def comparison(member: CostlySender, employer: Matricule, period: PeriodText) -> OwnComparison:
        """An employer's own computation (OWNCAL) of a month beside what is charged, with reasons."""
        asked = partial(statements.comparison, member, employer, Period.parse(period))
        found = await run_in_threadpool(asked)
        if found is None:
            raise not_found()
        return _comparison(found)


def _add_simulations(app: FastAPI, simulations: Simulations) -> None:
    @app.post("/v1/simulations", response_class=Response, responses=_SIMULATED)
    async def simulation(
        request: Request,
        member: Sender,
        name: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME, description="file name")],
    ) -> Response:
        """What a signed batch would bring if it were sent now, without any effect; answers with a SIMRES."""
        gate: Gate = request.app.state.entrance.gate
        gate.deposits(member)
        try:
            with simulations.admission(member):
                async with in_time(TRIAL_SECONDS):
                    content = await _body(request, simulations.largest, partial(gate.sent, member))
                answer = await run_in_threadpool(partial(simulations.simulate, member, name, content))
        except NotNow as later:
            headers = {"Retry-After": str(later.seconds)}
            detail = f"Not simulated: {later}."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "DOOR-LATER", detail, headers) from None
        except NotSimulated as no:
            raise Problem(HTTPStatus.CONFLICT, "DOOR-NOT-SIMULATED", str(no)) from None
        except TooLarge as error:
            detail = f"A simulation takes at most {error.limit} bytes. Nothing was kept; split the batch."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "DOOR-TOO-LARGE", detail) from None
        digest = base64.b64encode(hashlib.sha256(answer).digest()).decode()
        headers = {"Content-Digest": f"sha-256=:{digest}:"}
        return Response(answer, media_type="application/xml", headers=headers)


async def _body(request: Request, largest: int, sent: Callable[[int], None]) -> bytes:
    """The body, in memory; refused when it is too large or not what Content-Digest announces."""
    expected = announced(request)
    content = bytearray()
    async for chunk in request.stream():
        sent(len(chunk))
        content += chunk
        if len(content) > largest:
            raise TooLarge(largest)
    check_digest(expected, hashlib.sha256(content).digest())
    return bytes(content)


def _add_statements(app: FastAPI, statements: Statements) -> None:
    @app.get("/v1/statements")
    async def listed(
        member: Sender,
        employer: Annotated[
            str | None, Query(pattern=MATRICULE, description="of one employer; all of yours without")
        ] = None,
        period: Annotated[str | None, Query(pattern=PERIOD, description="of one wage month")] = None,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    ) -> StatementList:
        """The account statements of the employers whose invoices you may see."""
        month = None if period is None else Period.parse(period)
        found = await run_in_threadpool(statements.listed, member, employer, month, after, limit)
        if found is None:
            raise not_found()
        return StatementList(statements=[StatementEntry(**_entry(one)) for one in found])

    @app.get("/v1/statements/{number}")
    async def one(number: StatementNumber, member: Sender) -> StatementDetail:
        """An account statement in sums."""
        found = await run_in_threadpool(statements.one, member, number)
        if found is None:
            raise not_found()
        return _detail(*found)

    @app.get("/v1/statements/{number}/explanation")
    async def explanation(
        number: StatementNumber,
        member: CostlySender,
        insured: Annotated[
            str | None, Query(pattern=MATRICULE, description="of one insured; of all without")
        ] = None,
    ) -> StatementExplanation:
        """Each amount of a statement, computed again: formula, values of the law, records it comes from."""
        found = await run_in_threadpool(statements.explanation, member, number, insured)
        if found is None:
            raise not_found()
        return StatementExplanation.model_validate(found)

    @app.get("/v1/statements/{number}/page", response_class=Response, responses=_PAGE)
    async def page(
        number: StatementNumber, member: CostlySender, language: Language = Language.FR
    ) -> Response:
        """A statement for people to read, made from the signed documents that you got."""
        found = await run_in_threadpool(statements.page, member, number, language.value)
        if found is None:
            raise not_found()
        return Response(found, media_type="application/pdf")


def _entry(one: Stated) -> dict[str, object]:
    return {
        "cursor": one.cursor,
        "number": one.number,
        "employer": one.employer,
        "period": str(one.period),
        "issued": one.issued.at,
        "due": one.due,
        "balance": euro(one.balance),
        "payable": euro(one.payable),
    }


def _detail(one: Stated, months: Iterable[StatedMonth]) -> StatementDetail:
    return StatementDetail(
        **_entry(one),
        previous_balance=euro(one.previous_balance),
        booked=euro(one.booked),
        contributions=euro(one.contributions),
        corrected=euro(one.corrected),
        refunded=euro(one.refunded),
        months=[_month(month) for month in months],
        policy=one.policy,
        parameters=one.parameters,
    )


def _month(month: StatedMonth) -> MonthAmounts:
    branches = [
        BranchAmounts(
            branch=one.branch,
            base=euro(one.base),
            employee=euro(one.employee),
            employer=euro(one.employer),
            total=euro(one.total),
        )
        for one in month.branches
    ]
    return MonthAmounts(period=str(month.period), branches=branches, total=euro(month.total))


def _comparison(found: Comparison) -> OwnComparison:
    of = found.reconciliation
    return OwnComparison(
        employer=found.employer,
        period=str(found.period),
        own=euro(of.own),
        billed=euro(of.billed),
        difference=euro(of.difference),
        lines=[
            ComparedShare(
                insured=line.insured,
                group=line.group,
                branch=line.branch,
                side=line.side,
                own=euro(line.own),
                billed=euro(line.billed),
                difference=euro(line.difference),
                reason=line.reason,
                numbers=line.numbers or None,
            )
            for line in of.lines
        ],
        reasons=[_reason(one) for one in of.reasons],
    )


def _reason(one: ReasonSum) -> ReasonTotal:
    words = WORDS[one.reason]
    return ReasonTotal(
        reason=one.reason,
        lines=one.lines,
        amount=euro(one.amount),
        title=Words(**words.titles),
        text=Words(**words.texts),
        remedy=Words(**words.remedies),
    )
