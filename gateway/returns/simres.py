"""SIMRES: what would become of a batch if it were sent now, and what it would change on the next statement.

The answer to a simulation: verdict and anomalies as the acknowledgement (ACKTRT) would have them, and, for
each employer concerned, what is charged, corrected and refunded with the batch and without it. A simulation
has no effect: nothing is declared by it, and no deadline is met.

Each month that would be charged otherwise is told both ways, line by line with its formula, together with
all that it is computed from. With the law of the day named, the policy and these values the amounts can be
computed again at any time, and the seal shows that they are ours (`secugate simulate --reproduce`). Our own
form: the operator has none like it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly
from gateway.billing.charges import ENDED
from gateway.billing.holds import Code, Hold
from gateway.billing.simulation import (
    Beside,
    BranchEffect,
    Effect,
    RefundEffect,
    Rules,
    Side,
    SimulatedLine,
    SimulatedMonth,
    SimulatedYear,
)
from gateway.contributions import Classification, Group, HealthService, Pay, Policy
from gateway.moments import Period, Received
from gateway.money import cents_of, euro
from gateway.outcome import Verdict
from gateway.parameters import Branch
from gateway.rejections import LANGUAGES
from gateway.returns import anomalies
from gateway.returns.acktrt import Part
from gateway.returns.anomalies import Explanation

CODE = "SIMRES"

NO_EFFECT = {
    "fr": "Simulation sans effet : rien n’a été déclaré ni conservé, et elle n’interrompt aucun délai. "
    "Les montants sont ceux qui résulteraient des registres et de la loi connus au moment indiqué.",
    "de": "Simulation ohne Wirkung: Es wurde nichts gemeldet und nichts aufbewahrt, und sie wahrt keine "
    "Frist. Die Beträge sind jene, die sich aus den Registern und dem Gesetz nach dem Stand des genannten "
    "Zeitpunkts ergeben würden.",
    "en": "A simulation without effect: nothing was declared or kept, and no deadline is met by it. "
    "The amounts are those that would follow from the registers and the law as known at the moment named.",
}
"""What a simulation is not, by language."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """The file that was tried.

    Attributes:
        name: as it was given.
        size: in bytes.
        digest: SHA-256 of the bytes, lower-case hexadecimal.
        at: the moment as of which it was judged, as if it had been received then.
    """

    name: str
    size: int
    digest: str
    at: Received


@dataclass(frozen=True, slots=True)
class Simulation:
    """How a batch would fare, and to whom that is told.

    Attributes:
        file: what was tried.
        verdict, records, accepted, rejected, held, parts: as in the acknowledgement.
        anomalies: all faults and hints.
        explanations: one for each code among them.
        rules: by which the amounts were computed; None where nothing was treated.
        effects: by employer, for those whose invoices the member may see.
        untold: employers of the batch whose invoices it may not see.
        journal: the entry of the simulation in the register, which has the digest of the file and no more.
    """

    header: wire.AnswerHeader
    file: Simulated
    verdict: Verdict
    records: int
    accepted: int
    rejected: int
    held: int
    parts: tuple[Part, ...]
    anomalies: tuple[Anomaly, ...]
    explanations: tuple[Explanation, ...]
    rules: Rules | None
    effects: tuple[Effect, ...]
    untold: tuple[str, ...]
    journal: wire.JournalEntry


_PART = ("procedure", "records", "accepted", "rejected", "held")
_EXTRAS = (
    ("Supplements", "supplements"),
    ("OvertimePay", "overtime_pay"),
    ("Gratuities", "gratuities"),
    ("UnemploymentPay", "unemployment_pay"),
)
_SIDES = ("Without", "With", "Difference")


def write(document: Simulation) -> etree._Element:
    """The simulation as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    file = document.file
    wire.fill(
        wire.add(root, "Simulated"),
        (("Name", file.name), ("Size", file.size), ("Digest", file.digest), ("At", str(file.at))),
    )
    wire.fill(
        root,
        (
            ("Verdict", document.verdict),
            ("Records", document.records),
            ("Accepted", document.accepted),
            ("Rejected", document.rejected),
            ("Held", document.held),
        ),
    )
    for each in document.parts:
        part = wire.add(root, "Part")
        for name in _PART:
            part.set(name, str(getattr(each, name)))
    anomalies.write(root, document.anomalies, document.explanations)
    wire.graft(root, _rules(document.rules))
    for effect in document.effects:
        # Piece by piece: moved as a whole, a large one takes many times as long.
        wire.graft(wire.add(root, "Employer"), _effect(effect))
    wire.fill(root, (("Untold", employer) for employer in document.untold))
    for language in LANGUAGES:
        wire.add(root, "Notice", NO_EFFECT[language]).set("lang", language)
    wire.write_journal(root, document.journal)
    return root


