"""Which amounts due are collected by SEPA direct debit (CORE), and which credits are paid out.

Sources: SEPA Core Direct Debit Scheme Rulebook of the EPC (collection one inter-bank business day ahead at
the earliest, sequence types, end of a mandate after 36 months without collection); the calendar of T2,
formerly TARGET, for inter-bank business days. Each amount is decided alone; what is left out is named.
"""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.calendar import easter
from gateway.moments import months_after

LARGEST = 999_999_999_99
"""Cents of one SEPA payment, at most."""
UNUSED_MONTHS = 36
"""A mandate ends when nothing was collected with it for so long."""

_CLOSED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})
_BESIDE_EASTER = (-2, 1)
_SATURDAY = 5


class Sequence(StrEnum):
    """The place of a collection among those of a mandate."""

    FIRST = "FRST"
    RECURRENT = "RCUR"


@dataclass(frozen=True, slots=True)
class DirectDebit:
    """A mandate by which an employer lets us collect from its account.

    Attributes:
        number: in the register.
        employer: matricule.
        iban: account to collect from.
        bic: its bank; None where the IBAN is enough.
        name: holder of the account.
        mandate: id of the mandate (unique mandate reference), at most 35 characters.
        signed: day of the signature.
        used: last day for which something was collected with it; None before the first time.
    """

    number: int
    employer: str
    iban: str
    bic: str | None
    name: str
    mandate: str
    signed: date
    used: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What an employer has to pay on a statement.

    Attributes:
        employer: matricule.
        statement: number of the statement in the register.
        number: number of the statement as it is printed.
        amount: cents still to be paid.
        due: last day to pay.
    """

    employer: str
    statement: int
    number: str
    amount: int
    due: date


@dataclass(frozen=True, slots=True)
class Collection:
    """A direct debit to be ordered on a day."""

    due: Due
    debit: DirectDebit
    sequence: Sequence
    day: date


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """The account to which credits of an employer are paid out."""

    employer: str
    iban: str
    name: str


@dataclass(frozen=True, slots=True)
class CreditAsked:
    """A credit balance that an employer asks for.

    Attributes:
        employer: matricule.
        request: number of the request.
        amount: cents asked for.
        credit: cents in its favour that nothing else uses.
    """

    employer: str
    request: int
    amount: int
    credit: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A credit transfer to be ordered on a day."""

    asked: CreditAsked
    account: PayoutAccount
    day: date


class LeftOut(StrEnum):
    """Why something is not ordered."""

    LAPSED = "COLLECT-LAPSED"
    """Nothing was collected with the mandate for 36 months: it has ended."""
    AMOUNT = "COLLECT-AMOUNT"
    """Above the largest SEPA payment."""
    ACCOUNT = "REFUND-ACCOUNT"
    """The employer has named no account."""
    CREDIT = "REFUND-CREDIT"
    """More is asked for than the credit of the employer."""


def collections(
    dues: Iterable[Due], debits: Mapping[str, DirectDebit], ordered: Several[int], today: date
) -> tuple[list[Collection], list[tuple[Due, LeftOut]]]:
    """What is collected of the amounts due, and what is not.

    Amounts of employers without a mandate, and of statements that were collected once, are passed over in
    silence: they are paid by transfer.

    Args:
        dues: amounts due, above zero.
        debits: mandates in force, by employer.
        ordered: statements for which a collection was ever ordered.
        today: day of the order.
    """
    taken: list[Collection] = []
    left: list[tuple[Due, LeftOut]] = []
    first = {debit.number for debit in debits.values() if debit.used is None}
    for due in sorted(dues, key=lambda one: (one.due, one.statement)):
        debit = debits.get(due.employer)
        if debit is None or due.statement in ordered or due.amount <= 0:
            continue
        day = max(due.due, next_business_day(today))
        day = day if is_business_day(day) else next_business_day(day)
        if day > months_after(debit.used or debit.signed, UNUSED_MONTHS):
            left.append((due, LeftOut.LAPSED))
        elif due.amount > LARGEST:
            left.append((due, LeftOut.AMOUNT))
        else:
            sequence = Sequence.FIRST if debit.number in first else Sequence.RECURRENT
            first.discard(debit.number)
            taken.append(Collection(due, debit, sequence, day))
    return taken, left


def refunds(
    asked: Iterable[CreditAsked], accounts: Mapping[str, PayoutAccount], today: date
) -> tuple[list[Refund], list[tuple[CreditAsked, LeftOut]]]:
    """What is paid out of the credits asked for, and what is not; the requests of an employer in their order.

    Args:
        asked: requests that were not ordered yet.
        accounts: accounts to pay to, by employer.
        today: day of the order.
    """
    taken: list[Refund] = []
    left: list[tuple[CreditAsked, LeftOut]] = []
    used: dict[str, int] = {}
    day = today if is_business_day(today) else next_business_day(today)
    for one in sorted(asked, key=lambda one: one.request):
        account = accounts.get(one.employer)
        together = used.get(one.employer, 0) + one.amount
        if account is None:
            left.append((one, LeftOut.ACCOUNT))
        elif together > one.credit:
            left.append((one, LeftOut.CREDIT))
        elif one.amount > LARGEST:
            left.append((one, LeftOut.AMOUNT))
        else:
            used[one.employer] = together
            taken.append(Refund(one, account, day))
    return taken, left


def is_business_day(day: date) -> bool:
    """Whether banks settle on a day: Monday to Friday, six closing days of T2 left out."""
    beside_easter = {easter(day.year) + timedelta(days) for days in _BESIDE_EASTER}
    return day.weekday() < _SATURDAY and (day.month, day.day) not in _CLOSED and day not in beside_easter


def next_business_day(day: date) -> date:
    """The first day after a day on which banks settle."""
    following = day + timedelta(1)
    return following if is_business_day(following) else next_business_day(following)
