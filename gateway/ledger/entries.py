"""What is booked: entries of a double-entry ledger, and one plain function for each kind of them.

Amounts are whole cents. On an employer's account positive means that it owes more, negative that it is
in its favour; the postings of an entry sum to zero, always. Nothing is ever changed or taken out: what
was wrong is followed by an entry that says so.

An entry has two times. Its `day` says when it counts: a payment counts on the day on which the bank had
it. `booked` says when we learnt of it. Positions are computed by days, month ends by what was booked.

Assumed, because no published rule was found:

* interest belongs to the institutions of the charge it is for, in the proportion of their shares in it;
* fines stay with the centre (`CCSS`) until a rule says who receives them;
* a payment that could not be matched at once counts, once it is, from the day on which it came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache, partial

from gateway.moments import Period, Received

CENTRE = "CCSS"
"""Who holds the bank account, and the fines until it is known to whom they go."""


class AccountKind(StrEnum):
    """What an account is for."""

    EMPLOYER = "employer"
    """What an employer owes; its holder is the matricule."""
    INSTITUTION = "institution"
    """Contributions for an institution such as `CNS`; negative is in the institution's favour."""
    INTEREST = "interest"
    """Late interest for an institution; negative is in the institution's favour."""
    FINES = "fines"
    """Fines, by who receives them."""
    BANK = "bank"
    """Money at the bank; positive is there."""
    UNMATCHED = "unmatched"
    """Money of nobody known yet; its holder is the bank's reference of the payment."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """An account: what it is for, and whose it is."""

    kind: AccountKind
    holder: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.holder}"


BANK = Account(AccountKind.BANK, CENTRE)


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account, in cents."""

    account: Account
    amount: int


class EntryKind(StrEnum):
    """Why something is booked."""

    CONTRIBUTIONS = "contributions"
    """The contributions of a wage month, as a statement charges them."""
    CORRECTION = "correction"
    """The difference of a wage month that was charged before: its reversal and what is due instead."""
    CHAMBER_FEE = "chamber-fee"
    """A fee collected for a professional chamber (RGD 12 May 1975)."""
    MUTUALITY_REFUND = "mutuality-refund"
    """A refund of the Mutualité des employeurs; positive on the employer's account when it is taken back."""
    PAYMENT = "payment"
    DIRECT_DEBIT = "direct-debit"
    RETURNED_DEBIT = "returned-debit"
    """A direct debit that the bank took back: as if it had never been collected."""
    CREDIT_PAID = "credit-paid"
    """A credit balance that was paid out on request."""
    INTEREST = "interest"
    """Late interest of one item for one month; negative when later knowledge lessens it."""
    INTEREST_WAIVER = "interest-waiver"
    FINE = "fine"
    DISCHARGE = "discharge"
    """A fine that was lifted, or a part of one."""
    UNMATCHED_PAYMENT = "unmatched-payment"
    """Money that came in and names nobody we know."""
    ASSIGNED_PAYMENT = "assigned-payment"
    """Such money, once it is known whose it is."""
    TRANSFER = "transfer"
    """Money passed on to those it belongs to."""


CHARGES = frozenset({EntryKind.CONTRIBUTIONS, EntryKind.CORRECTION, EntryKind.CHAMBER_FEE})
"""What a statement charges for institutions."""

