"""The portal's forms about mandates: asked for, given, confirmed, ended, handed over.

Each prepares a declaration (DEMMAN) that is checked and sent like any other; the portal owns no rule about
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.database.portal import Desk
from adapters.pages.forms import Fields
from adapters.pages.frame import NotThere, Pages, go_to, page, say
from adapters.pages.visitors import MemberVisitor, PortalVisitor, fields_of
from adapters.portal.awaited import Awaited
from adapters.portal.checking import Checking
from adapters.portal.drafts import Draft, Entry
from gateway.mandates import is_itself, scope
from gateway.matricule import is_employer
from gateway.moments import Period, Received
from gateway.names import Extension
from gateway.people import Role
from gateway.procedures.employer import demman
from gateway.registers import Mandate

REFERENCE = "mandates at the portal"
"""By which the header of a declaration about mandates is known again."""
_MEMBER = re.compile(r"[0-9]{19}")


class Act(StrEnum):
    """What is done to a mandate."""

    END = "end"
    CONFIRM = "confirm"


def add_mandates(app: FastAPI, pages: Pages, awaited: Awaited, mandating: Mandating) -> None:
    """Add the forms of this module; they stand on the pages of clients."""

    @app.post("/portal/clients/{matricule}/mandates/{number}/{act}")
    async def change(
        request: Request, visitor: PortalVisitor, matricule: str, number: int, act: Act
    ) -> Response:
        """Prepare the declaration that ends or confirms a mandate; it is sent like any other one."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        found = await run_in_threadpool(awaited.mandate, visitor.member, number)
        if found is None or found.employer != matricule:
            raise NotThere
        last, wrong = _last_day(fields["last"], found, pages.now)
        if wrong:
            return await dossier(request, visitor, pages, awaited, matricule, wrong=wrong)
        record = {"Kind": act.value, "Employer": matricule, "Number": str(number), "Last": last}
        laid = await run_in_threadpool(mandating.lay, visitor, [record])
        if laid is None:
            return await dossier(request, visitor, pages, awaited, matricule, wrong="no_key")
        return go_to(request, f"/portal/send/{laid}")

    @app.post("/portal/clients/{matricule}/mandates")
    async def grant(request: Request, visitor: PortalVisitor, matricule: str) -> Response:
        """Prepare the declaration by which an employer gives a mandate, in the place of another one if it
        says so."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        if not is_itself(visitor.member, matricule):
            raise NotThere
        grant = Grant.of(fields)
        wrong = grant.fault(pages.now)
        ended = None
        if not wrong and grant.instead:
            number = int(grant.instead) if grant.instead.isdecimal() and len(grant.instead) < 10 else 0
            ended = await run_in_threadpool(awaited.mandate, visitor.member, number)
            if ended is None or ended.employer != matricule:
                raise NotThere
            wrong = grant.fault_beside(ended, pages.now)
        if wrong:
            return await dossier(request, visitor, pages, awaited, matricule, wrong=wrong, given=grant)
        records = grant.records(matricule, ended, pages.now)
        laid = await run_in_threadpool(mandating.lay, visitor, records)
        if laid is None:
            return await dossier(request, visitor, pages, awaited, matricule, wrong="no_key", given=grant)
        return go_to(request, f"/portal/send/{laid}")

    @app.post("/portal/clients")
    async def ask(request: Request, visitor: PortalVisitor) -> Response:
        """Prepare the request for the mandate of an employer."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        if not is_employer(fields["employer"]):
            return say(go_to(request, "/portal/clients"), "clients.no_employer", "danger")
        codes = " ".join(sorted(scope()))
        record = {"Kind": "request", "Employer": fields["employer"], "Procedures": codes}
        laid = await run_in_threadpool(mandating.lay, visitor, [record])
        if laid is None:
            return say(go_to(request, "/portal/clients"), "clients.wrong_no_key", "warning")
        return go_to(request, f"/portal/send/{laid}")


