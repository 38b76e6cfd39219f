"""Cents, their one spelling, and half a cent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import cents_of, euro, round_half_up

CENTS = st.integers(-(10**15), 10**15)


@given(CENTS)
def test_what_is_written_reads_the_same(cents: int) -> None:
    assert cents_of(euro(cents)) == cents


@given(CENTS)
def test_what_is_written_is_the_amount(cents: int) -> None:
    assert Decimal(euro(cents)) * 100 == cents


@given(st.text("-+0123456789.,eE_ '\u00a0", max_size=12))
def test_there_is_one_spelling(text: str) -> None:
    try:
        cents = cents_of(text)
    except ValueError:
        return
    assert euro(cents) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "12.5",
        "12.500",
        "+1.00",
        "01.00",
        "-0.00",
        ".50",
        "1,50",
        "1 000.00",
        "1e3.00",
        "٣.00",
        "1.00\n",
        "NaN",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="written like"):
        cents_of(text)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_half_a_cent_goes_away_from_zero(amount: Decimal) -> None:
    exact = Fraction(amount) * 100
    away = abs(exact) + Fraction(1, 2)
    size = away.numerator // away.denominator
    assert round_half_up(amount) == (size if exact >= 0 else -size)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_a_reversal_takes_back_exactly_what_was_booked(amount: Decimal) -> None:
    assert round_half_up(-amount) == -round_half_up(amount)
