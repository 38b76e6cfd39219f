"""The operator's staff: who may give which command, which need a reason, and which a second person.

Duties are kept apart so that nobody alone can let a member in, change what is owed and pay it out
(Regulation (EU) 2024/2690, annex, 11.2 on rights and 11.6 on separate duties). There are two tables: of
commands, and of what the console shows or does that no command does. A test demands a row for each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

PROPOSAL_LASTS = timedelta(days=7)
"""For how long a command may wait for its second person."""
SHORTEST_REASON = 8
"""Characters; less says nothing."""

LINK = "console link"
"""The command that lets a person in at the console; it names the key that opens one session."""
SESSION = "console session"
"""The act that opens a session; it names the key with which all acts of that session are signed."""
LEAVE = "console leave"
"""The act that ends a session before its time."""
LINK_LASTS = timedelta(minutes=15)
"""For how long a link waits to be followed, once."""
SESSION_LASTS = timedelta(hours=8)
"""For how long somebody stays at the console with one link: a working day."""
IDLE_LASTS = timedelta(hours=1)
"""After so long without an act a session is over."""


class Role(StrEnum):
    """What somebody of the staff does. One person may have several roles."""

    OPERATOR = "operator"
    """Keeps the gateway running: deadlines, outages, notices, what is parked."""
    REGISTRAR = "registrar"
    """Keeps the registers: members, employers, mandates, numbers."""
    BILLING = "billing"
    """Statements, accounts, bank, recovery."""
    AUDITOR = "auditor"
    """Reads and checks everything; changes nothing."""
    ADMINISTRATOR = "administrator"
    """Staff, keys, trust and erasure; neither registers nor money."""


@dataclass(frozen=True, slots=True)
class Right:
    """Who may give a command, and on what terms.

    Attributes:
        roles: any of them suffices; the second person needs one of them as well.
        reason: it shows what members sent or were sent, or what somebody owes: a reason must be given.
        four_eyes: it has its effect only once another person has approved it.
    """

    roles: frozenset[Role]
    reason: bool = False
    four_eyes: bool = False


def _right(*roles: Role, reason: bool = False, four_eyes: bool = False) -> Right:
    return Right(frozenset(roles), reason, four_eyes)


_OPERATOR, _REGISTRAR, _BILLING = Role.OPERATOR, Role.REGISTRAR, Role.BILLING
_AUDITOR, _ADMINISTRATOR = Role.AUDITOR, Role.ADMINISTRATOR

RIGHTS: Mapping[str, Right] = {
    "staff add": _right(_ADMINISTRATOR, four_eyes=True),
    "staff end": _right(_ADMINISTRATOR, four_eyes=True),
    "staff list": _right(_ADMINISTRATOR, _AUDITOR),
    "staff acts": _right(_ADMINISTRATOR, _AUDITOR),
    "approve": _right(*Role),
    "decline": _right(*Role),
    "member add": _right(_REGISTRAR, four_eyes=True),
    "member agreement": _right(_REGISTRAR, four_eyes=True),
    "member client add": _right(_REGISTRAR, four_eyes=True),
    "member client end": _right(_REGISTRAR),
    "member client list": _right(_REGISTRAR, _AUDITOR),
    "member key add": _right(_REGISTRAR, four_eyes=True),
    "member key end": _right(_REGISTRAR, _ADMINISTRATOR),
    "member key list": _right(_REGISTRAR, _ADMINISTRATOR, _AUDITOR),
    "member key expiring": _right(_REGISTRAR, _OPERATOR, _AUDITOR),
    "portal link": _right(_REGISTRAR, four_eyes=True),
    "employer add": _right(_REGISTRAR),
    "employer year": _right(_REGISTRAR, four_eyes=True),
    "mandate add": _right(_REGISTRAR, four_eyes=True),
    "mandate confirm": _right(_REGISTRAR, four_eyes=True),
    "mandate end": _right(_REGISTRAR, four_eyes=True),
    "mandate list": _right(_REGISTRAR, _OPERATOR, _AUDITOR),
    "mandate history": _right(_REGISTRAR, _OPERATOR, _AUDITOR),
    "mandate decisions": _right(_REGISTRAR, _OPERATOR, _AUDITOR, reason=True),
    "renumber": _right(_REGISTRAR, four_eyes=True),
    "bill": _right(_BILLING, four_eyes=True),
    "explain": _right(_BILLING, _AUDITOR, reason=True),
    "account": _right(_BILLING, _AUDITOR, reason=True),
    "institutions": _right(_BILLING, _AUDITOR),
    "annual": _right(_BILLING, four_eyes=True),
    "year-end": _right(_BILLING, _AUDITOR, reason=True),
    "over-ceiling": _right(_BILLING, _AUDITOR, reason=True),
    "plan add": _right(_BILLING),
    "plan list": _right(_BILLING, _AUDITOR, reason=True),
    "dispute open": _right(_BILLING),
    "dispute close": _right(_BILLING),
    "credit refund": _right(_BILLING, four_eyes=True),
    "recovery run": _right(_BILLING, four_eyes=True),
    "recovery list": _right(_BILLING, _AUDITOR, reason=True),
    "recovery constrain": _right(_BILLING, four_eyes=True),
    "fine impose": _right(_BILLING, four_eyes=True),
    "fine list": _right(_BILLING, _AUDITOR, reason=True),
    "fine discharge": _right(_BILLING, four_eyes=True),
    "fine oppose": _right(_BILLING),
    "fine decide": _right(_BILLING, four_eyes=True),
    "bank import": _right(_BILLING),
    "bank unmatched": _right(_BILLING, _AUDITOR, reason=True),
    "bank assign": _right(_BILLING, four_eyes=True),
    "bank account": _right(_BILLING, four_eyes=True),
    "bank collect": _right(_BILLING, four_eyes=True),
    "bank refund": _right(_BILLING, four_eyes=True),
    "bank mandate add": _right(_BILLING),
    "bank mandate end": _right(_BILLING),
    "bank mandate list": _right(_BILLING, _AUDITOR, reason=True),
    "simulate": _right(_REGISTRAR, _BILLING, reason=True),
    "notices": _right(_OPERATOR),
    "evidence make": _right(_OPERATOR, _AUDITOR, reason=True),
    "returns": _right(_OPERATOR, _AUDITOR),
    "backup": _right(_ADMINISTRATOR, _OPERATOR),
    "witness accept": _right(_ADMINISTRATOR, four_eyes=True),
    "witness begin": _right(_ADMINISTRATOR, four_eyes=True),
    "verify": _right(_OPERATOR, _AUDITOR, _ADMINISTRATOR),
    "seal exchange": _right(_ADMINISTRATOR, four_eyes=True),
    "encryption exchange": _right(_ADMINISTRATOR, four_eyes=True),
    "trust list": _right(_ADMINISTRATOR, _AUDITOR),
    "trust import": _right(_ADMINISTRATOR, four_eyes=True),
    "waiting": _right(_OPERATOR, _AUDITOR),
    "audit": _right(_AUDITOR, _OPERATOR, _ADMINISTRATOR),
    "replay": _right(_OPERATOR),
    "shadow": _right(_OPERATOR, _AUDITOR, reason=True),
    "erase": _right(_OPERATOR, four_eyes=True),
    "retention": _right(_OPERATOR, four_eyes=True),
    "keys rotate-master": _right(_ADMINISTRATOR, four_eyes=True),
    "statistics": _right(_OPERATOR, _AUDITOR),
    "calendar": _right(*Role),
    "outage": _right(_OPERATOR, four_eyes=True),
    "circumstance add": _right(_REGISTRAR, _BILLING),
    "lateness": _right(_REGISTRAR, _BILLING, _AUDITOR, reason=True),
    LINK: _right(*Role),
    "resend": _right(_OPERATOR),
    "indicators": _right(_OPERATOR, _AUDITOR),
}
"""Every command that opens the registers of a gateway, by its words."""

_READERS = (_OPERATOR, _REGISTRAR, _BILLING, _AUDITOR)

CONSOLE: Mapping[str, Right] = {
    "console overview": _right(*Role),
    "console queue": _right(_OPERATOR, _AUDITOR),
    "console search": _right(*_READERS),
    "console search person": _right(*_READERS, reason=True),
    "console deposit": _right(*_READERS),
    "console records": _right(*_READERS, reason=True),
    "console content": _right(_OPERATOR, _AUDITOR, reason=True),
    "console cases": _right(*_READERS),
    "console case": _right(_OPERATOR, _REGISTRAR, _BILLING),
    "console shadow": _right(_OPERATOR, _AUDITOR),
    "console register": _right(*_READERS),
    "console register persons": _right(*_READERS, reason=True),
    SESSION: _right(*Role),
    LEAVE: _right(*Role),
}
"""What is done at the console alone; for all else it asks for the right of the command that does the same."""


class Denied(Exception):
    """A command that this person may not give now.

    Attributes:
        reason: why not, a sentence for that person.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the staff.

    Attributes:
        name: by which the journal calls them, such as `a.weber`.
        roles: what they do.
        key: SHA-256 fingerprint of their key, as ssh-keygen prints it.
    """

    name: str
    roles: frozenset[Role]
    key: str


@dataclass(frozen=True, slots=True)
class Call:
    """A command as it was given.

    Attributes:
        command: its words, such as `mandate add`.
        arguments: all of them as they were typed, without the reason.
        files: SHA-256 of each file they name, hexadecimal, by the name given: their content is approved too.
        reason: why it was given; empty when none was.
    """

    command: str
    arguments: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    reason: str

    def signed_text(self, gateway: str, person: str, at: str, answers: int | None) -> bytes:
        """What somebody signs who gives it, or approves it: it counts for one gateway and moment only.

        Args:
            gateway: fingerprint of the gateway's own seal.
            person: who gives or approves it.
            at: the moment, in UTC.
            answers: number of the proposal that is approved or declined, if any.
        """
        parts: Sequence[object] = (
            "secugate staff 1",
            gateway,
            person,
            at,
            answers,
            self.command,
            self.arguments,
            self.files,
            self.reason,
        )
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


def right_to(command: str) -> Right:
    """The right that a command asks for.

    Raises:
        Denied: nobody may give it, because the table does not know it.
    """
    right = RIGHTS.get(command) or CONSOLE.get(command)
    if right is None:
        raise Denied(f"{command} is in no role")
    return right


def check(person: Person, call: Call) -> Right:
    """Whether somebody may give a command, alone or with a second person.

    Raises:
        Denied: none of their roles allows it, or it lacks its reason.
    """
    right = right_to(call.command)
    if not right.roles & person.roles:
        allowed = " or ".join(sorted(right.roles))
        raise Denied(f"{call.command} is for {allowed}; {person.name} is {', '.join(sorted(person.roles))}")
    if right.reason and len(call.reason.strip()) < SHORTEST_REASON:
        raise Denied(
            f"{call.command} shows what belongs to others. Say why: secugate --reason '…' {call.command} …"
        )
    return right


def check_approval(person: Person, call: Call, proposer: str) -> None:
    """Whether somebody may be the second person of a command.

    Raises:
        Denied: they proposed it themselves, or none of their roles allows it.
    """
    if person.name == proposer:
        raise Denied(f"{proposer} proposed it; it takes another person")
    if not right_to(call.command).roles & person.roles:
        raise Denied(f"{call.command} is not for {', '.join(sorted(person.roles))}")
