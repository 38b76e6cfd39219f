"""The 13-digit numbers, held against check digits computed another way."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.matricule import (
    company_number,
    is_employer,
    is_legal_person,
    is_person,
    next_company_number,
    person_number,
)

BORN = st.dates(date(1000, 1, 1), date(2999, 12, 31))
SERIALS = st.integers(1, 999)


def luhn_holds(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, digits of the products added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def turn(a: int, b: int) -> int:
    """The group of the pentagon's turns (0 to 4) and flips (5 to 9)."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def verhoeff_holds(digits: str) -> bool:
    """Verhoeff 1969: each place permuted once more than the one before it, the group's product is 0."""
    permutation = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit)
        for _ in range(place % 8):
            number = permutation[number]
        total = turn(total, number)
    return total == 0


def test_the_example_of_the_regulation() -> None:
    assert is_person("1893120105732")
    assert person_number(date(1893, 12, 1), 57) == "1893120105732"


@given(BORN, SERIALS)
def test_a_number_given_is_right_by_both_digits(born: date, serial: int) -> None:
    number = person_number(born, serial)
    assert number[:11] == f"{born.year:04d}{born.month:02d}{born.day:02d}{serial:03d}"
    assert luhn_holds(number[:12])
    assert verhoeff_holds(number[:11] + number[12])
    assert is_person(number)
    assert is_employer(number)


@given(BORN, SERIALS, st.integers(0, 12), st.integers(1, 9))
def test_one_digit_miskeyed_is_noticed(born: date, serial: int, place: int, by: int) -> None:
    number = person_number(born, serial)
    other = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not is_person(other)


@given(BORN, SERIALS, st.integers(0, 9))
def test_two_neighbours_of_the_stem_exchanged_are_noticed(born: date, serial: int, place: int) -> None:
    number = person_number(born, serial)
    other = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert is_person(other) == (other == number)


@given(st.text("0123456789", min_size=13, max_size=13))
def test_a_person_is_whoever_has_both_digits_and_a_birth_date(number: str) -> None:
    digits = luhn_holds(number[:12]) and verhoeff_holds(number[:11] + number[12])
    if is_person(number):
        assert digits
    elif digits:
        with pytest.raises(ValueError, match=r"day|month|year"):
            date(int(number[:4]), int(number[4:6]) or 1, int(number[6:8]) or 1)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "189312010573",
        "18931201057322",
        "1893-20105732",
        " 893120105732",
        "١٨٩٣١٢٠١٠٥٧٣٢",
        "1893120105732\n",
    ],
)
def test_anything_else_is_no_number(number: str) -> None:
    assert not is_person(number)
    assert not is_employer(number)


def weighted(stem: str) -> int:
    """The sum of the first ten digits, weighted 5 4 3 2 7 6 5 4 3 2, modulo 11."""
    return (
        sum(int(digit) * weight for digit, weight in zip(stem, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True))
        % 11
    )


@given(st.integers(1, 9999), st.text("0123456789", min_size=6, max_size=6), st.integers(0, 99))
def test_a_legal_person_has_one_check_digit_or_none(year: int, rest: str, extension: int) -> None:
    stem = f"{year:04d}{rest}"
    right = [digit for digit in "0123456789" if is_legal_person(stem + digit)]
    total = weighted(stem)
    assert right == ([] if total == 1 else [str((11 - total) % 11)])
    assert all(is_employer(f"{stem}{digit}{extension:02d}") for digit in right)


def test_a_legal_person_has_a_year() -> None:
    """Zeros keep every check digit."""
    assert weighted("0000000000") == 0
    assert not is_legal_person("00000000000")
    assert not is_employer("0000000000000")


@pytest.mark.parametrize("serial", [-1, 0, 1000])
def test_a_serial_has_three_digits(serial: int) -> None:
    with pytest.raises(ValueError, match="three digits"):
        person_number(date(1893, 12, 1), serial)


YEARS = st.integers(1, 9999)


@given(YEARS, st.integers(1, 9999))
def test_a_company_number_has_the_one_check_digit_that_is_right(year: int, serial: int) -> None:
    number = company_number(year, serial)
    stem = f"{year:04d}99{serial:04d}"
    total = weighted(stem)
    assert number == (None if total == 1 else f"{stem}{(11 - total) % 11}00")
    assert number is None or (is_employer(number) and is_legal_person(number[:11]))


def test_the_first_companies_of_a_year() -> None:
    """Serial 5 has rest 1, so no check digit: it is passed over."""
    assert company_number(2026, 1) == "2026990001700"
    assert company_number(2026, 5) is None
    assert next_company_number(2026, None) == "2026990001700"
    assert next_company_number(2026, "2026990004100") == "2026990006800"


@given(YEARS)
def test_every_number_of_a_year_is_given_once_and_in_order(year: int) -> None:
    serials = range(9960, 10_000)
    last = company_number(year, 9959) or company_number(year, 9958)
    given_out = []
    while (last := next_company_number(year, last)) is not None:
        given_out.append(last)
    assert given_out == [number for serial in serials if (number := company_number(year, serial))]


@pytest.mark.parametrize(("year", "serial"), [(2026, 0), (2026, 10_000), (2026, -1), (0, 1), (10_000, 1)])
def test_a_year_and_the_serial_of_a_company_have_four_digits(year: int, serial: int) -> None:
    with pytest.raises(ValueError, match="four digits"):
        company_number(year, serial)
