"""To whom a booking belongs: exactly one employer of the register, quoted with right check digits."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.entries import BANK, EntryKind
from gateway.matricule import is_employer
from gateway.moments import Received
from gateway.payments import (
    EXPLANATIONS,
    Match,
    Order,
    OrderKind,
    Payment,
    PaymentAnomaly,
    booking,
    match,
    quoted,
    split,
)

EMPLOYER = "2099990001299"
OTHER = "2099990002099"
NATURAL = "1893120105732"
NOW = Received(datetime(2026, 3, 11, 8, tzinfo=UTC))
COLLECTED = Order(OrderKind.COLLECTION, "202601-0000007", EMPLOYER, 500_00, statement=7)
REFUNDED = Order(OrderKind.REFUND, "REFUND-0000003", EMPLOYER, -80_00)
ORDERS = {one.end_to_end: one for one in (COLLECTED, REFUNDED)}


def payment(amount: int = 500_00, **told: object) -> Payment:
    return Payment(
        "20260310/A/50000", "20260310/A/50000", "LU", date(2026, 3, 10), date(2026, 3, 10), amount, **told
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        EMPLOYER,
        "2099 9900 01299",
        "2099.9900.012.99",
        "2099/9900012/99",
        "2099 - 9900 012 99",
        "209999000\n1299",
        "Matricule2099990001299.",
        "cotisations 01/2026 matr. 2099990001299 facture 202601-0000123",
        "2099990001299 2026 01",
        "2026 2099990001299",
        "<b>2099990001299</b>",
        "2099990001299 2099990001299",
        "2099\u00a09900\u00a001299",
    ],
)
def test_a_matricule_is_found_as_payers_write_it(text: str) -> None:
    assert quoted(text) == {EMPLOYER}


def test_of_a_creditor_reference_the_check_digits_are_left_aside() -> None:
    assert quoted("RF382099990001299") == {EMPLOYER}
    assert quoted("payment RF382099990001299 thanks") == {EMPLOYER}
    assert quoted("RF372099990001299") == frozenset(), "with wrong check digits it is one long number"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2099990001399",
        "12099990001299",
        "20999900012990",
        "209999000129",
        "2099990001299001",
        "2099----9900012----99",
        "２０９９９９０００１２９９",
        "LU45 9990 0000 0000 4712",
        "20999 90001 2999",
    ],
)
def test_what_is_no_matricule_is_none(text: str) -> None:
    assert quoted(text) == frozenset()


@given(st.text(alphabet="0123456789 ./-ab", max_size=60))
def test_only_numbers_with_right_check_digits_are_found_whatever_is_written(text: str) -> None:
    assert all(is_employer(number) for number in quoted(text))


@given(st.lists(st.sampled_from(["", " ", ".", "/", "-", "  "]), min_size=12, max_size=12))
def test_wherever_it_is_divided(between: list[str]) -> None:
    text = EMPLOYER[0] + "".join(gap + digit for gap, digit in zip(between, EMPLOYER[1:], strict=True))
    assert quoted(f"ref: {text}, merci") == {EMPLOYER}


def test_exactly_one_known_employer_is_a_match() -> None:
    found = match(payment(remittance=f"{EMPLOYER} or {OTHER}"), {EMPLOYER}, {})
    assert found == Match(EMPLOYER), "the other number is of nobody in the register"
    assert match(payment(structured=NATURAL), {NATURAL}, {}) == Match(NATURAL)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"remittance": "merci"}, PaymentAnomaly.REFERENCE),
        ({"remittance": OTHER}, PaymentAnomaly.REFERENCE),
        ({"remittance": "2099990001399"}, PaymentAnomaly.REFERENCE),
        ({"name": f"Employer {EMPLOYER}", "iban": "LU"}, PaymentAnomaly.REFERENCE),
        ({"end_to_end": EMPLOYER}, PaymentAnomaly.REFERENCE),
        ({"end_to_end": COLLECTED.end_to_end}, PaymentAnomaly.REFERENCE),
        ({"remittance": f"{EMPLOYER} {NATURAL}"}, PaymentAnomaly.AMBIGUOUS),
        ({"structured": EMPLOYER, "remittance": NATURAL}, PaymentAnomaly.AMBIGUOUS),
        ({"amount": -500_00, "remittance": EMPLOYER}, PaymentAnomaly.OUT),
        ({"amount": -500_00, "returned": "AM04", "remittance": EMPLOYER}, PaymentAnomaly.RETURN),
        ({"family": "IDDT", "remittance": EMPLOYER}, PaymentAnomaly.ORDER),
        ({"family": "IDDT", "end_to_end": COLLECTED.end_to_end, "amount": 499_99}, PaymentAnomaly.ORDER),
        ({"returned": "AM04", "end_to_end": COLLECTED.end_to_end, "amount": -500_00}, PaymentAnomaly.RETURN),
        ({"anomaly": PaymentAnomaly.SUM, "remittance": EMPLOYER}, PaymentAnomaly.SUM),
    ],
)
def test_anything_else_belongs_to_nobody_and_says_why(told: dict[str, object], why: PaymentAnomaly) -> None:
    found = match(payment(**told), {EMPLOYER, NATURAL}, ORDERS)  # type: ignore[arg-type]
    assert found == Match(anomaly=why)
    entry = booking(payment(**told), found, NOW)  # type: ignore[arg-type]
    assert entry.kind is EntryKind.UNMATCHED_PAYMENT
    assert entry.employer is None
    assert {one.amount for one in entry.postings if one.account == BANK} == {told.get("amount", 500_00)}
    assert EXPLANATIONS[why]


def test_every_anomaly_is_explained() -> None:
    assert set(EXPLANATIONS) == set(PaymentAnomaly)


def test_our_orders_are_known_by_their_id_when_the_bank_says_they_are_ours() -> None:
    collected = payment(end_to_end=COLLECTED.end_to_end, family="IDDT")
    found = match(collected, (), ORDERS)
    assert found == Match(EMPLOYER, order=COLLECTED)
    entry = booking(collected, found, NOW)
    assert (entry.kind, entry.amount, entry.statement) == (EntryKind.DIRECT_DEBIT, -500_00, 7)
    by_mandate = payment(end_to_end=COLLECTED.end_to_end, mandate="M-1")
    assert match(by_mandate, (), ORDERS).order == COLLECTED


def test_a_returned_debit_is_booked_as_if_never_collected() -> None:
    paid = Order(OrderKind.COLLECTION, "202601-0000007", EMPLOYER, 500_00, statement=7, paid=41)
    back = payment(-500_00, end_to_end=paid.end_to_end, returned="MD01")
    entry = booking(back, match(back, (), {paid.end_to_end: paid}), NOW)
    assert (entry.kind, entry.amount, entry.about) == (EntryKind.RETURNED_DEBIT, 500_00, 41)


def test_a_refund_is_paid_and_may_come_back() -> None:
    out = payment(-80_00, end_to_end=REFUNDED.end_to_end, family="ICDT")
    entry = booking(out, match(out, (), ORDERS), NOW)
    assert (entry.kind, entry.amount) == (EntryKind.CREDIT_PAID, 80_00)
    paid = Order(OrderKind.REFUND, REFUNDED.end_to_end, EMPLOYER, -80_00, paid=42)
    back = payment(80_00, end_to_end=paid.end_to_end, returned="AC04")
    entry = booking(back, match(back, (), {paid.end_to_end: paid}), NOW)
    assert (entry.kind, entry.amount) == (EntryKind.PAYMENT, -80_00)


def test_an_order_is_answered_once() -> None:
    paid = Order(OrderKind.COLLECTION, "x", EMPLOYER, 500_00, statement=7, paid=41, returned=42)
    again = payment(end_to_end="x", family="IDDT")
    assert match(again, (), {"x": paid}).anomaly is PaymentAnomaly.ORDER
    back = payment(-500_00, end_to_end="x", returned="MD01")
    assert match(back, (), {"x": paid}).anomaly is PaymentAnomaly.RETURN


def test_a_sum_of_our_orders_is_told_apart_only_when_it_adds_up() -> None:
    other = Order(OrderKind.COLLECTION, "202601-0000008", OTHER, 120_00, statement=8)
    parts = split(payment(620_00, batch="DD-1-1"), [COLLECTED, other])
    assert [(one.end_to_end, one.amount, one.family) for one in parts] == [
        ("202601-0000007", 500_00, "IDDT"),
        ("202601-0000008", 120_00, "IDDT"),
    ]
    assert len({one.reference for one in parts}) == 2
    (whole,) = split(payment(619_99, batch="DD-1-1"), [COLLECTED, other])
    assert (whole.amount, whole.anomaly) == (619_99, PaymentAnomaly.SUM)
