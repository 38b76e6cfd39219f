"""DEMMAN: a member asks to act for an employer, an employer grants, confirms and ends; MANASS says how the
mandate stands then, MANRET why not.

Four kinds. `request`: the sender asks to act for the employer named, in some procedures, from a first to a
last day; the mandate is pending and gives no right until the employer confirms it, or the operator. Whether
the employer exists is not looked at, so that nobody learns it. Who asks for its own number has it granted at
once. `grant`: the employer gives a mandate to the member named. `confirm`: the employer grants a pending one.
`end`: either side ends one, or the employer refuses a pending one. An end without a last day takes effect at
the moment of receipt: what comes in later has no right any more, what came in before keeps its own, however
late it is treated. With a last day the mandate holds until the end of that day, in Luxembourg; a last day
only ever shortens.

The employer itself is any member with its matricule, or with another extension of the same legal person.
Mandates are for codes such as `DECSAL`, and for `CALCUL`, the right to receive the invoices. The first day is
that of receipt when none is given.

Records of a file take effect one after the other, in their order. Everything here is our own: fields, codes,
numbers of mandates. Assumed as well: that no paper is needed beside the signature of the employer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from gateway.batch import Batch, MemberId, Record
from gateway.context import Context
from gateway.mandates import is_itself, scope
from gateway.matricule import is_employer
from gateway.moments import Received
from gateway.outcome import Outcome, Settlement
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Finding,
    Form,
    Once,
    Rule,
    broken,
    calendar_day,
    in_order,
    refuse_malformed,
)
from gateway.registers import Mandate, Mandates, MandateState, Origin

FORM = Form(
    procedure="DEMMAN",
    record="Mandate",
    refused_in="MANRET",
    bad_employer="MANRET-2",
    fields=(
        "Kind",
        "Employer",
        "Member",
        "Procedures",
        "First",
        "Last",
        "Number",
        "Reference",
    ),
    assigned_in="MANASS",
    by_mandate=False,
)

NEW = frozenset({"request", "grant"})
"""The kinds that enter a mandate; the others change one."""
BY_EMPLOYER = frozenset({"grant", "confirm"})
"""The kinds that only the employer itself may send."""

MOST_PENDING = 10
"""Requests of one member for one employer that may wait at the same time (MANRET 12)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record read, with its sender and the moment of receipt."""

    record: Record
    sender: MemberId
    received: Received

    def __getitem__(self, field: str) -> str:
        return self.record.fields[field]

    def has(self, field: str) -> bool:
        return field in self.record.fields

    def day(self, field: str) -> date | None:
        """The day a field names; None when it is absent or names none."""
        return calendar_day(self.record.fields.get(field, ""))

    @property
    def is_new(self) -> bool:
        return self["Kind"] in NEW

    @property
    def by_employer(self) -> bool:
        return is_itself(self.sender, self["Employer"])

    @property
    def first(self) -> date:
        return self.day("First") or self.received.day

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(self.record.fields.get("Procedures", "").split())

    @property
    def holder(self) -> MemberId:
        """Who gets a new mandate."""
        return _member(self["Member"]) if self["Kind"] == "grant" else self.sender


def _member(text: str) -> MemberId:
    return MemberId(text[:13], text[13:])


def _wrong_member(change: Change) -> bool:
    if not change.has("Member"):
        return change["Kind"] == "grant"
    other = change["Kind"] == "request" and change["Member"] != str(change.sender)
    return other or not is_employer(change["Member"][:13])


def _wrong_first(change: Change) -> bool:
    return change.has("First") and (not change.is_new or change.day("First") is None)


def _wrong_last(change: Change) -> bool:
    if not change.has("Last"):
        return False
    last = change.day("Last")
    if last is None or change["Kind"] == "confirm" or last < change.received.day:
        return True
    return change.is_new and last < change.first


RULES: tuple[Rule[Change], ...] = (
    Rule("MANRET-9", "Employer", lambda c: c["Kind"] in BY_EMPLOYER and not c.by_employer),
    Rule("MANRET-3", "Member", _wrong_member),
    Rule("MANRET-4", "Procedures", lambda c: c.is_new != c.has("Procedures") or not c.codes <= scope()),
    Rule("MANRET-5", "First", _wrong_first),
    Rule("MANRET-6", "Last", _wrong_last),
    Rule("MANRET-7", "Number", lambda c: c.is_new == c.has("Number")),
)
"""What a record must satisfy beyond the form, whatever the register knows."""

DOUBTS: Doubts = {
    "Kind": ({"Kind": "request"}, {"Kind": "end"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "First": ({"First": None}, {"First": "1000-01-01"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Let every record take effect in its turn, and say how each mandate stands then."""
    employers = Once(lambda number: None if is_employer(number) else FORM.bad_employer)

    def judge(record: Record) -> list[Finding]:
        return _findings(Change(record, context.sender, context.received), employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, ("Kind", "Employer"))))
    settled: list[Settlement] = []
    for record in in_order(batch.records):
        findings = judge(record)
        change = Change(record, context.sender, context.received)
        outcome = findings or _take_effect(change, context)
        if isinstance(outcome, Mandate):
            settled.append(Settlement(record, outcome))
        else:
            refusals.append(FORM.refusal(record, outcome))
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(len(settled), refusals=refusals, returns=FORM.returns(refusals, settled))


