"""Send: files are checked, what is wrong with them is told, and then they are sent, once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.database.portal import CheckedFile, Desk
from adapters.limits import Seats, TooMuch
from adapters.pages.forms import check_token, read_files
from adapters.pages.frame import Item, NotThere, Pages, go_to, page, part, say
from adapters.pages.visitors import MemberVisitor, PortalVisitor, fields_of
from adapters.portal.checking import LARGEST, MOST_FILES, Checking, Unusable
from adapters.portal.findings import Findings, causes
from gateway.people import Role
from inbox.receive import Gone, Inbox, Receipt, TooLarge, Unprovable, receive

DOOR = "portal"
UPLOADS = 16
"""At once, of all members: what is dropped lies in memory while it is checked."""
LISTED = 20
"""Checked files that are listed at once."""
SHOWN = 25
"""Places of a cause that are listed at once."""


class Sending:
    """Sends what lies on a desk.

    Args:
        desk: where checked files lie.
        inbox: the in-tray of the gateway.
        pages: of the portal.
    """

    def __init__(self, desk: Desk, inbox: Inbox, pages: Pages) -> None:
        self.desk = desk
        self._inbox = inbox
        self._pages = pages

    def send(self, visitor: MemberVisitor, found: CheckedFile) -> Receipt | str:
        """Send a file; its receipt. Sent before: the id of the deposit that it became.

        Raises:
            Gone, TooLarge, Unprovable: as at any door. Nothing was sent.
        """
        if found.deposit is not None:
            return found.deposit
        member, pages = visitor.member, self._pages
        content = self.desk.content(member, found.id)
        if content is None:  # somebody was faster
            again = self.desk.find(member, found.id)
            if again is None or again[0].deposit is None:
                raise NotThere
            return again[0].deposit
        pages.gate.deposits(member)
        pages.visits.note(visitor.person, "send", found.digest, pages.now)
        upload = self._inbox.begin()
        try:
            upload.write(0, content)
        except TooLarge:
            upload.discard()
            raise
        receipt = receive(self._inbox, upload, sender=str(member), name=found.name, door=DOOR)
        self.desk.sent(member, found.id, receipt.deposit)
        return receipt


def add_sending(app: FastAPI, pages: Pages, checking: Checking, sending: Sending) -> None:
    """Add the pages of this module."""
    pages.navigation["portal"].append(Item("portal.send", "/portal/send"))
    _add_dropping(app, pages, checking, sending.desk)
    _add_checked(app, sending.desk)
    _add_sent(app, sending)


def _add_dropping(app: FastAPI, pages: Pages, checking: Checking, desk: Desk) -> None:
    seats = Seats(UPLOADS, 2)

    @app.get("/portal/send")
    async def show(request: Request, visitor: PortalVisitor) -> Response:
        """Where files are dropped, and those that were checked and not sent."""
        return await _shown(request, visitor)

    @app.post("/portal/send")
    async def check(request: Request, visitor: PortalVisitor) -> Response:
        """Check the files that were dropped."""
        if not seats.take(str(visitor.member)):
            raise TooMuch("other files are being checked", 5)
        try:
            sent = partial(pages.gate.sent, visitor.member)
            fields, files = await read_files(request, LARGEST, MOST_FILES, sent)
            check_token(fields, visitor.token)
            if not files:
                raise Unusable("none", "")
            laid = await run_in_threadpool(checking.take, visitor.person, files)
        except Unusable as no:
            return await _refused(request, visitor, no)
        finally:
            seats.leave(str(visitor.member))
        return go_to(request, f"/portal/send/{laid[0]}" if len(laid) == 1 else "/portal/send")

    async def _shown(request: Request, visitor: MemberVisitor, no: Unusable | None = None) -> Response:
        listed: Sequence[CheckedFile] = await run_in_threadpool(desk.files, visitor.member)
        files = [await _find(desk, visitor, one.id) for one in listed[:LISTED]]
        has_key = await run_in_threadpool(desk.signer, visitor.member, pages.now) is not None
        status = HTTPStatus.OK if no is None else HTTPStatus.UNPROCESSABLE_ENTITY
        shown = {"files": files, "no": no, "has_key": has_key, "largest": LARGEST}
        return page(request, "portal/send.html", status, **shown)

    async def _refused(request: Request, visitor: MemberVisitor, no: Unusable) -> Response:
        if request.headers.get("hx-request"):
            return part(request, "portal/unusable.html", HTTPStatus.UNPROCESSABLE_ENTITY, no=no)
        return await _shown(request, visitor, no)


def _add_checked(app: FastAPI, desk: Desk) -> None:
    @app.get("/portal/send/{identifier}")
    async def checked(request: Request, visitor: PortalVisitor, identifier: str, draft: str = "") -> Response:
        """What the check of a file found."""
        file, findings = await _find(desk, visitor, identifier)
        if file.deposit is not None:
            return go_to(request, f"/portal/deposits/{file.deposit}")
        known = await run_in_threadpool(desk.deposited, visitor.member, file.source)
        return page(
            request,
            "portal/checked.html",
            file=file,
            findings=findings,
            causes=causes(findings.anomalies),
            known=known,
            shown=SHOWN,
            draft=draft if draft.isalnum() else "",
        )

    @app.post("/portal/send/{identifier}/discard")
    async def discard(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Forget a file that was not sent."""
        await fields_of(request, visitor)
        await run_in_threadpool(desk.discard, visitor.member, identifier)
        return say(go_to(request, "/portal/send"), "portal.discarded")

    @app.get("/portal/send/{identifier}/file")
    async def download(visitor: PortalVisitor, identifier: str) -> Response:
        """The bytes that would be sent."""
        file, _ = await _find(desk, visitor, identifier)
        content = await run_in_threadpool(desk.content, visitor.member, identifier)
        if content is None:
            raise NotThere
        return attachment(content, file.name)


def _add_sent(app: FastAPI, sending: Sending) -> None:
    desk = sending.desk

    @app.post("/portal/send/{identifier}")
    async def send(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Send a file."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        file, _ = await _find(desk, visitor, identifier)
        try:
            done = await run_in_threadpool(sending.send, visitor, file)
        except Gone:
            return say(go_to(request, "/portal/send"), "portal.send_gone", "danger")
        except Unprovable:
            return say(go_to(request, f"/portal/send/{identifier}"), "portal.send_unprovable", "warning")
        await run_in_threadpool(desk.drop, visitor.member, fields["draft"])
        if isinstance(done, str):
            return say(go_to(request, f"/portal/deposits/{done}"), "portal.send_again", "warning")
        key = "portal.send_again" if done.repeated else "portal.send_done"
        kind = "warning" if done.repeated else "success"
        return say(go_to(request, f"/portal/deposits/{done.deposit}"), key, kind)


async def _find(desk: Desk, visitor: MemberVisitor, identifier: str) -> tuple[CheckedFile, Findings]:
    found = await run_in_threadpool(desk.find, visitor.member, identifier)
    if found is None:
        raise NotThere
    return found[0], Findings.read(found[1])


def attachment(content: bytes, name: str, media_type: str = "application/octet-stream") -> Response:
    """A file to be kept, never shown: whatever is in it is not executed."""
    plain = "".join(sign if sign.isalnum() or sign in "._- " else "_" for sign in name if sign.isascii())
    headers = {"Content-Disposition": f'attachment; filename="{plain[:200] or "file"}"'}
    return Response(content, media_type=media_type, headers=headers)