MONEY_IN = frozenset({EntryKind.PAYMENT, EntryKind.DIRECT_DEBIT, EntryKind.ASSIGNED_PAYMENT})
"""What an employer has paid."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking.

    Attributes:
        number: in the order of booking; None until it is in the ledger.
        employer: matricule; None for what concerns no employer (unmatched payments, transfers).
        day: when it counts.
        kind: why.
        postings: in the order of their accounts; they sum to zero.
        period: the wage month that it is about; for interest, the month for which it is due.
        statement: number of the statement that shows or charges it, or that a payer named.
        due: last day to pay, for what is to be paid.
        reference: the bank's, the payer's or the operator's own words; never a person's name.
        booked: when we learnt of it.
        about: number of the entry that this one concerns: the item of interest or of a waiver, the debit
            that was returned, the fine that was lifted, the unmatched payment that found its employer.

    Raises:
        ValueError: when the postings do not sum to zero, when an account stands twice, or when an
            employer's account is not that of the entry's employer.
    """

    number: int | None
    employer: str | None
    day: date
    kind: EntryKind
    postings: tuple[Posting, ...]
    period: Period | None
    statement: int | None
    due: date | None
    reference: str
    booked: Received
    about: int | None = None

    def __post_init__(self) -> None:
        if sum(posting.amount for posting in self.postings):
            raise ValueError(f"the postings of a {self.kind} do not sum to zero")
        accounts = [posting.account for posting in self.postings]
        if len(set(accounts)) != len(accounts):
            raise ValueError(f"an account stands twice in a {self.kind}")
        whose = {account.holder for account in accounts if account.kind is AccountKind.EMPLOYER}
        if whose != ({self.employer} if self.employer is not None else set()):
            raise ValueError(f"a {self.kind} of {self.employer} is on the accounts of {sorted(whose)}")
        object.__setattr__(self, "postings", tuple(sorted(self.postings, key=lambda one: one.account)))

    @property
    def amount(self) -> int:
        """What it changes on the employer's account: positive when the employer owes more."""
        return sum(p.amount for p in self.postings if p.account.kind is AccountKind.EMPLOYER)

    @property
    def shares(self) -> Mapping[Account, int]:
        """Whom it is for, and how much: what the employer owes to each of them by it."""
        return {
            posting.account: -posting.amount
            for posting in self.postings
            if posting.account.kind in _BENEFICIARIES
        }

    @property
    def closed_in(self) -> Period:
        """The month in whose accounts it stands: the first one that could know it."""
        day = max(self.day, _day_of(self.booked))
        return Period(day.year, day.month)


_BENEFICIARIES = frozenset({AccountKind.INSTITUTION, AccountKind.INTEREST, AccountKind.FINES})


@lru_cache(maxsize=1_000)
def _day_of(booked: Received) -> date:
    """The day of a moment; thousands of entries are booked in one."""
    return booked.day


def _charge(
    kind: EntryKind,
    employer: str,
    *,
    statement: int,
    issued: date,
    due: date,
    period: Period,
    by_institution: Mapping[str, int],
    booked: Received,
    reference: str = "",
) -> Entry:
    """What a statement charges.

    Args:
        issued: day of the statement, from which it counts.
        due: last day to pay.
        period: the wage month.
        by_institution: cents for each institution, such as `{"CNS": 12345}`, of all branches and both
            shares together.

    Raises:
        ValueError: when it is due before it was issued.
    """
    if due < issued:
        raise ValueError(f"due on {due}, before it was issued on {issued}")
    return Entry(
        number=None,
        employer=employer,
        day=issued,
        kind=kind,
        postings=_owed(employer, AccountKind.INSTITUTION, by_institution),
        period=period,
        statement=statement,
        due=due,
        reference=reference,
        booked=booked,
    )


contributions = partial(_charge, EntryKind.CONTRIBUTIONS)
"""The contributions of a wage month, as a statement charges them."""

correction = partial(_charge, EntryKind.CORRECTION)
"""The difference of a wage month that was charged before: what is due now less what was charged.

`period` is the wage month that is corrected; amounts may be negative, each of them and together.
"""

chamber_fee = partial(_charge, EntryKind.CHAMBER_FEE)
"""A fee that is collected for a professional chamber, such as `{"CSL": 3500}`."""


def mutuality_refund(
    employer: str,
    *,
    day: date,
    period: Period,
    amount: int,
    booked: Received,
    statement: int | None = None,
    due: date | None = None,
    reference: str = "",
) -> Entry:
    """A refund of the Mutualité des employeurs for the absences of a month.

    Args:
        amount: cents refunded; negative when a refund is taken back.
        due: last day to pay what is taken back.

    Raises:
        ValueError: when something is taken back without a last day to pay.
    """
    if amount < 0 and due is None:
        raise ValueError("a refund that is taken back needs a last day to pay")
    return Entry(
        number=None,
        employer=employer,
        day=day,
        kind=EntryKind.MUTUALITY_REFUND,
        postings=_owed(employer, AccountKind.INSTITUTION, {"MDE": -amount}),
        period=period,
        statement=statement,
        due=due if amount < 0 else None,
        reference=reference,
        booked=booked,
    )