def _rules(rules: Rules | None) -> Iterator[str]:
    if rules is not None:
        head = wire.written(
            (
                ("Parameters", rules.parameters),
                ("Known", rules.known.isoformat()),
                ("Policy", rules.policy.name),
            )
        )
        months = "".join(f'<Law period="{period}" values="{values}"/>' for period, values in rules.months)
        yield f"<Rules>{head}{months}</Rules>"


def _effect(effect: Effect) -> Iterator[str]:
    first = None if effect.first is None else str(effect.first)
    yield wire.written((("Matricule", effect.employer), ("First", first), ("Period", str(effect.period))))
    for branch in effect.branches:
        yield f"<Branch><Branch>{branch.branch}</Branch>{_beside(branch.charged)}</Branch>"
    for name, beside in _sums(effect):
        yield f"<{name}>{_beside(beside)}</{name}>"
    yield from map(_year, effect.years)
    for one in effect.refunded:
        whose = wire.written((("Insured", one.insured), ("Period", str(one.period))))
        yield f"<Refund>{whose}{_beside(one.refunded)}</Refund>"
    yield from map(_hold, effect.holds)


def _sums(effect: Effect) -> tuple[tuple[str, Beside], ...]:
    return (
        ("Contributions", effect.contributions),
        ("Corrections", effect.corrections),
        ("Refunds", effect.refunds),
        ("Total", effect.total),
    )


def _beside(amounts: Beside) -> str:
    return wire.written(_amounts(amounts))


def _amounts(amounts: Beside) -> tuple[tuple[str, str], ...]:
    return tuple(zip(_SIDES, map(euro, (*amounts, amounts.difference)), strict=True))


def _year(of: SimulatedYear) -> str:
    classed = of.classification
    head = wire.written(
        (
            ("Matricule", of.insured),
            ("Year", f"{of.calendar_year:04d}"),
            ("MdeClass", classed.mde_class),
            ("AccidentFactor", f"{classed.factor:f}"),
            ("Public", str(classed.public).lower()),
            ("HealthService", classed.health_service),
        )
    )
    return f"<Insured>{head}{''.join(map(_month, of.months))}</Insured>"


def _month(month: SimulatedMonth) -> str:
    pay = month.pay
    head = wire.written(
        (
            ("Period", str(month.period)),
            ("Group", month.group),
            ("BaseWage", euro(pay.base_wage)),
            *((name, euro(cents) if (cents := getattr(pay, element)) else None) for name, element in _EXTRAS),
            ("Hours", int(pay.hours)),
            ("Affiliated", _spell(month.affiliated)),
        )
    )
    stated = str(month.stated).lower()
    lines = "".join(map(_line, month.lines))
    return f'<Month side="{month.side}" stated="{stated}">{head}{lines}</Month>'


def _spell(affiliated: int) -> str:
    """Twelve signs, and one more where the insurance ended."""
    months = "".join(str(affiliated >> bit & 1) for bit in range(12))
    return f"{months}1" if affiliated & ENDED else months


def _line(line: SimulatedLine) -> str:
    formula = f"<Formula>{wire.quoted(line.formula)}</Formula>" if line.formula else ""
    return (
        f"<Line><Branch>{line.branch}</Branch><Base>{euro(line.base)}</Base><Rate>{line.rate:f}</Rate>"
        f"<Employee>{euro(line.employee)}</Employee><Employer>{euro(line.employer)}</Employer>{formula}</Line>"
    )


def _hold(hold: Hold) -> str:
    told = wire.written(
        (
            ("Code", hold.code),
            ("Period", str(hold.period)),
            ("Insured", hold.insured or None),
            ("Detail", hold.detail or None),
        )
    )
    return f"<Hold>{told}</Hold>"


def read(root: etree._Element) -> Simulation:
    """The simulation in a verified document.

    Raises:
        ValueError: when it is no SIMRES, or a sum is not that of its lines.
    """
    wire.expect(root, CODE)
    file = wire.child(root, "Simulated")
    rules = wire.first(root, "Rules")
    return Simulation(
        header=wire.read_answer_header(root),
        file=Simulated(
            name=wire.text(file, "Name"),
            size=int(wire.text(file, "Size")),
            digest=wire.text(file, "Digest"),
            at=Received.parse(wire.text(file, "At")),
        ),
        verdict=Verdict(wire.text(root, "Verdict")),
        records=int(wire.text(root, "Records")),
        accepted=int(wire.text(root, "Accepted")),
        rejected=int(wire.text(root, "Rejected")),
        held=int(wire.text(root, "Held")),
        parts=tuple(_read_part(part) for part in wire.children(root, "Part")),
        anomalies=anomalies.read(root),
        explanations=anomalies.read_explanations(root),
        rules=None if rules is None else _read_rules(rules),
        effects=tuple(_read_effect(part) for part in wire.children(root, "Employer")),
        untold=tuple(wire.value(part) for part in wire.children(root, "Untold")),
        journal=wire.read_journal(root),
    )


