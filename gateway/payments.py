"""Which employer a booking on the operator's bank account belongs to.

A transfer quotes the employer matricule as its reference. It is found where payers write it: in the
structured reference or in the free text, with blanks, dots, slashes or hyphens between its digits, beside
other numbers. Order of rules, first that decides:

1. A booking that answers an order of ours (a collected direct debit, its return, a paid refund) belongs to
   the employer of the order, which its end-to-end id names. That id counts only where the bank says that the
   order was ours: in an ordinary transfer the payer chooses it, and could name somebody else's.
2. Money in that quotes exactly one employer of the register, with right check digits, belongs to that one.
3. Anything else belongs to nobody yet: it is booked to the suspense account under a named anomaly, and the
   operator assigns it. A payer's name or account is never taken for a reference.

Amounts are cents; positive is money in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from stdnum import iso11649

from gateway.ledger import entries
from gateway.ledger.entries import Entry
from gateway.matricule import is_employer
from gateway.moments import Received

LENGTH = 13
"""Digits of an employer matricule."""

_RUN = re.compile(r"[0-9]+(?:[\s./-]{1,3}[0-9]+)*")
_STRUCTURED = re.compile(r"\bRF[0-9]{2}[0-9A-Z]{1,21}\b")
_RETURNS = frozenset({"UPDD", "RRTN", "RCDD", "PRDD"})
"""Sub-families of bank transaction codes: unpaid, returned, and reversed debits."""


class PaymentAnomaly(StrEnum):
    """Why a booking belongs to nobody yet, or is not booked at all."""

    REFERENCE = "PAYMENT-REFERENCE"
    """No employer of the register is quoted."""
    AMBIGUOUS = "PAYMENT-AMBIGUOUS"
    """Several employers of the register are quoted; how much is for which is not said."""
    SUM = "PAYMENT-SUM"
    """The bank's details do not add up to the entry; it is kept whole."""
    CURRENCY = "PAYMENT-CURRENCY"
    """Not in euro, or in parts of a cent; not booked."""
    ORDER = "PAYMENT-ORDER"
    """Answers an order of ours, but none that is open, or with another amount."""
    RETURN = "PAYMENT-RETURN"
    """Something returned that we have not ordered."""
    OUT = "PAYMENT-OUT"
    """Money out that we have not ordered."""