async def dossier(
    request: Request,
    visitor: MemberVisitor,
    pages: Pages,
    awaited: Awaited,
    matricule: str,
    *,
    wrong: str = "",
    given: Grant | None = None,
) -> Response:
    """The page of a client; nothing is there for an employer that is none of the member's."""
    if not is_employer(matricule):
        raise NotThere
    period = Period.of(pages.now).plus(-1)
    found = await run_in_threadpool(awaited.dossier, visitor.member, matricule, period)
    if found is None:
        raise NotThere
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(
        request,
        "portal/client.html",
        status,
        found=found,
        period=period,
        wrong=wrong,
        now=pages.now,
        given=given or Grant.empty(pages.now),
        all_procedures=sorted(scope()),
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """What an employer writes to give a mandate.

    Attributes:
        holder: the member who gets it, 19 digits.
        first, last: its days; no last one: open.
        procedures: codes that it is for.
        instead: number of the mandate that ends the day before; empty: none does.
    """

    holder: str
    first: str
    last: str
    procedures: tuple[str, ...]
    instead: str

    @classmethod
    def of(cls, fields: Fields) -> Grant:
        """As a form says it."""
        codes = tuple(code for code in fields.all("procedure") if code in scope())
        holder = "".join(fields["holder"].split())[:40]
        return cls(holder, fields["first"][:10], fields["last"][:10], codes, fields["instead"])

    @classmethod
    def empty(cls, now: Received) -> Grant:
        """For all procedures from today on."""
        return cls("", now.day.isoformat(), "", tuple(sorted(scope())), "")

    def fault(self, now: Received) -> str:
        """What is wrong with it by itself; empty: nothing."""
        if not (_MEMBER.fullmatch(self.holder) and is_employer(self.holder[:13])):
            return "no_member"
        first, last = _day(self.first), _day(self.last)
        if first is None or (self.last and last is None):
            return "no_day"
        if first < now.day or (last is not None and last < first):
            return "order"
        return "" if self.procedures else "no_procedure"

    def fault_beside(self, ended: Mandate, now: Received) -> str:
        """What is wrong with it beside the mandate that it takes the place of."""
        until = self._until()
        early = until < max(now.day, ended.first)
        return "handed" if early or (ended.last is not None and until > ended.last) else ""

    def records(self, employer: str, ended: Mandate | None, now: Received) -> Sequence[Mapping[str, str]]:
        """Of the declaration."""
        given = {
            "Kind": "grant",
            "Employer": employer,
            "Member": self.holder,
            "Procedures": " ".join(sorted(self.procedures)),
            "First": self.first if _day(self.first) != now.day else "",
            "Last": self.last,
        }
        if ended is None:
            return [given]
        until = self._until().isoformat()
        return [{"Kind": Act.END, "Employer": employer, "Number": str(ended.number), "Last": until}, given]

    def _until(self) -> date:
        """The last day of the mandate before it."""
        return date.fromisoformat(self.first) - timedelta(days=1)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _last_day(text: str, one: Mandate, now: Received) -> tuple[str, str]:
    """The last day that was asked for, and what is wrong with it; no day: at once."""
    if not text:
        return "", ""
    last = _day(text)
    if last is None:
        return "", "no_day"
    if last < now.day or (one.last is not None and last > one.last):
        return "", "day"
    return last.isoformat(), ""


class Mandating:
    """Prepares declarations about mandates (DEMMAN), signed for the member."""

    def __init__(self, pages: Pages, desk: Desk, checking: Checking) -> None:
        self._pages = pages
        self._desk = desk
        self._checking = checking

    def lay(self, visitor: MemberVisitor, records: Sequence[Mapping[str, str]]) -> str | None:
        """Check records and lay them on the desk; the id. None: nobody may sign for the member here.

        Args:
            records: their fields; empty ones are left out.
        """
        now, member = self._pages.now, visitor.member
        signer = self._desk.signer(member, now)
        if signer is None:
            return None
        entries = tuple(
            Entry({name: fields[name] for name in demman.FORM.fields if fields.get(name)})
            for fields in records
        )
        draft = Draft(demman.FORM.procedure, entries)
        content = signer.sign(draft.batch(member, self._pages.environment, REFERENCE, now.at), now.at)
        name = self._checking.name(draft.procedure, member, now, extension=Extension.XML)
        return self._checking.lay(visitor.person, name, name, content)
