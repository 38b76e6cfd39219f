"""RECOUV: what is done to recover debts (recouvrement): reminder, summons, constraint; and fines.

Posted once, when it happens, to the members with the right to the employer's invoices. It names each item
with its open amount and the interest on it, the last day to pay, what to do and how to be heard, in three
languages. What is disputed or under a payment plan that is kept is not in it. Our own form; in XML also to
members who ask for `.dta`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.ledger.entries import EntryKind
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.recovery.words import LANGUAGES, Kind, told

CODE = "RECOUV"


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked for, or lifted. Amounts in cents.

    Attributes:
        entry: number of its booking on the account.
        kind: what it is.
        statement: number of the statement that charges it, as printed; None without one.
        period: month that it is about, if any.
        due: last day on which it was, or is, to be paid.
        amount: what is asked for, without interest; of a discharge, what is lifted.
        interest: on it, booked and unpaid.
        reference: by which a fine can be found; empty for other items.
    """

    entry: int
    kind: EntryKind
    statement: str | None
    period: Period | None
    due: date
    amount: int
    interest: int = 0
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One step, as one member is told of it.

    Attributes:
        number: of the step in the register of recovery; of a fine, of its booking.
        day: on which it counts.
        last_day: to pay and, of a fine, to object; None when none is set.
        basis: the law.
    """

    header: wire.AnswerHeader
    number: int
    kind: Kind
    employer: str
    day: date
    items: tuple[Item, ...]
    last_day: date | None
    basis: str

    @property
    def amount(self) -> int:
        return sum(one.amount for one in self.items)

    @property
    def interest(self) -> int:
        return sum(one.interest for one in self.items)


def write(document: Notice) -> etree._Element:
    """The notice as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    wire.fill(
        root,
        (
            ("Number", document.number),
            ("Kind", document.kind.value),
            ("Employer", document.employer),
            ("Day", document.day.isoformat()),
        ),
    )
    for one in document.items:
        _write_item(wire.add(root, "Item"), one)
    wire.fill(root, _totals(document.amount, document.interest))
    last_day = document.last_day
    until = None if last_day is None else last_day.isoformat()
    wire.fill(root, (("LastDay", until), ("LegalBasis", document.basis)))
    given = {
        language: told(
            document.kind,
            amount=document.amount,
            interest=document.interest,
            last_day=last_day,
            language=language,
        )
        for language in LANGUAGES
    }
    for name in ("Text", "Remedy", "Reply"):
        for language, said in given.items():
            sentence = {"Text": said.text, "Remedy": said.remedy, "Reply": said.reply}[name]
            wire.add(root, name, sentence).set("lang", language)
    return root


def _write_item(part: etree._Element, one: Item) -> None:
    wire.fill(
        part,
        (
            ("Entry", one.entry),
            ("Kind", one.kind.value),
            ("Statement", one.statement),
            ("Period", None if one.period is None else str(one.period)),
            ("Due", one.due.isoformat()),
            ("Amount", euro(one.amount)),
            ("Interest", euro(one.interest)),
            ("Reference", one.reference or None),
        ),
    )


def _totals(amount: int, interest: int) -> tuple[tuple[str, str], ...]:
    return ("Amount", euro(amount)), ("Interest", euro(interest)), ("Total", euro(amount + interest))


def read(root: etree._Element) -> Notice:
    """The step in a verified document.

    Raises:
        ValueError: when it is no RECOUV, or a sum is not that of its items.
    """
    wire.expect(root, CODE)
    last_day = wire.optional(root, "LastDay")
    found = Notice(
        header=wire.read_answer_header(root),
        number=int(wire.text(root, "Number")),
        kind=Kind(wire.text(root, "Kind")),
        employer=wire.text(root, "Employer"),
        day=date.fromisoformat(wire.text(root, "Day")),
        items=tuple(_read_item(part) for part in wire.children(root, "Item")),
        last_day=None if last_day is None else date.fromisoformat(last_day),
        basis=wire.text(root, "LegalBasis"),
    )
    wire.agree(root, _totals(found.amount, found.interest))
    return found


def _read_item(part: etree._Element) -> Item:
    period = wire.optional(part, "Period")
    return Item(
        entry=int(wire.text(part, "Entry")),
        kind=EntryKind(wire.text(part, "Kind")),
        statement=wire.optional(part, "Statement"),
        period=None if period is None else Period.parse(period),
        due=date.fromisoformat(wire.text(part, "Due")),
        amount=cents_of(wire.text(part, "Amount")),
        interest=cents_of(wire.text(part, "Interest")),
        reference=wire.optional(part, "Reference") or "",
    )
