"""What holds after any history of an account, to the cent."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger import AccountKind, EntryKind, interest_due
from gateway.ledger.institutions import BENEFICIARIES, Books, month_end
from gateway.ledger.interest import always_in_time, computed
from gateway.ledger.policy import Policy
from gateway.moments import Period
from tests.ledger.histories import CHARGE, EMPLOYER, FIRST, KINDS, History, full, moment, policies, steps

IN_TIME = frozenset(KINDS) - {"plan", "dispute", "decision", "interest", "waiver"}
histories = st.lists(steps, max_size=20)
several = settings(max_examples=50, deadline=None)


def after(story: list, policy: Policy) -> History:
    history = History(policy)
    for step in story:
        history.happen(*step)
    return history


@several
@given(histories, policies, st.integers(0, 400))
def test_the_account_is_what_is_open_less_the_credit_on_every_day(story, policy, back):
    history = after(story, policy)
    for day in (history.day, history.day - timedelta(days=back), FIRST - timedelta(days=1)):
        standing = history.position(day)
        assert (
            standing.balance
            == sum(one.open for one in standing.items) + standing.interest_owed - standing.credit
        )
        assert standing.credit >= 0
        assert all(0 <= one.disputed <= one.open for one in standing.items)
        assert all(one.open > 0 and all(n > 0 for n in one.shares.values()) for one in standing.items)
        assert all(sum(one.shares.values()) == one.open for one in (*standing.items, *standing.interest))
        # Nothing stays unused while something is open.
        assert not standing.credit or not (standing.items or standing.interest)


@several
@given(histories, policies)
def test_every_beneficiary_has_what_is_charged_less_what_is_open_and_no_money_is_lost(story, policy):
    history = after(story, policy)
    standing = history.position()
    charged, still_open, money = Counter(), Counter(), 0
    for entry in history.entries:
        assert sum(posting.amount for posting in entry.postings) == 0
        charged.update(entry.shares)
        money += sum(p.amount for p in entry.postings if p.account.kind is AccountKind.BANK)
    for one in (*standing.items, *standing.interest):
        still_open.update(one.shares)
    for account in {*charged, *standing.collected, *still_open}:
        if account.kind in BENEFICIARIES:
            assert standing.collected.get(account, 0) == charged[account] - still_open[account]
    paid_back = sum(n for account, n in still_open.items() if account.kind is AccountKind.BANK)
    assert sum(standing.collected.values()) + standing.credit - paid_back == money


@several
@given(histories, policies)
def test_interest_is_booked_once(story, policy):
    history = after(story, policy)
    history.book_interest()
    assert history.book_interest() == []


@several
@given(histories, policies)
def test_interest_is_never_on_interest_and_never_above_the_rate_on_what_was_charged(story, policy):
    history = after(story, policy)
    history.book_interest()
    entries = {one.number: one for one in history.entries}
    booked: Counter = Counter()
    for one in entries.values():
        if one.kind is EntryKind.INTEREST:
            item = entries[one.about]
            assert item.kind is not EntryKind.INTEREST
            assert item.due < one.period.first
            booked[one.about, one.period] += one.amount
    for (item, _), amount in booked.items():
        # Half a cent for each rounding, and one more where months are rounded together.
        charged = sum(max(n, 0) for n in entries[item].shares.values())
        assert 0 <= amount * 1000 <= charged * 6 + 1000


@several
@given(histories, policies)
def test_the_months_of_the_institutions_agree_with_the_ledger_to_the_cent(story, policy):
    history = after(story, policy)
    books = [Books(EMPLOYER, history.entries, history.plans, history.disputes)]
    last = Period(history.day.year, history.day.month)
    close = month_end(last, books, [], policy).after
    assert close.differences(history.ledger.accounts(last)) == []
    totals: Counter = Counter()
    month = Period(FIRST.year, FIRST.month)
    while month <= last:
        for state in month_end(month, books, [], policy).states({}):
            totals["due"] += state.due
            totals["adjustments"] += state.adjustments
            totals["interest"] += state.interest
            totals["fines"] += state.fines
            totals["refunds"] += state.refunds
            totals["paid"] += state.paid
        month = month.plus(1)
    shares = Counter()
    for one in history.entries:
        shares.update(one.shares)
    charged = sum(n for account, n in shares.items() if account.kind in BENEFICIARIES)
    assert charged == sum(totals[h] for h in ("due", "adjustments", "interest", "fines")) - totals["refunds"]
    settled = sum(n for account, n in close.settled.items() if account.kind in BENEFICIARIES)
    assert totals["paid"] == settled + sum(close.refunded.values())


@several
@given(st.integers(1, 6), st.integers(0, 60), st.booleans())
def test_a_plan_that_is_kept_bears_no_interest_and_one_that_is_not_does_again(months, delay, missed):
    history = History()
    history.charge(CHARGE, due=FIRST + timedelta(days=10))
    history.day += timedelta(days=11 + delay)
    if (history.day + timedelta(days=1)).day == 1:
        history.day += timedelta(days=1)  # else the month that ends is free, and its interest goes back
    history.book_interest()
    history.grant(full() // 2)
    before = history.position().interest_owed
    (plan,) = history.plans
    assert plan.total == full() + before
    for one in plan.instalments[:-1] if missed else plan.instalments:
        history.day = one.due
        history.pay(one.amount)
    history.day = plan.instalments[-1].due + timedelta(days=31 * months + 31)
    found = history.book_interest()
    if missed:
        assert all(one.amount > 0 and one.period.first > plan.instalments[-1].due for one in found)
        assert len(found) >= months
    else:
        assert found == []
        assert history.position().balance == 0


@several
@given(histories, policies)
def test_interest_known_at_once_is_interest_known_step_by_step(story, policy):
    """Asking each month or once at the end books the same sums, but for what was waived in between."""
    story = [
        step
        for step in story
        if step[0] not in ("interest", "waiver", "credit paid", "plan", "exact payment", "dispute")
    ]
    once, stepwise = after(story, policy), History(policy)
    for step in story:
        stepwise.happen(*step)
        stepwise.book_interest()
    once.book_interest()
    sums = [Counter(), Counter()]
    for total, history in zip(sums, (once, stepwise), strict=True):
        entries = {one.number: one for one in history.entries}
        for one in entries.values():
            if one.kind is EntryKind.INTEREST:
                item = entries[one.about]
                total[item.kind, item.day, item.amount, item.due, one.period] += one.amount
    assert {k: n for k, n in sums[0].items() if n} == {k: n for k, n in sums[1].items() if n}


@several
@given(histories)
def test_who_is_always_in_time_by_the_sums_owes_no_interest(story):
    history = after([step for step in story if step[0] in IN_TIME], Policy())
    for days in (0, 45, 100):
        day = history.day + timedelta(days=days)
        if always_in_time(history.entries, day):
            assert computed(history.entries, [], [], day, Policy()) == {}


def test_both_answers_are_given():
    """The control: who pays is in time, who does not is not, who has no month complete is again."""
    history = History()
    history.charge(CHARGE, due=FIRST + timedelta(days=10))
    assert always_in_time(history.entries, FIRST + timedelta(days=40))
    assert not always_in_time(history.entries, FIRST + timedelta(days=90))
    history.pay(full())
    assert always_in_time(history.entries, FIRST + timedelta(days=90))


def test_a_day_before_the_month_is_complete_nothing_is_due():
    history = History()
    history.charge({"CNS": 100_000}, due=FIRST + timedelta(days=10))
    last = Period(2025, 2).last
    assert interest_due(history.entries, [], [], last - timedelta(days=1), booked=moment(last)) == []
    assert len(interest_due(history.entries, [], [], last, booked=moment(last))) == 1
