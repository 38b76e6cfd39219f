"""Follow: what was sent, how far it has come, and what came back, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from lxml import etree
from starlette.concurrency import run_in_threadpool

from adapters.database.deposits import Kept
from adapters.database.following import Following, Found, Shelved, Wanted
from adapters.database.visits import Visits
from adapters.limits import Seats, TooMuch
from adapters.pages.frame import Item, NotThere, Pages, page
from adapters.pages.visitors import PortalVisitor
from adapters.portal.findings import by_record, causes
from adapters.portal.sending import SHOWN, attachment
from gateway import fixpack
from gateway.batch import MemberId
from gateway.rejections import Level, Rejection
from gateway.returns import ackrec, acktrt
from gateway.states import OPEN, State
from gateway.waits import Expected
from outbox.collect import Outbox, collect
from signing.container import MAGIC, MIMETYPE

LIVE_SECONDS = 50.0
"""Of a stream; a browser comes again by itself."""
LOOK_SECONDS = 0.7
STREAMS, STREAMS_OF_ONE = 300, 6
RECORDS = 200
"""On a page."""

FindDeposit = Callable[[str, str], Kept | None]
MayExpect = Callable[[Kept, datetime], Expected | None]

KINDS: Mapping[State, str] = {
    State.RECEIVED: "waiting",
    State.WAITING: "waiting",
    State.UNRELEASED: "warning",
    State.PARKED: "warning",
    State.REJECTED: "danger",
    State.HELD: "warning",
    State.DONE: "success",
}
"""How each state looks."""


def look_of(one: Kept) -> tuple[str, str]:
    """How a deposit is shown: kind, and the last part of the key of its word."""
    if one.state is State.DONE and one.rejected:
        return ("danger", "all_refused") if one.rejected == one.records else ("warning", "some_refused")
    return KINDS[one.state], one.state.value


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the life of a deposit.

    Attributes:
        name: last part of the key of its text.
        at: when; None while it is still to come.
    """

    name: str
    at: object


def life(one: Kept, answers: Sequence[Shelved]) -> Sequence[Step]:
    """What happened to a deposit so far, and what is next."""
    steps = [Step("received", one.deposit.received)]
    answered = next((each.posted for each in answers if each.kind == acktrt.CODE), None)
    if one.state in (State.WAITING, State.UNRELEASED, State.PARKED):
        steps.append(Step(one.state.value, one.changed))
    if answered is None:
        return [*steps, Step("to_be_treated", None)]
    steps.append(Step("rejected" if one.state is State.REJECTED else "treated", answered))
    if one.state is State.HELD:
        steps.append(Step("held", None))
    elif one.state is State.DONE and one.changed != answered.at:
        steps.append(Step("decided", one.changed))
    return steps


class Fate(StrEnum):
    """How a record stands."""

    TAKEN = "taken"
    HELD = "held"
    REFUSED = "refused"


LOOKS: Mapping[Fate, str] = {Fate.TAKEN: "success", Fate.HELD: "waiting", Fate.REFUSED: "danger"}
"""How each fate looks."""


@dataclass(frozen=True, slots=True)
class Fared:
    """A record, and how it stands.

    Attributes:
        number: place in the batch, from 1.
        reasons: what was said about it.
    """

    number: int
    fate: Fate
    reasons: Sequence[Rejection]


def fates(told: acktrt.Acknowledgement, undecided: Mapping[int, str]) -> Sequence[Fared]:
    """How every record of a batch stands: as the acknowledgement says, and the registers since.

    Args:
        undecided: as `Following.undecided` says.
    """
    said = {
        number: list({reason.key: reason for reasons in fields.values() for reason in reasons}.values())
        for number, fields in by_record(told.anomalies).items()
    }
    found = []
    for number in range(1, told.records + 1):
        reasons = said.get(number, [])
        fate = Fate.TAKEN
        if undecided.get(number) == "held":
            fate = Fate.HELD
        elif undecided.get(number) == "expired" or any(one.level is Level.RECORD for one in reasons):
            fate = Fate.REFUSED
        found.append(Fared(number, fate, reasons))
    return found


