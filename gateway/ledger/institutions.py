"""The month end for each institution (RGD 12 May 1975, art. 13), and what is passed on to it.

Nine headings and two statistics. A booking belongs to the month that could first know it: what counts from
an earlier day but was booked later stands in the month of its booking, so that a closed month stays as it
was told and the months add up.

Money is passed on as it comes in: what was settled for an institution, less what was passed on before.

Nearly all employers have paid what they were charged. Nothing is open on an account that is not above zero,
as a credit settles whatever is open; so of these employers the sums of the ledger say all there is to say,
and only the books of those who owe something have to be gone through (`from_totals`). `month_end` goes
through the books of everybody: both answer the same, which tests see to.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.ledger.arrangements import Dispute, Plan
from gateway.ledger.entries import Account, AccountKind, Entry, EntryKind
from gateway.ledger.policy import Policy
from gateway.ledger.position import Position, position
from gateway.moments import Period
from gateway.money import euro

_DEFAULT = Policy()
BENEFICIARIES = frozenset({AccountKind.INSTITUTION, AccountKind.INTEREST, AccountKind.FINES})


class Books(NamedTuple):
    """All that is known of one employer."""

    employer: str
    entries: Sequence[Entry]
    plans: Sequence[Plan] = ()
    disputes: Sequence[Dispute] = ()


class Total(NamedTuple):
    """What was booked on one account of a beneficiary by entries of one kind, of all employers, by the close
    of a month. Cents; positive is what employers owe to it.

    Attributes:
        fresh: whether these are the entries of that month, or those of all months before it.
        amount: in all.
        given: the sum of the amounts below zero, without its sign.
        ahead: the sum of the amounts above zero that fall due after the month.
        ahead_before: that of those which fall due after the month before; zero for fresh ones.
    """

    account: Account
    kind: EntryKind
    fresh: bool
    amount: int
    given: int
    ahead: int
    ahead_before: int


class Totals(NamedTuple):
    """The ledger at the close of a month, added up.

    Attributes:
        booked: by account and kind.
        credit: of all employers whose account is below zero.
        owing: those whose account is above zero.
        credit_before, owing_before: the same at the close of the month before.
    """

    booked: Sequence[Total]
    credit: int
    owing: frozenset[str]
    credit_before: int
    owing_before: frozenset[str]


class Statistics(NamedTuple):
    """The two statistics of an institution: persons, and the sum of their bases in cents."""

    head_count: int
    wage_mass: int


@dataclass(frozen=True, slots=True)
class InstitutionMonth:
    """The accounts of an institution for a month. Amounts in cents.

    Attributes:
        institution: such as `CNS`; `CCSS` is the centre itself, which keeps the fines.
        paid: settled for it in the month: by money, or by set-off against credits of others; less what
            it gave back itself other than refunds.
        due: contributions and fees charged in the month.
        advances: of what was settled so far, what falls due after the month.
        arrears: due by the end of the month and not settled.
        fines: fines of the month less those lifted in it.
        interest: late interest of the month less what was waived in it.
        adjustments: corrections of earlier wage months.
        refunds: refunds to employers (Mutualité des employeurs).
        transfers: passed on to it in the month.
        head_count, wage_mass: the two statistics; None when they were not given.
    """

    institution: str
    period: Period
    paid: int
    due: int
    advances: int
    arrears: int
    fines: int
    interest: int
    adjustments: int
    refunds: int
    transfers: int
    head_count: int | None = None
    wage_mass: int | None = None


HEADINGS = (
    "paid",
    "due",
    "advances",
    "arrears",
    "fines",
    "interest",
    "adjustments",
    "refunds",
    "transfers",
)


@dataclass(frozen=True, slots=True)
class Transferable:
    """What is to be passed on from one account of a beneficiary. Amounts in cents.

    Attributes:
        settled: for it, since the beginning.
        transferred: passed on before.
    """

    account: Account
    settled: int
    transferred: int

    @property
    def amount(self) -> int:
        """To be passed on; negative when the beneficiary pays in."""
        return self.settled - self.transferred


@dataclass(slots=True)
class Closing:
    """What stands at the close of a month, over all employers, for each account of a beneficiary. Cents.

    Attributes:
        settled: in all, since the beginning.
        open: still to be paid by employers.
        arrears: of that, what fell due.
        ahead: settled of what falls due later.
        refunded: given to employers as refunds, since the beginning.
        credit: of employers, used for nothing.
        transferred: passed on, since the beginning.
    """

    period: Period
    settled: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    open: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    arrears: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    ahead: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    refunded: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    credit: int = 0
    transferred: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, books: Books, policy: Policy = _DEFAULT) -> None:
        """Add one employer, as it was known at the close."""
        known = [one for one in books.entries if one.closed_in <= self.period]
        standing = self._position(books, known, policy)
        for account, amount in standing.collected.items():
            self.settled[account] += amount
        self._leave_open(standing)
        for one in known:
            if one.kind is EntryKind.MUTUALITY_REFUND:
                for account, amount in one.shares.items():
                    self.refunded[account] -= min(amount, 0)
            if one.due is not None and one.due > self.period.last:
                for account, amount in one.shares.items():
                    self.ahead[account] += max(amount, 0)
        self.credit += standing.credit

    def add_totals(self, booked: Iterable[tuple[Total, int]], credit: int) -> None:
        """Add everybody, as if nothing were open; what is has to be added with `add_owing`.

        Args:
            booked: by the close, each with what of it falls due later.
            credit: of all employers.
        """
        for one, ahead in booked:
            self.settled[one.account] += one.amount
            self.ahead[one.account] += ahead
            if one.kind is EntryKind.MUTUALITY_REFUND:
                self.refunded[one.account] += one.given
        self.credit += credit

    def add_owing(self, books: Books, policy: Policy = _DEFAULT) -> None:
        """Take out what is open of an employer who was added with all others.

        Raises:
            ArithmeticError: when not everything is either settled or open, or a credit stands beside it.
        """
        known = [one for one in books.entries if one.closed_in <= self.period]
        standing = self._position(books, known, policy)
        rest: defaultdict[Account, int] = defaultdict(int)
        for one in known:
            for account, amount in one.shares.items():
                rest[account] += amount
        shares_open = [one.shares for one in standing.items] + [one.shares for one in standing.interest]
        for shares in shares_open:
            for account, amount in shares.items():
                if account.kind in BENEFICIARIES:
                    self.settled[account] -= amount
                    rest[account] -= amount
        if standing.credit or any(rest[one] != standing.collected.get(one, 0) for one in rest):
            raise ArithmeticError(f"{books.employer}: what is open and settled is not what was booked")
        self._leave_open(standing)

    def _leave_open(self, standing: Position) -> None:
        for interest in standing.interest:
            for account, amount in interest.shares.items():
                self.open[account] += amount
                self.arrears[account] += amount
        for item in standing.items:
            late = item.due <= self.period.last
            for account, amount in item.shares.items():
                self.open[account] += amount
                if late:
                    self.arrears[account] += amount
                else:
                    self.ahead[account] -= amount

    def _position(self, books: Books, known: Sequence[Entry], policy: Policy) -> Position:
        last = self.period.last
        return position(
            known,
            [one for one in books.plans if one.entered.day <= last],
            [one for one in books.disputes if one.entered.day <= last],
            employer=books.employer,
            day=last,
            policy=policy,
        )

    def transfer(self, entries: Iterable[Entry]) -> None:
        """Count what was passed on by the close."""
        for one in entries:
            if one.closed_in <= self.period:
                for account, amount in one.shares.items():
                    self.transferred[account] -= amount

    def transferable(self) -> list[Transferable]:
        """What is to be passed on for each account of a beneficiary, in order."""
        accounts = {*_used(self.settled), *_used(self.transferred)}
        return [
            Transferable(one, self.settled[one], self.transferred[one])
            for one in sorted(accounts)
            if one.kind in BENEFICIARIES
        ]

    def differences(self, accounts: Mapping[Account, int]) -> list[str]:
        """In what this disagrees with the accounts of the ledger at the close; nothing when all is well.

        Every beneficiary's account holds what is open and what is settled, less what was passed on; the
        bank holds what is settled and not passed on, credits and what is unmatched.
        """
        everybody = {*self.open, *self.settled, *self.transferred, *accounts}
        found = [
            f"{one}: ledger {-accounts.get(one, 0)}, positions {counted}"
            for one in sorted(everybody)
            if one.kind in BENEFICIARIES
            and (counted := self.open[one] + self.settled[one] - self.transferred[one])
            != -accounts.get(one, 0)
        ]
        money = {kind: _sum_of(kind, accounts) for kind in (AccountKind.BANK, AccountKind.UNMATCHED)}
        settled = sum(self.settled.values()) - sum(self.transferred.values())
        to_pay_back = _sum_of(AccountKind.BANK, self.open)
        at_bank = settled + self.credit - to_pay_back - money[AccountKind.UNMATCHED]
        if at_bank != money[AccountKind.BANK]:
            found.append(f"bank: ledger {money[AccountKind.BANK]}, positions {at_bank}")
        return found


def _sum_of(kind: AccountKind, accounts: Mapping[Account, int]) -> int:
    return sum(amount for account, amount in accounts.items() if account.kind is kind)


def _used(amounts: Mapping[Account, int]) -> set[Account]:
    """The accounts on which there is anything."""
    return {account for account, amount in amounts.items() if amount}


class MonthEnd:
    """The month end of all institutions, gathered employer by employer."""

    def __init__(self, period: Period, transfers: Iterable[Entry], policy: Policy = _DEFAULT) -> None:
        """Begin with the entries by which money was passed on, of whatever month."""
        self.period = period
        self.before, self.after = Closing(period.plus(-1)), Closing(period)
        self._policy = policy
        self._charged: defaultdict[tuple[EntryKind, Account], int] = defaultdict(int)
        passed_on = list(transfers)
        self.before.transfer(passed_on)
        self.after.transfer(passed_on)

    def add(self, books: Books) -> None:
        """Add one employer."""
        self.before.add(books, self._policy)
        self.after.add(books, self._policy)
        for one in books.entries:
            if one.closed_in == self.period:
                for account, amount in one.shares.items():
                    self._charged[one.kind, account] += amount

    def add_totals(self, totals: Totals) -> None:
        """Add all employers at once; those who owe something are then gone through with `add_owing`."""
        before = ((one, one.ahead_before) for one in totals.booked if not one.fresh)
        self.before.add_totals(before, totals.credit_before)
        self.after.add_totals(((one, one.ahead) for one in totals.booked), totals.credit)
        for one in totals.booked:
            if one.fresh:
                self._charged[one.kind, one.account] += one.amount

    def add_owing(self, books: Books, totals: Totals) -> None:
        """Go through the books of one employer who owes something, or did a month ago."""
        if books.employer in totals.owing_before:
            self.before.add_owing(books, self._policy)
        if books.employer in totals.owing:
            self.after.add_owing(books, self._policy)

    def states(self, statistics: Mapping[str, Statistics]) -> list[InstitutionMonth]:
        """The accounts of every institution, in order of their names; with statistics by institution."""
        accounts = {*_used(self.after.settled), *_used(self.after.open), *_used(self.after.transferred)}
        accounts |= {account for _, account in self._charged}
        institutions = {one.holder for one in accounts if one.kind in BENEFICIARIES} | statistics.keys()
        return [self._state(one, statistics.get(one)) for one in sorted(institutions)]

    def _state(self, institution: str, statistics: Statistics | None) -> InstitutionMonth:
        before, after = self.before, self.after

        def of(amounts: Mapping[Account, int]) -> int:
            return sum(
                n for one, n in amounts.items() if one.holder == institution and one.kind in BENEFICIARIES
            )

        def booked(*kinds: EntryKind) -> int:
            return sum(
                n for (kind, one), n in self._charged.items() if kind in kinds and one.holder == institution
            )

        return InstitutionMonth(
            institution=institution,
            period=self.period,
            paid=of(after.settled) - of(before.settled) + of(after.refunded) - of(before.refunded),
            due=booked(EntryKind.CONTRIBUTIONS, EntryKind.CHAMBER_FEE),
            advances=of(after.ahead),
            arrears=of(after.arrears),
            fines=booked(EntryKind.FINE, EntryKind.DISCHARGE),
            interest=booked(EntryKind.INTEREST, EntryKind.INTEREST_WAIVER),
            adjustments=booked(EntryKind.CORRECTION),
            refunds=-booked(EntryKind.MUTUALITY_REFUND),
            transfers=of(after.transferred) - of(before.transferred),
            head_count=None if statistics is None else statistics.head_count,
            wage_mass=None if statistics is None else statistics.wage_mass,
        )


def month_end(
    period: Period, books: Iterable[Books], transfers: Iterable[Entry], policy: Policy = _DEFAULT
) -> MonthEnd:
    """The month end of all institutions, from the books of all employers."""
    found = MonthEnd(period, transfers, policy)
    for one in books:
        found.add(one)
    return found


def from_totals(
    period: Period,
    totals: Totals,
    books: Iterable[Books],
    transfers: Iterable[Entry],
    policy: Policy = _DEFAULT,
) -> MonthEnd:
    """The same from the ledger added up, and the books of those who owe something or did a month ago.

    Raises:
        ArithmeticError: when an account is not what its books say.
    """
    found = MonthEnd(period, transfers, policy)
    found.add_totals(totals)
    for one in books:
        found.add_owing(one, totals)
    return found


def states_document(found: Iterable[InstitutionMonth]) -> list[dict[str, object]]:
    """As JSON: amounts as text in euro."""
    return [
        {
            "institution": one.institution,
            "period": str(one.period),
            **{heading: euro(getattr(one, heading)) for heading in HEADINGS},
            "head_count": one.head_count,
            "wage_mass": None if one.wage_mass is None else euro(one.wage_mass),
        }
        for one in found
    ]


def transfers_document(period: Period, found: Iterable[Transferable]) -> list[dict[str, object]]:
    """The distribution file as JSON: amounts as text in euro."""
    return [
        {
            "beneficiary": one.account.holder,
            "for": one.account.kind.value,
            "until": str(period),
            "settled": euro(one.settled),
            "transferred": euro(one.transferred),
            "to_transfer": euro(one.amount),
        }
        for one in found
    ]


_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]{2})?")


def to_csv(document: Sequence[Mapping[str, object]]) -> str:
    """A document as CSV (RFC 4180) with a header; no text in it is a formula to a spreadsheet."""
    if not document:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(document[0])
    for row in document:
        writer.writerow([_cell("" if value is None else str(value)) for value in row.values()])
    return text.getvalue()


def _cell(text: str) -> str:
    """An apostrophe stands in front of what a spreadsheet would take for a formula."""
    if _AMOUNT.fullmatch(text) or not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return text
    return f"'{text}"