def _findings(change: Change, employers: Once[str | None]) -> list[Finding]:
    findings = broken(RULES, change)
    if fault := employers[change["Employer"]]:
        findings = [(fault, "Employer"), *(one for one in findings if one[1] != "Employer")]
    return findings


def _take_effect(change: Change, context: Context) -> Mandate | list[Finding]:
    """The mandate as it stands after the change, or why nothing was changed."""
    mandates = context.registers.mandates
    origin = Origin(context.received, context.sender, context.deposit)
    if change.is_new:
        return _enter(change, mandates, origin)
    known = _of_parties(change, mandates)
    if known is None:
        return [("MANRET-8", "Number")]
    if known.is_over(context.received):
        return [("MANRET-11", "Number")]
    if change["Kind"] == "confirm":
        if known.state is not MandateState.PENDING:
            return [("MANRET-10", "Number")]
        changed = known.confirmed(context.received)
    else:
        last = change.day("Last")
        if last is not None and (last < known.first or (known.last is not None and known.last < last)):
            return [("MANRET-6", "Last")]
        changed = known.finished(context.received) if last is None else replace(known, last=last)
    mandates.change(changed, origin)
    return changed


def _enter(change: Change, mandates: Mandates, origin: Origin) -> Mandate | list[Finding]:
    holder, pending = change.holder, not change.by_employer
    if not mandates.knows(holder):
        return [("MANRET-3", "Member")]
    new = Mandate(
        number=0,
        member=holder,
        employer=change["Employer"],
        procedures=change.codes,
        first=change.first,
        last=change.day("Last"),
        state=MandateState.PENDING if pending else MandateState.GRANTED,
        since=None if pending else change.received,
    )
    # By employer, not all of the holder's: who asks for thousands in one file has thousands.
    known = [one for one in mandates.for_employer(new.employer) if one.member == holder]
    waiting = sum(one.state is MandateState.PENDING for one in known)
    too_many = new.state is MandateState.PENDING and waiting >= MOST_PENDING
    if too_many or any(_says_as_much(one, new, change.received) for one in known):
        return [("MANRET-12", "Procedures")]
    return mandates.enter(new, origin)


def _says_as_much(known: Mandate, new: Mandate, received: Received) -> bool:
    """Whether a mandate leaves nothing to a new one: it is as far as that, and covers its days to come."""
    if known.employer != new.employer or known.is_over(received) or not new.procedures <= known.procedures:
        return False
    far = known.state is MandateState.GRANTED or new.state is MandateState.PENDING
    until = known.last is None or (new.last is not None and new.last <= known.last)
    return far and until and known.first <= max(new.first, received.day)


def _of_parties(change: Change, mandates: Mandates) -> Mandate | None:
    """The mandate named, if it is for that employer and member, and the sender has a say in it."""
    known = mandates.get(int(change["Number"]))
    if known is None or known.employer != change["Employer"]:
        return None
    if change.has("Member") and change["Member"] != str(known.member):
        return None
    return known if change.by_employer or known.member == change.sender else None