def payment(
    employer: str,
    *,
    day: date,
    amount: int,
    reference: str,
    booked: Received,
    statement: int | None = None,
) -> Entry:
    """Money of an employer. `amount` in cents, above zero; `statement` is the one it names, if any."""
    return _money(EntryKind.PAYMENT, employer, day, -_above_zero(amount), reference, booked, statement)


def direct_debit(
    employer: str,
    *,
    day: date,
    amount: int,
    reference: str,
    booked: Received,
    statement: int | None = None,
) -> Entry:
    """Money that was collected from an employer's bank account. `amount` in cents, above zero."""
    return _money(EntryKind.DIRECT_DEBIT, employer, day, -_above_zero(amount), reference, booked, statement)


def returned_debit(
    employer: str, *, debit: int, day: date, amount: int, reference: str, booked: Received
) -> Entry:
    """A direct debit that the bank took back, whole.

    Args:
        debit: number of the entry of the direct debit.
        amount: cents of that debit.
    """
    return _money(
        EntryKind.RETURNED_DEBIT, employer, day, _above_zero(amount), reference, booked, about=debit
    )


def credit_paid(employer: str, *, day: date, amount: int, reference: str, booked: Received) -> Entry:
    """A credit balance, or a part of it, paid out on request. `amount` in cents, above zero."""
    return _money(EntryKind.CREDIT_PAID, employer, day, _above_zero(amount), reference, booked)


def _money(
    kind: EntryKind,
    employer: str,
    day: date,
    amount: int,
    reference: str,
    booked: Received,
    statement: int | None = None,
    about: int | None = None,
) -> Entry:
    """Between an employer and the bank; `amount` as on the employer's account."""
    return Entry(
        number=None,
        employer=employer,
        day=day,
        kind=kind,
        postings=(Posting(employer_account(employer), amount), Posting(BANK, -amount)),
        period=None,
        statement=statement,
        due=None,
        reference=reference,
        booked=booked,
        about=about,
    )


def interest(
    employer: str,
    *,
    item: int,
    month: Period,
    by_institution: Mapping[str, int],
    booked: Received,
    statement: int | None = None,
) -> Entry:
    """Late interest of an item for one full calendar month; it counts from the last day of that month.

    Args:
        item: number of the entry that is paid late.
        by_institution: cents for each institution; negative when later knowledge lessens the interest.
    """
    return Entry(
        number=None,
        employer=employer,
        day=month.last,
        kind=EntryKind.INTEREST,
        postings=_owed(employer, AccountKind.INTEREST, by_institution),
        period=month,
        statement=statement,
        due=None,
        reference="",
        booked=booked,
        about=item,
    )


def interest_waived(
    employer: str,
    *,
    item: int,
    day: date,
    by_institution: Mapping[str, int],
    reference: str,
    booked: Received,
) -> Entry:
    """Interest of an item that is waived. `by_institution` in cents, above zero."""
    waived = {institution: -_above_zero(amount) for institution, amount in by_institution.items()}
    return Entry(
        number=None,
        employer=employer,
        day=day,
        kind=EntryKind.INTEREST_WAIVER,
        postings=_owed(employer, AccountKind.INTEREST, waived),
        period=None,
        statement=None,
        due=None,
        reference=reference,
        booked=booked,
        about=item,
    )


def fine(
    employer: str,
    *,
    day: date,
    due: date,
    amount: int,
    reference: str,
    booked: Received,
    period: Period | None = None,
    statement: int | None = None,
    beneficiary: str = CENTRE,
) -> Entry:
    """A fine that was decided (never a mere proposal). `amount` in cents, above zero."""
    return Entry(
        number=None,
        employer=employer,
        day=day,
        kind=EntryKind.FINE,
        postings=_owed(employer, AccountKind.FINES, {beneficiary: _above_zero(amount)}),
        period=period,
        statement=statement,
        due=due,
        reference=reference,
        booked=booked,
    )


