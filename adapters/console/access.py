"""Who is at the console, and what they may do there: the same table, reasons and second persons as for
commands, and the same list of signed acts.

A person comes with a link that they made with their own key. Following it makes a key for the session,
which lies in the cookie and nowhere else; every act at the console is signed with it. `secugate staff acts`
follows these signatures back to the person's own key. An act that takes two persons is proposed here; the
second one approves it with the command, and so with a key that no browser and no server of ours has.
"""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from adapters.database import Database
from adapters.database.staff import Kind, NotOpened, Opened, Staff, people
from adapters.evidence import Packs
from adapters.pages.forms import Fields, check_token, read_fields, token_of
from adapters.pages.frame import NotAllowed, NotThere, SignedOut, pages_of
from adapters.settings import Settings
from adapters.spool import Spool
from gateway.moments import Clock, Received
from gateway.staff import LEAVE, SHORTEST_REASON, Call, Denied, Person, check, right_to

COOKIE = "__Host-staff"
HOME = "/console"
SIGN_IN = "/console/sign-in"
LONGEST_REASON = 300
"""Characters."""


@dataclass(frozen=True, slots=True)
class Console:
    """What the console is made of.

    Attributes:
        staff: the register of staff, for the seal that the gateway has now.
    """

    database: Database
    staff: Callable[[], Staff]
    spool: Spool
    packs: Packs
    settings: Settings
    clock: Clock

    @property
    def now(self) -> Received:
        """The present moment."""
        return Received(self.clock())

    def admits(self, address: str) -> bool:
        """Whether anybody may come from an address: the console is open, and to that address."""
        return self.settings.console and _within(address, self.settings.console_addresses.split())

    def acting(self, visitor: Visitor) -> Database:
        """The database, with whoever acts named in the journal."""
        view = copy.copy(self.database)
        view.act_as(visitor.name)
        return view


def _within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of some networks; in any, where none is named."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network) for network in networks)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody of the staff at the console.

    Attributes:
        person: who, with the roles of this moment.
        opened: their session.
        token: that their forms hold.
    """

    person: Person
    opened: Opened
    token: str

    @property
    def name(self) -> str:
        return self.person.name

    def may(self, command: str) -> bool:
        """Whether one of their roles allows a command."""
        return bool(right_to(command).roles & self.person.roles)


class ReasonMissing(Exception):
    """What was asked for shows what belongs to others, and nobody said why."""


class Proposed(Exception):
    """What was asked for takes a second person, and waits for one.

    Attributes:
        number: of the proposal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"proposal {number} waits for a second person")
        self.number = number


def console_of(request: Request) -> Console:
    """The console of this application."""
    found: Console = request.app.state.console
    return found


def address_of(request: Request) -> str:
    """From which address somebody asks."""
    return request.client.host if request.client else ""


async def open_to(request: Request) -> Console:
    """The console, for a request that may come to it at all.

    Raises:
        NotThere: it is closed, to this address or altogether, or no staff is registered.
    """
    console = console_of(request)
    if not console.admits(address_of(request)) or not await run_in_threadpool(people, console.database):
        pages_of(request).gate.came(address_of(request))
        raise NotThere
    return console


async def _visitor(request: Request) -> AsyncIterator[Visitor]:
    console = await open_to(request)
    token = request.cookies.get(COOKIE, "")
    opened = Opened.read(token)
    person = None
    if opened is not None:
        person = await run_in_threadpool(lambda: console.staff().visitor(opened, console.now))
    if opened is None or person is None:
        pages_of(request).gate.came(address_of(request))
        # Whoever has never been here learns of no page but the first.
        if opened is None and request.url.path != HOME:
            raise NotThere
        raise SignedOut(SIGN_IN)
    visitor = Visitor(person, opened, token_of(token))
    request.state.visitor = visitor
    yield visitor


ConsoleVisitor = Annotated[Visitor, Depends(_visitor)]
"""Somebody of the staff with a session that is open; without one there is no page."""


async def enter(request: Request, code: str) -> str:
    """Follow a link, once; what the cookie has to hold.

    Raises:
        NotThere: the console is closed.
        NotOpened: the link is nobody's, too old, or was used.
    """
    console = await open_to(request)
    link = Opened.read(code)
    if link is None:
        raise NotOpened
    opened = await run_in_threadpool(lambda: console.staff().open_session(link, console.now))
    return opened.token


def leave(console: Console, visitor: Visitor) -> None:
    """End a session."""
    _enter(console, visitor, Call(LEAVE, (*LEAVE.split(),), (), ""), Kind.GIVEN)


async def admit(
    request: Request, visitor: Visitor, command: str, *about: str, reason: str = "", typed: bool = False
) -> None:
    """Let somebody do or see something; it is entered, with their signature, before it is done.

    Args:
        command: of the tables of rights.
        about: what it is about, as arguments of the command.
        reason: why, where the table asks for it.
        typed: it is a command that could be typed; a second person carries it out on this gateway.

    Raises:
        NotAllowed: none of their roles allows it; that is entered too.
        ReasonMissing: it needs one.
        Proposed: it takes a second person.
    """
    console = console_of(request)
    folder = ("--data", str(console.settings.data.resolve())) if typed else ()
    call = Call(command, (*command.split(), *about, *folder), (), reason[:LONGEST_REASON])
    await run_in_threadpool(partial(_admit, console, visitor, call))


def _admit(console: Console, visitor: Visitor, call: Call) -> None:
    if not visitor.may(call.command):
        _enter(console, visitor, call, Kind.DENIED)
        raise NotAllowed
    try:
        right = check(visitor.person, call)
    except Denied:
        raise ReasonMissing from None
    if right.four_eyes:
        raise Proposed(_enter(console, visitor, call, Kind.PROPOSED))
    _enter(console, visitor, call, Kind.GIVEN)


def _enter(console: Console, visitor: Visitor, call: Call, kind: Kind) -> int:
    staff = console.staff()
    return staff.enter(
        visitor.person, visitor.opened.key, kind, call, console.now, session=visitor.opened.number
    )


async def fields_of(request: Request, visitor: Visitor) -> Fields:
    """The fields of a form that this visitor sent from a page of the console.

    Raises:
        Foreign, Stale, TooMuchSent
    """
    fields = await read_fields(request)
    check_token(fields, visitor.token)
    return fields


def needs_reason(command: str) -> bool:
    """Whether a page has to ask why before it asks for something."""
    return right_to(command).reason


__all__ = [
    "COOKIE",
    "SHORTEST_REASON",
    "Console",
    "ConsoleVisitor",
    "Proposed",
    "ReasonMissing",
    "Visitor",
    "admit",
    "enter",
    "fields_of",
    "leave",
    "needs_reason",
    "open_to",
]