def _read_part(part: etree._Element) -> Part:
    procedure, *counts = (part.get(name, "") for name in _PART)
    records, accepted, rejected, held = map(int, counts)
    return Part(procedure, records, accepted, rejected, held)


def _read_rules(part: etree._Element) -> Rules:
    return Rules(
        parameters=wire.text(part, "Parameters"),
        known=date.fromisoformat(wire.text(part, "Known")),
        policy=Policy.parse(wire.text(part, "Policy")),
        months=tuple(
            (Period.parse(each.get("period", "")), each.get("values", ""))
            for each in wire.children(part, "Law")
        ),
    )


def _read_effect(part: etree._Element) -> Effect:
    first = wire.optional(part, "First")
    effect = Effect(
        employer=wire.text(part, "Matricule"),
        first=None if first is None else Period.parse(first),
        period=Period.parse(wire.text(part, "Period")),
        branches=tuple(
            BranchEffect(Branch(wire.text(each, "Branch")), _read_beside(each))
            for each in wire.children(part, "Branch")
        ),
        contributions=_read_beside(wire.child(part, "Contributions")),
        corrections=_read_beside(wire.child(part, "Corrections")),
        refunds=_read_beside(wire.child(part, "Refunds")),
        years=tuple(_read_year(each) for each in wire.children(part, "Insured")),
        refunded=tuple(_read_refund(each) for each in wire.children(part, "Refund")),
        holds=tuple(_read_hold(each, wire.text(part, "Matricule")) for each in wire.children(part, "Hold")),
    )
    wire.agree(wire.child(part, "Total"), _amounts(effect.total))
    _add_up(effect)
    return effect


def _add_up(effect: Effect) -> None:
    """Make sure that what differs in each branch, and in the refunds, is the sum of what is told of it."""
    told = dict.fromkeys(Branch, 0)
    for year in effect.years:
        for month in year.months:
            for line in month.lines:
                told[line.branch] += line.total if month.side is Side.WITH else -line.total
    summed = dict.fromkeys(Branch, 0) | {one.branch: one.charged.difference for one in effect.branches}
    if (
        told != summed
        or sum(told.values()) != effect.contributions.difference + effect.corrections.difference
    ):
        raise ValueError("what the batch changes is not the sum of the lines told")
    if sum(one.refunded.difference for one in effect.refunded) != effect.refunds.difference:
        raise ValueError("what the batch changes of the refunds is not their sum")


def _read_beside(part: etree._Element) -> Beside:
    amounts = Beside(cents_of(wire.text(part, "Without")), cents_of(wire.text(part, "With")))
    wire.agree(part, _amounts(amounts))
    return amounts


def _read_year(part: etree._Element) -> SimulatedYear:
    mde_class = wire.optional(part, "MdeClass")
    return SimulatedYear(
        insured=wire.text(part, "Matricule"),
        calendar_year=int(wire.text(part, "Year")),
        classification=Classification(
            None if mde_class is None else int(mde_class),
            int(Decimal(wire.text(part, "AccidentFactor")).scaleb(2)),
            public=wire.text(part, "Public") == "true",
            health_service=HealthService(wire.text(part, "HealthService")),
        ),
        months=tuple(_read_month(each) for each in wire.children(part, "Month")),
    )


def _read_month(part: etree._Element) -> SimulatedMonth:
    extras = {
        element: cents_of(text)
        for name, element in _EXTRAS
        if (text := wire.optional(part, name)) is not None
    }
    base_wage, hours = cents_of(wire.text(part, "BaseWage")), Decimal(wire.text(part, "Hours"))
    return SimulatedMonth(
        side=Side(part.get("side", "")),
        period=Period.parse(wire.text(part, "Period")),
        group=Group(wire.text(part, "Group")),
        pay=Pay(base_wage=base_wage, hours=hours, **extras),
        affiliated=sum(1 << bit for bit, sign in enumerate(wire.text(part, "Affiliated")) if sign == "1"),
        stated=part.get("stated") == "true",
        lines=tuple(_read_line(each) for each in wire.children(part, "Line")),
    )


def _read_line(part: etree._Element) -> SimulatedLine:
    return SimulatedLine(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        rate=Decimal(wire.text(part, "Rate")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
        formula=wire.optional(part, "Formula") or "",
    )


def _read_refund(part: etree._Element) -> RefundEffect:
    return RefundEffect(
        wire.text(part, "Insured"), Period.parse(wire.text(part, "Period")), _read_beside(part)
    )


def _read_hold(part: etree._Element, employer: str) -> Hold:
    return Hold(
        Code(wire.text(part, "Code")),
        employer,
        Period.parse(wire.text(part, "Period")),
        wire.optional(part, "Insured") or "",
        wire.optional(part, "Detail") or "",
    )