def add_following(
    app: FastAPI, pages: Pages, following: Following, find: FindDeposit, expected: MayExpect, outbox: Outbox
) -> None:
    """Add the pages of this module.

    Args:
        find: a member's own deposit by id, if any.
        expected: when one may be answered.
    """
    pages.navigation["portal"].append(Item("portal.follow", "/portal/deposits"))
    visits = pages.visits

    @app.get("/portal/deposits")
    async def listed(
        request: Request,
        visitor: PortalVisitor,
        text: str = "",
        state: str = "",
        procedure: str = "",
        before: int = 0,
        after: int = 0,
    ) -> Response:
        """The deposits of the member, the latest first."""
        limit = 2**62
        places = max(0, min(before, limit)), max(0, min(after, limit))
        wanted = Wanted(text.strip()[:200], state, procedure[:20], *places)
        member = visitor.member
        mark = await run_in_threadpool(following.mark, member)
        found = await run_in_threadpool(following.look, member, wanted)
        procedures = await run_in_threadpool(following.procedures, member)
        return page(
            request,
            "portal/deposits.html",
            found=found,
            wanted=wanted,
            procedures=procedures,
            mark=mark,
            states=list(State),
            look_of=look_of,
            pager=_pager(wanted, found),
        )

    @app.get("/portal/deposits/{identifier}")
    async def one(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """One deposit: its life, what was decided, and the answers to it."""
        shown = await run_in_threadpool(_shown, visitor.member, identifier)
        return page(request, "portal/deposit.html", **shown)

    def _shown(member: MemberId, identifier: str) -> dict[str, object]:
        mark = following.mark(member, identifier)  # first: what changes after it is told
        found = find(str(member), identifier)
        if found is None:
            raise NotThere
        answers = following.answers(member, identifier)
        acknowledgement = acknowledgement_of(outbox, member, answers)
        anomalies = () if acknowledgement is None else acknowledgement.anomalies
        return {
            "one": found,
            "look": look_of(found),
            "steps": life(found, answers),
            "answers": answers,
            "receipt": next((each for each in answers if each.kind == ackrec.CODE), None),
            "causes": causes(anomalies),
            "shown": SHOWN,
            "acknowledgement": acknowledgement,
            "expected": expected(found, pages.now.at) if found.state in OPEN else None,
            "correctable": [each for each in answers if fixpack.is_return(each.kind)],
            "sent_by": _sent_by(visits, member, found),
            "mark": mark,
            "is_open": found.state in OPEN or found.state in (State.HELD, State.UNRELEASED),
        }

    _add_records(app, following, find, outbox)

    @app.get("/portal/deposits/{identifier}/answers/{answer}")
    async def answer(visitor: PortalVisitor, identifier: str, answer: str) -> Response:
        """Collect an answer; the collection is entered in the journal."""
        answers = await run_in_threadpool(following.answers, visitor.member, identifier)
        listed = next((each for each in answers if each.id == answer), None)
        if listed is None:
            raise NotThere
        take = partial(collect, outbox, recipient=str(visitor.member), answer_id=answer, door="portal")
        content = await run_in_threadpool(take)
        if content is None:
            raise NotThere
        return attachment(content, listed.name, MIMETYPE if content.startswith(MAGIC) else "application/xml")

    _add_events(app, following)


def _add_events(app: FastAPI, following: Following) -> None:
    streams = Seats(STREAMS, STREAMS_OF_ONE)

    async def place(visitor: PortalVisitor) -> AsyncIterator[None]:
        if not streams.take(str(visitor.member)):
            raise TooMuch("too many pages are watching", 30)
        try:
            yield
        finally:
            streams.leave(str(visitor.member))

    @app.get("/portal/events", dependencies=[Depends(place)])
    async def events(visitor: PortalVisitor, deposit: str = "", since: str = "") -> Response:
        """Tells once that a deposit of the member has changed, or the one named, since a page was made."""
        watch = partial(following.mark, visitor.member, deposit)

        async def told() -> AsyncIterator[str]:
            known = since or await run_in_threadpool(watch)
            yield "retry: 2000\n\n"
            for _ in range(int(LIVE_SECONDS / LOOK_SECONDS)):
                if await run_in_threadpool(watch) != known:
                    yield "event: changed\ndata: deposit\n\n"
                    return
                await asyncio.sleep(LOOK_SECONDS)

        return StreamingResponse(told(), media_type="text/event-stream")


def _add_records(app: FastAPI, following: Following, find: FindDeposit, outbox: Outbox) -> None:
    @app.get("/portal/deposits/{identifier}/records")
    async def records(
        request: Request, visitor: PortalVisitor, identifier: str, only: Fate | None = None, after: int = 0
    ) -> Response:
        """How each record of a deposit stands."""
        found = await run_in_threadpool(_fates, visitor.member, identifier)
        kept, every = found
        rows = [one for one in every if one.number > after and only in (None, one.fate)]
        return page(
            request,
            "portal/records.html",
            one=kept,
            rows=rows[:RECORDS],
            more=rows[RECORDS - 1].number if len(rows) > RECORDS else None,
            only=only,
            fates=list(Fate),
            looks=LOOKS,
        )

    def _fates(member: MemberId, identifier: str) -> tuple[Kept, Sequence[Fared]]:
        found = find(str(member), identifier)
        if found is None:
            raise NotThere
        told = acknowledgement_of(outbox, member, following.answers(member, identifier))
        if told is None or not told.records:
            return found, ()
        return found, fates(told, following.undecided(found.number))


def acknowledgement_of(
    outbox: Outbox, member: MemberId, answers: Sequence[Shelved]
) -> acktrt.Acknowledgement | None:
    """The acknowledgement among the answers to a deposit, once there is one."""
    listed = next((each for each in answers if each.kind == acktrt.CODE), None)
    content = None if listed is None else outbox.collection.content(str(member), listed.id)
    return None if content is None else acktrt.read(etree.fromstring(content))


def _sent_by(visits: Visits, member: MemberId, one: Kept) -> str | None:
    """Who sent a deposit, if it was sent at the portal."""
    return visits.doer(member, "send", one.deposit.digest) if one.deposit.door == "portal" else None


def _pager(wanted: Wanted, found: Found) -> tuple[str, str]:
    """Addresses of newer and of older deposits; empty where there are none."""
    kept = {name: value for name in ("text", "state", "procedure") if (value := getattr(wanted, name))}
    if not found.deposits:
        return "", ""
    newer = {**kept, "after": str(found.deposits[0].number)}
    older = {**kept, "before": str(found.deposits[-1].number)}
    base = "/portal/deposits?"
    return (
        base + urlencode(newer) if found.newer else "",
        base + urlencode(older) if found.older else "",
    )
