"""Correct, and forms: refused records and small batches, written by hand, kept as drafts until they are sent.

What is written here becomes the very batch that a program would make, signed with the member's portal key,
and goes the way of every file: checked first, then sent. Where there is no such key the batch is offered
unsigned, for `secugate sign`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from lxml import etree
from starlette.concurrency import run_in_threadpool

from adapters.database.following import Following
from adapters.database.portal import Desk, Overtaken, Version, new_id
from adapters.database.prefill import Prefill
from adapters.pages.forms import Fields, check_token, read_named_files
from adapters.pages.frame import Item, NotThere, Pages, go_to, page, part, say
from adapters.pages.visitors import MemberVisitor, PortalVisitor, fields_of
from adapters.portal.checking import LARGEST, MOST_FILES, Checking
from adapters.portal.drafts import Draft, Entry, complaints, form_of, of_pack
from adapters.portal.findings import Findings, by_record
from adapters.portal.following import acknowledgement_of
from adapters.portal.scans import ACCEPTED, Slot, needed, slots
from adapters.portal.sending import attachment
from gateway import fixpack
from gateway.batch import Anomaly
from gateway.moments import Period
from gateway.names import Extension
from gateway.people import Role
from gateway.rejections import Rejection
from outbox.collect import Outbox
from signing.container import MAGIC, open_container

FORMS = ("wages", "entry", "exit", "absence", "person")
"""What small members may write by hand, in the order in which it is offered."""
PROCEDURES: Mapping[str, str] = {
    "wages": "DECSAL",
    "entry": "DECAFF",
    "exit": "DECAFF",
    "absence": "DECMAL",
    "person": "DEMMAT",
}
SHOWN: Mapping[str, Sequence[str]] = {
    "DECSAL": ("Employer", "Insured", "Period", "BaseWage", "WorkHours", "Gratuities"),
    "DECAFF": ("Kind", "Employer", "Insured", "Entry", "Exit", "Occupation", "WeeklyHours"),
    "DECMAL": ("Kind", "Employer", "Insured", "Period", "IncapacityType", "Start", "End", "Hours"),
}
"""Fields that are always shown; the others open on demand, or when they hold something."""
CHOICES: Mapping[tuple[str, str], Sequence[str]] = {
    ("DECAFF", "Kind"): ("entry", "exit", "change", "cancellation"),
    ("DECMAL", "Kind"): ("declaration", "cancellation"),
}


def add_editing(
    app: FastAPI,
    pages: Pages,
    desk: Desk,
    checking: Checking,
    following: Following,
    prefill: Prefill,
    outbox: Outbox,
) -> None:
    """Add the pages of this module."""
    pages.navigation["portal"].append(Item("portal.forms", "/portal/forms"))
    editor = _Editor(pages, desk, checking, prefill)
    returned = partial(_returned, following, outbox)

    @app.post("/portal/deposits/{identifier}/correct")
    async def correct(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Begin a draft with the refused records of a deposit."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        content = await run_in_threadpool(returned, visitor, identifier, fields["answer"])
        pack = _pack(content, pages)
        found = await run_in_threadpool(_told, following, outbox, visitor, identifier)
        made = await run_in_threadpool(editor.begin, visitor, of_pack(pack, identifier, found))
        return go_to(request, f"/portal/drafts/{made}")

    @app.get("/portal/deposits/{identifier}/fix/{answer}")
    async def fix(visitor: PortalVisitor, identifier: str, answer: str) -> Response:
        """The refused records as a batch to be corrected elsewhere, signed and sent again."""
        content = await run_in_threadpool(returned, visitor, identifier, answer)
        pack = _pack(content, pages)
        if pack.environment is None:
            kept, _ = fixpack.carried(pack)
            return attachment(fixpack.write_dta(kept), f"{pack.procedure.code}.dta")
        name = checking.name(pack.procedure.code, visitor.member, pages.now, extension=Extension.XML)
        return attachment(fixpack.write(pack), name, "application/xml")

    @app.get("/portal/forms")
    async def forms(request: Request, visitor: PortalVisitor) -> Response:
        """What may be written by hand, and what was begun."""
        now, member = pages.now, visitor.member
        clients = {
            form: await run_in_threadpool(prefill.clients, member, PROCEDURES[form], now) for form in FORMS
        }
        drafts = await run_in_threadpool(desk.drafts, member)
        shown = [(one, Draft.read(one.content)) for one in drafts]
        this_month = Period(now.day.year, now.day.month)
        months = [this_month.plus(-step) for step in range(6)]
        return page(request, "portal/forms.html", forms=FORMS, clients=clients, drafts=shown, months=months)

    @app.post("/portal/forms")
    async def begin(request: Request, visitor: PortalVisitor) -> Response:
        """Begin a draft, with what the registers know."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        made = await run_in_threadpool(editor.begin_form, visitor, fields)
        return go_to(request, f"/portal/drafts/{made}")

    @app.get("/portal/drafts/{identifier}")
    async def show(request: Request, visitor: PortalVisitor, identifier: str, file: str = "") -> Response:
        """A draft, with what was found when it was checked last."""
        found = await run_in_threadpool(desk.draft, visitor.member, identifier)
        if found is None:
            raise NotThere
        named = await run_in_threadpool(editor.shown, visitor, found, Draft.read(found.content), file)
        return page(request, "portal/draft.html", **named)

    @app.post("/portal/drafts/{identifier}")
    async def work(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Save a draft, or add to it, check it or drop it."""
        visitor.check(Role.SENDS)
        fields = await fields_of(request, visitor)
        return await _work(request, editor, visitor, identifier, fields)

    _add_scans(app, pages, editor)


def _add_scans(app: FastAPI, pages: Pages, editor: _Editor) -> None:
    """Add the page where scans and annexes are given."""
    desk = editor.desk

    async def found(visitor: MemberVisitor, identifier: str) -> tuple[Draft, Sequence[Slot]]:
        kept = await run_in_threadpool(desk.draft, visitor.member, identifier)
        draft = None if kept is None else Draft.read(kept.content)
        if draft is None or not needed(draft.procedure):
            raise NotThere
        return draft, slots(draft, visitor.member, pages.environment, pages.now.at)

    @app.get("/portal/drafts/{identifier}/scans")
    async def ask(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """For each record, what may go with it."""
        draft, asked = await found(visitor, identifier)
        shown = {"draft": draft, "identifier": identifier, "slots": asked, "accepted": ACCEPTED}
        return page(request, "portal/scans.html", **shown, no=None)

    @app.post("/portal/drafts/{identifier}/scans")
    async def check(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Sign the draft with what goes with it, and check it."""
        visitor.check(Role.SENDS)
        fields, files = await read_named_files(
            request, LARGEST, MOST_FILES, partial(pages.gate.sent, visitor.member)
        )
        check_token(fields, visitor.token)
        draft, asked = await found(visitor, identifier)
        by_field = {field: content for field, _, content in files if content}
        given = {one.name: by_field[one.field] for one in asked if one.name and one.field in by_field}
        if len(given) != len(by_field):
            shown = {"draft": draft, "identifier": identifier, "slots": asked, "accepted": ACCEPTED}
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return page(request, "portal/scans.html", status, **shown, no="portal.scan_unnamed")
        laid = await run_in_threadpool(editor.lay_with, visitor, draft, given)
        if laid is None:
            return say(go_to(request, f"/portal/drafts/{identifier}"), "portal.no_key", "warning")
        return go_to(request, f"/portal/send/{laid}?draft={identifier}")


async def _work(
    request: Request, editor: _Editor, visitor: MemberVisitor, identifier: str, fields: Fields
) -> Response:
    if fields["action"] == "drop":
        await run_in_threadpool(editor.desk.drop, visitor.member, identifier)
        return say(go_to(request, "/portal/forms"), "portal.draft_dropped")
    in_part = "hx-request" in request.headers
    try:
        saved, draft = await run_in_threadpool(editor.save, visitor, identifier, fields)
    except Overtaken as other:
        named = await run_in_threadpool(editor.beside, visitor, other.latest, fields)
        if in_part:
            return part(request, "portal/overtaken_part.html", HTTPStatus.CONFLICT, **named)
        return page(request, "portal/draft.html", HTTPStatus.CONFLICT, **named)
    if in_part:
        response = part(request, "portal/kept.html", saved=saved)
        response.headers["Draft-Version"] = str(saved.number)
        return response
    if fields["action"] == "check" and draft.entries:
        return await _check(request, editor, visitor, identifier, draft)
    return say(go_to(request, f"/portal/drafts/{identifier}"), "portal.draft_saved")


async def _check(
    request: Request, editor: _Editor, visitor: MemberVisitor, identifier: str, draft: Draft
) -> Response:
    if needed(draft.procedure) and editor.signs_for(visitor):
        return go_to(request, f"/portal/drafts/{identifier}/scans")
    laid = await run_in_threadpool(editor.lay, visitor, draft)
    if laid is None:
        content, name = await run_in_threadpool(editor.unsigned, visitor, draft)
        return attachment(content, name, "application/xml")
    return go_to(request, f"/portal/send/{laid}?draft={identifier}")


class _Editor:
    """Works on drafts for whoever is signed in."""

    def __init__(self, pages: Pages, desk: Desk, checking: Checking, prefill: Prefill) -> None:
        self._pages = pages
        self.desk = desk
        self._checking = checking
        self._prefill = prefill

    def begin(self, visitor: MemberVisitor, draft: Draft) -> str:
        """A new draft; its id."""
        identifier = new_id()
        now = self._pages.now
        self.desk.save(visitor.person, identifier, 0, draft.procedure, draft.write(), now)
        return identifier

    def begin_form(self, visitor: MemberVisitor, fields: Fields) -> str:
        """A new draft with what the registers know of an employer; its id.

        Raises:
            NotThere: no such form, or no mandate for such an employer.
        """
        form, matricule = fields["form"], fields["employer"]
        if form not in FORMS:
            raise NotThere
        code, now = PROCEDURES[form], self._pages.now
        if matricule not in {one.matricule for one in self._prefill.clients(visitor.member, code, now)}:
            raise NotThere
        try:
            period = Period.parse(fields["period"])
        except ValueError:
            raise NotThere from None
        records: Sequence[Mapping[str, str]] = ({"Employer": matricule},)
        if form == "wages":
            records = self._prefill.wages(matricule, period) or ({**records[0], "Period": str(period)},)
        elif form == "person":
            records = (dict(records[0]),)
        elif form == "absence":
            records = ({"Kind": "declaration", **records[0], "Period": str(period)},)
        else:
            records = ({"Kind": form, **records[0]},)
        return self.begin(visitor, Draft(code, tuple(Entry(one) for one in records)))

    def save(self, visitor: MemberVisitor, identifier: str, fields: Fields) -> tuple[Version, Draft]:
        """Keep what a form says as the next version.

        Raises:
            NotThere: there is no such draft.
            Overtaken: somebody else saved it meanwhile.
        """
        known = self.desk.draft(visitor.member, identifier)
        if known is None:
            raise NotThere
        draft = _with(Draft.read(known.content), fields, self._pages)
        number = int(fields["version"]) if fields["version"].isdecimal() else 0
        return (
            self.desk.save(
                visitor.person, identifier, number, draft.procedure, draft.write(), self._pages.now
            ),
            draft,
        )

    def lay(self, visitor: MemberVisitor, draft: Draft) -> str | None:
        """Sign the batch of a draft and check it; the id of the file. None: there is no key to sign with."""
        now, member = self._pages.now, visitor.member
        signer = self.desk.signer(member, now)
        if signer is None:
            return None
        content = signer.sign(self._batch(visitor, draft), now.at)
        name = self._checking.name(draft.procedure, member, now, extension=Extension.XML)
        return self._checking.lay(visitor.person, name, name, content)

    def lay_with(self, visitor: MemberVisitor, draft: Draft, files: Mapping[str, bytes]) -> str | None:
        """As `lay`, with files beside the batch under the same signature."""
        now, member = self._pages.now, visitor.member
        signer = self.desk.signer(member, now)
        if signer is None:
            return None
        batch = etree.tostring(self._batch(visitor, draft), xml_declaration=True, encoding="UTF-8")
        content = signer.sign_container({f"{draft.procedure}.xml": batch, **files}, now.at)
        name = self._checking.name(draft.procedure, member, now, extension=Extension.ASICE)
        return self._checking.lay(visitor.person, name, name, content)

    def signs_for(self, visitor: MemberVisitor) -> bool:
        """Whether the portal may sign for the member."""
        return self.desk.signer(visitor.member, self._pages.now) is not None

    def unsigned(self, visitor: MemberVisitor, draft: Draft) -> tuple[bytes, str]:
        """The batch of a draft to be signed elsewhere, and its name."""
        root = self._batch(visitor, draft)
        etree.indent(root)
        name = self._checking.name(draft.procedure, visitor.member, self._pages.now, extension=Extension.XML)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8"), name

    def _batch(self, visitor: MemberVisitor, draft: Draft) -> etree._Element:
        reference = f"portal {visitor.person.id[:16]}"
        return draft.batch(visitor.member, self._pages.environment, reference, self._pages.now.at)

    def beside(self, visitor: MemberVisitor, latest: Version, fields: Fields) -> Mapping[str, object]:
        """What is shown when somebody else saved the draft meanwhile: both, and nothing is lost."""
        theirs = Draft.read(latest.content)
        mine = _with(theirs, fields, self._pages)
        return {**self.shown(visitor, latest, mine, ""), "overtaken": _differences(mine, theirs)}

    def shown(self, visitor: MemberVisitor, saved: Version, draft: Draft, file: str) -> Mapping[str, object]:
        """What the page of a draft shows."""
        now = self._pages.now
        form = form_of(draft.procedure, now.day)
        checked = self._checked(visitor, file)
        clients = self._prefill.clients(visitor.member, draft.procedure, now)
        employers = {one.fields.get("Employer", "") for one in draft.entries}
        allowed = sorted(employers & {one.matricule for one in clients})
        month = Period(now.day.year, now.day.month)
        staff = {
            insured: name
            for matricule in allowed[:3]
            for period in (month.plus(-1), month)
            for insured, name in self._prefill.staff(matricule, period).items()
        }
        return {
            "saved": saved,
            "draft": draft,
            "form": form,
            "first": SHOWN.get(draft.procedure) or [one.name for one in form.fields if one.required],
            "choices": {name: told for (code, name), told in CHOICES.items() if code == draft.procedure},
            "wrong": [_wrong(draft, place, checked) for place in range(len(draft.entries))],
            "clients": clients,
            "staff": staff,
            "overtaken": None,
            "has_key": self.desk.signer(visitor.member, now) is not None,
        }

    def _checked(
        self, visitor: MemberVisitor, file: str
    ) -> Mapping[int, Mapping[str, Sequence[Rejection]]] | None:
        """What the last check found, by record; None without one."""
        found = self.desk.find(visitor.member, file) if file else None
        return None if found is None else by_record(Findings.read(found[1]).anomalies)


def _wrong(
    draft: Draft,
    place: int,
    checked: Mapping[int, Mapping[str, Sequence[Rejection]]] | None,
) -> Mapping[str, Sequence[Rejection]]:
    """What is wrong with a record: as it was found last, else as it was refused."""
    if checked is not None:
        return checked.get(place + 1, {})
    return complaints(draft.entries[place].refused)


def _with(draft: Draft, fields: Fields, pages: Pages) -> Draft:
    """A draft with what a form says, and one record more if that was asked for."""
    filled = draft.filled(fields, pages.now.day)
    if fields["action"] != "add":
        return filled
    like = filled.entries[-1].fields if filled.entries else {}
    kept = {name: like[name] for name in ("Kind", "Employer", "Period") if name in like}
    return Draft(filled.procedure, (*filled.entries, Entry(kept)), filled.corrects)


def _differences(mine: Draft, theirs: Draft) -> Sequence[tuple[int, str, str, str]]:
    """Where two people wrote otherwise: record, field, one's text and the other's."""
    found = []
    for place in range(max(len(mine.entries), len(theirs.entries))):
        one, other = (
            draft.entries[place].fields if place < len(draft.entries) else {} for draft in (mine, theirs)
        )
        for name in {**one, **other}:
            if one.get(name, "") != other.get(name, ""):
                found.append((place + 1, name, one.get(name, ""), other.get(name, "")))
    return found


def _returned(
    following: Following, outbox: Outbox, visitor: MemberVisitor, identifier: str, answer: str
) -> bytes:
    """A return to a deposit of the member that gives records back.

    Raises:
        NotThere: there is none of that id.
    """
    for listed in following.answers(visitor.member, identifier):
        if listed.id == answer and fixpack.is_return(listed.kind):
            content = outbox.collection.content(str(visitor.member), answer)
            if content is not None:
                return content
    raise NotThere


def _told(following: Following, outbox: Outbox, visitor: MemberVisitor, identifier: str) -> Sequence[Anomaly]:
    """What the acknowledgement of a deposit says; nothing where records are numbered in several parts."""
    answers = following.answers(visitor.member, identifier)
    said = acknowledgement_of(outbox, visitor.member, answers)
    return () if said is None or said.parts else said.anomalies


def _pack(content: bytes, pages: Pages) -> fixpack.FixPack:
    """The fix pack of one of our own returns.

    Raises:
        NotThere: it gives no records back.
    """
    try:
        if content.startswith(MAGIC):
            ((name, inside),) = open_container(content).files.items()
            return fixpack.of_dta(name, inside, pages.now.at)
        return fixpack.of(etree.fromstring(content), pages.now.at)
    except ValueError:
        raise NotThere from None