def discharge(
    lifted: Entry, *, day: date, reference: str, booked: Received, amount: int | None = None
) -> Entry:
    """A fine that is lifted: whole, or for an amount in cents.

    Raises:
        ValueError: when the entry is no fine of the ledger, or the amount is above it.
    """
    if lifted.kind is not EntryKind.FINE or lifted.number is None or lifted.employer is None:
        raise ValueError("only a fine that is in the ledger can be lifted")
    given = lifted.amount if amount is None else _above_zero(amount)
    if given > lifted.amount:
        raise ValueError("more is lifted than the fine")
    (holder,) = (account.holder for account in lifted.shares)
    return Entry(
        number=None,
        employer=lifted.employer,
        day=day,
        kind=EntryKind.DISCHARGE,
        postings=_owed(lifted.employer, AccountKind.FINES, {holder: -given}),
        period=lifted.period,
        statement=None,
        due=None,
        reference=reference,
        booked=booked,
        about=lifted.number,
    )


def unmatched_payment(*, day: date, amount: int, reference: str, booked: Received) -> Entry:
    """Money that came in and names nobody we know.

    Args:
        amount: cents, above zero.
        reference: of the bank for this payment; no other payment has it.
    """
    return Entry(
        number=None,
        employer=None,
        day=day,
        kind=EntryKind.UNMATCHED_PAYMENT,
        postings=(
            Posting(BANK, _above_zero(amount)),
            Posting(Account(AccountKind.UNMATCHED, reference), -amount),
        ),
        period=None,
        statement=None,
        due=None,
        reference=reference,
        booked=booked,
    )


def assigned_payment(
    employer: str, received: Entry, *, booked: Received, statement: int | None = None
) -> Entry:
    """Money that found its employer; it counts from the day on which it came in.

    Raises:
        ValueError: when the entry is no unmatched payment of the ledger.
    """
    if received.kind is not EntryKind.UNMATCHED_PAYMENT or received.number is None:
        raise ValueError("only an unmatched payment that is in the ledger can be assigned")
    amount = sum(one.amount for one in received.postings if one.account == BANK)
    return Entry(
        number=None,
        employer=employer,
        day=received.day,
        kind=EntryKind.ASSIGNED_PAYMENT,
        postings=(
            Posting(employer_account(employer), -amount),
            Posting(Account(AccountKind.UNMATCHED, received.reference), amount),
        ),
        period=None,
        statement=statement,
        due=None,
        reference=received.reference,
        booked=booked,
        about=received.number,
    )


def transfer(*, day: date, by_account: Mapping[Account, int], reference: str, booked: Received) -> Entry:
    """Money passed on to those it belongs to.

    Args:
        by_account: cents for each account of theirs; negative when they pay in, as the Mutualité does in
            a month in which it refunds more than was paid for it.
    """
    postings = [Posting(account, amount) for account, amount in sorted(by_account.items()) if amount]
    return Entry(
        number=None,
        employer=None,
        day=day,
        kind=EntryKind.TRANSFER,
        postings=(*postings, Posting(BANK, -sum(by_account.values()))),
        period=Period(day.year, day.month),
        statement=None,
        due=None,
        reference=reference,
        booked=booked,
    )


def numbered(entry: Entry, number: int) -> Entry:
    """The same, under a number of the ledger."""
    return replace(entry, number=number)


def employer_account(employer: str) -> Account:
    """The account of an employer."""
    return Account(AccountKind.EMPLOYER, employer)


def _owed(employer: str, kind: AccountKind, by_holder: Mapping[str, int]) -> tuple[Posting, ...]:
    """What an employer owes to some holders of accounts of one kind."""
    postings = [Posting(Account(kind, holder), -amount) for holder, amount in by_holder.items() if amount]
    return (Posting(employer_account(employer), sum(by_holder.values())), *postings)


def _above_zero(amount: int) -> int:
    if amount <= 0:
        raise ValueError(f"an amount above zero is needed, not {amount}")
    return amount