EXPLANATIONS: Mapping[PaymentAnomaly, str] = {
    PaymentAnomaly.REFERENCE: "no employer of the register is quoted",
    PaymentAnomaly.AMBIGUOUS: "several employers are quoted",
    PaymentAnomaly.SUM: "the details do not add up to the entry",
    PaymentAnomaly.CURRENCY: "not in euro and whole cents",
    PaymentAnomaly.ORDER: "no open order of ours has this id and amount",
    PaymentAnomaly.RETURN: "returned, but no order of ours is named",
    PaymentAnomaly.OUT: "money out that was not ordered",
}
"""The anomalies in a few words, for the operator."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One booking on our account, as the bank tells it.

    Attributes:
        reference: what makes it this booking and no other; the same in every file that tells it.
        entry: the same of the bank's entry of which it is a part, where the bank gives it a reference.
        account: IBAN of our account.
        booked: day of the booking.
        value: day of value.
        amount: cents, positive for money in.
        name: of the other party, as the bank writes it.
        iban: account of the other party.
        remittance: free text of the payer.
        structured: structured reference of the payer.
        end_to_end: end-to-end id, which whoever ordered the payment chose.
        mandate: id of the direct-debit mandate, where the bank names it.
        family: family of the bank's transaction code: IDDT for debits that we ordered, ICDT for transfers
            that we ordered, RCDT for transfers received.
        returned: reason of a return (ISO 20022 external code such as AM04), MS03 (not specified) where the
            bank gives none; None for what is no return.
        batch: id of our own batch of orders that was booked in one sum, where the bank names it.
        parts: how many payments the bank says are in it; 1 unless it is a batch told without details.
        anomaly: what was wrong with it in the file.
    """

    reference: str
    entry: str
    account: str
    booked: date
    value: date
    amount: int
    name: str | None = None
    iban: str | None = None
    remittance: str = ""
    structured: str | None = None
    end_to_end: str | None = None
    mandate: str | None = None
    family: str | None = None
    returned: str | None = None
    batch: str | None = None
    parts: int = 1
    anomaly: PaymentAnomaly | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An entry that is not booked, because its amount is not in euro and whole cents.

    Attributes:
        reference: what makes it this entry and no other.
        account: IBAN of our account.
        booked: day of the booking.
        amount: as the bank writes it, with its currency.
        anomaly: why.
    """

    reference: str
    account: str
    booked: date
    amount: str
    anomaly: PaymentAnomaly = PaymentAnomaly.CURRENCY


@dataclass(frozen=True, slots=True)
class BankFile:
    """What one statement or notification of the bank tells about one account.

    Attributes:
        id: identification that the bank gave it.
        message: name of the message, such as `camt.053.001.08`.
        account: IBAN of our account.
        payments: booked entries, split into the payments they consist of.
        held: booked entries that cannot be booked here.
    """

    id: str
    message: str
    account: str
    payments: tuple[Payment, ...] = ()
    held: tuple[Held, ...] = ()


class OrderKind(StrEnum):
    """What we ordered from the bank."""

    COLLECTION = "collection"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Order:
    """A payment that we ordered.

    Attributes:
        kind: a direct debit or a refund.
        end_to_end: id under which we ordered it.
        employer: for whom.
        amount: cents, positive for money in, thus negative for a refund.
        statement: number of the account statement that a direct debit is for.
        paid: entry of the ledger by which it was booked; None until then.
        returned: entry of the ledger by which it came back; None until then.
    """

    kind: OrderKind
    end_to_end: str
    employer: str
    amount: int
    statement: int | None = None
    paid: int | None = None
    returned: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """To whom a booking belongs.

    Attributes:
        employer: matricule; None when it belongs to nobody yet.
        anomaly: why it belongs to nobody; None when it does to somebody.
        order: the order of ours that it answers.
    """

    employer: str | None = None
    anomaly: PaymentAnomaly | None = None
    order: Order | None = None


def quoted(*texts: str | None) -> frozenset[str]:
    """The employer matricules with right check digits that texts quote, each as its 13 digits alone.

    A number is taken from whole groups of digits only, never out of the middle of a longer one. Of an RF
    creditor reference (ISO 11649) the two check digits are left aside.
    """
    return frozenset(number for text in texts if text for number in _quoted(text))


def _quoted(text: str) -> Iterator[str]:
    plain = _STRUCTURED.sub(_bare, text)
    for run in _RUN.findall(plain):
        groups = re.findall("[0-9]+", run)
        for start in range(len(groups)):
            number = ""
            for group in groups[start:]:
                number += group
                if len(number) >= LENGTH:
                    break
            if len(number) == LENGTH and is_employer(number):
                yield number


def _bare(structured: re.Match[str]) -> str:
    """What an RF reference refers to; the text itself when it is none."""
    text = structured[0]
    return f" {text[4:]} " if iso11649.is_valid(text) else text


def match(payment: Payment, known: Collection[str], orders: Mapping[str, Order]) -> Match:
    """To whom a booking belongs.

    Args:
        payment: the booking.
        known: employers of the register, at least all that the booking quotes.
        orders: what we ordered, by end-to-end id, at least the one that the booking names.
    """
    if payment.anomaly is not None:
        return Match(anomaly=payment.anomaly)
    if not _answers(payment):
        return _transferred(quoted(payment.structured, payment.remittance) & frozenset(known))
    order = orders.get(payment.end_to_end or "")
    return Match(anomaly=_unordered(payment)) if order is None else _answered(payment, order)


def _transferred(employers: Collection[str]) -> Match:
    """To whom money in belongs that quotes some employers of the register."""
    if len(employers) != 1:
        return Match(anomaly=PaymentAnomaly.AMBIGUOUS if employers else PaymentAnomaly.REFERENCE)
    (employer,) = employers
    return Match(employer)


def _unordered(payment: Payment) -> PaymentAnomaly:
    """What is wrong with a booking that should answer an order of ours, and names none."""
    if payment.returned is not None:
        return PaymentAnomaly.RETURN
    return PaymentAnomaly.OUT if payment.amount < 0 else PaymentAnomaly.ORDER


def split(payment: Payment, orders: Sequence[Order]) -> tuple[Payment, ...]:
    """The parts of a sum in which the bank booked a batch of our orders, told without its details.

    Args:
        payment: the sum.
        orders: all of the batch. When they do not add up to the sum, it is left whole, under an anomaly.
    """
    if sum(order.amount for order in orders) != payment.amount:
        return (replace(payment, anomaly=PaymentAnomaly.SUM),)
    return tuple(
        replace(
            payment,
            reference=f"{payment.reference}/{order.end_to_end}",
            amount=order.amount,
            end_to_end=order.end_to_end,
            family="IDDT" if order.amount > 0 else "ICDT",
            parts=1,
        )
        for order in orders
    )


def _answers(payment: Payment) -> bool:
    """Whether the bank, not the payer, says that a booking comes from an order of ours."""
    ours = payment.family in {"IDDT", "ICDT"} or payment.mandate is not None
    return ours or payment.returned is not None or payment.amount < 0


def _answered(payment: Payment, order: Order) -> Match:
    """An order is carried out once, and comes back at most once, whole."""
    if payment.returned is None:
        fits = order.paid is None and payment.amount == order.amount
        return Match(order.employer, order=order) if fits else Match(anomaly=PaymentAnomaly.ORDER)
    if order.paid is None or order.returned is not None:
        return Match(anomaly=PaymentAnomaly.RETURN)
    fits = payment.amount == -order.amount
    return Match(order.employer, order=order) if fits else Match(anomaly=PaymentAnomaly.ORDER)


def booking(payment: Payment, matched: Match, at: Received) -> Entry:
    """How a booking of the bank is entered in the ledger: for its employer, or as money of nobody yet.

    It counts from the day of the bank's booking.
    """
    if matched.employer is None:
        return unmatched(payment.reference, payment.booked, payment.amount, at)
    return _of_employer(matched.employer, payment, matched.order, at)


def _of_employer(employer: str, payment: Payment, order: Order | None, at: Received) -> Entry:
    day, amount, reference = payment.booked, abs(payment.amount), payment.reference
    if order is None:
        return entries.payment(employer, day=day, amount=amount, reference=reference, booked=at)
    if order.kind is OrderKind.COLLECTION:
        if payment.returned is None:
            return entries.direct_debit(
                employer, day=day, amount=amount, reference=reference, booked=at, statement=order.statement
            )
        if order.paid is None:
            raise ValueError(f"{order.end_to_end} is returned before it was booked")
        return entries.returned_debit(
            employer, debit=order.paid, day=day, amount=amount, reference=reference, booked=at
        )
    if payment.returned is None:
        return entries.credit_paid(employer, day=day, amount=amount, reference=reference, booked=at)
    return entries.payment(employer, day=day, amount=amount, reference=reference, booked=at)


def unmatched(reference: str, day: date, amount: int, at: Received) -> Entry:
    """Money of nobody yet, on an account of its own until it is assigned.

    Args:
        reference: what makes it this booking and no other.
        day: of the bank's booking.
        amount: cents, positive for money in; never zero.
        at: when we learnt of it.
    """
    if amount > 0:
        return entries.unmatched_payment(day=day, amount=amount, reference=reference, booked=at)
    one = entries.unmatched_payment(day=day, amount=-amount, reference=reference, booked=at)
    return replace(one, postings=tuple(replace(posting, amount=-posting.amount) for posting in one.postings))


def is_return(sub_family: str | None) -> bool:
    """Whether the sub-family of a bank's transaction code says that something came back."""
    return sub_family in _RETURNS
