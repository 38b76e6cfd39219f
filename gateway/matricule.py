"""Matricules: the 13-digit numbers of persons and employers, judged by the role of the field.

Natural persons: birth date, serial, Luhn digit, Verhoeff digit, both over the first eleven
digits (RGD 28 November 2013, art. 1). Employers: an 11-digit legal-person number with its
modulo-11 digit and a 2-digit extension given by the CCSS, or a natural person's number.
"""

from __future__ import annotations

import re
from datetime import date

from stdnum import luhn, verhoeff

_PERSON = re.compile(r"[0-9]{13}")
_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_FOREIGN = "99"
_EXTENSION = "00"
_LAST_COMPANY = 9999


def check_digits(stem: str) -> str:
    """The Luhn and the Verhoeff digit of the first eleven digits of a person's number."""
    return luhn.calc_check_digit(stem) + verhoeff.calc_check_digit(stem)


def is_person(number: str) -> bool:
    """Whether a text is a complete number of a natural person.

    The birth month and day may be `00` (unknown); otherwise they must name a calendar day.
    """
    if _PERSON.fullmatch(number) is None:
        return False
    return number[11:] == check_digits(number[:11]) and _is_birth_date(number[:8])


def _is_birth_date(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return False
    return True


def is_employer(number: str) -> bool:
    """Whether a text is a complete employer number: legal person + extension, or natural person."""
    return (is_legal_person(number[:11]) and _PERSON.fullmatch(number) is not None) or is_person(number)


def is_legal_person(number: str) -> bool:
    """Whether a text is an 11-digit legal-person number: a year, and a right check digit (mode 1)."""
    if re.fullmatch(r"[0-9]{11}", number) is None or number.startswith("0000"):
        return False
    return number[10] == legal_check_digit(number[:10])


def legal_check_digit(stem: str) -> str | None:
    """The check digit (mode 1) of the first ten digits of a legal person's number; None when it has none."""
    rest = sum(int(d) * w for d, w in zip(stem, _WEIGHTS, strict=True)) % 11
    return None if rest == 1 else str((11 - rest) % 11)


def person_number(born: date, serial: int) -> str:
    """The number of the person who is the `serial`-th (1 to 999) registered with a birth date.

    Raises:
        ValueError: when the serial does not fit its three digits.
    """
    if not 1 <= serial <= 999:
        raise ValueError(f"a serial has three digits, 1 to 999: {serial}")
    stem = f"{born:%Y%m%d}{serial:03d}" if born.year >= 1000 else f"{born.year:04d}{born:%m%d}{serial:03d}"
    return stem + check_digits(stem)


def company_number(year: int, serial: int) -> str | None:
    """The number of the `serial`-th (1 to 9999) foreign user company registered in a year.

    How the operator numbers these companies is not published. Ours: the year, 99 in the place of the legal
    form, the serial, the check digit of a legal person, and 00 as extension.

    Returns:
        13 digits; None for a serial without a check digit, which is passed over.

    Raises:
        ValueError: when the year or the serial does not fit its four digits.
    """
    if not 1 <= serial <= _LAST_COMPANY or not 1 <= year <= 9999:
        raise ValueError(f"a year and a serial have four digits, from 1: {year}, {serial}")
    stem = f"{year:04d}{_FOREIGN}{serial:04d}"
    digit = legal_check_digit(stem)
    return None if digit is None else stem + digit + _EXTENSION


def is_company_number(number: str) -> bool:
    """Whether a text is a number as `company_number` makes them, whether it was given or not."""
    if re.fullmatch(rf"[0-9]{{4}}{_FOREIGN}[0-9]{{5}}{_EXTENSION}", number) is None:
        return False
    return is_legal_person(number[:11]) and number[6:10] != "0000"


def next_company_number(year: int, last: str | None) -> str | None:
    """The number that follows the last one given in a year (None: the first); None when none is left."""
    given = 0 if last is None else int(last[6:10])
    numbers = (company_number(year, serial) for serial in range(given + 1, _LAST_COMPANY + 1))
    return next((number for number in numbers if number is not None), None)
