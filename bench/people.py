"""Made-up people born before 1900 and made-up companies, with right check digits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway.matricule import legal_check_digit, person_number


def people() -> Iterator[str]:
    """Numbers of persons, each once: some 13 million."""
    return (
        person_number(date(1850 + year, 1 + month, 1 + day), serial)
        for serial in range(1, 1000)
        for year in range(40)
        for month in range(12)
        for day in range(28)
    )


def companies(form: str) -> Iterator[str]:
    """Numbers of legal persons with extension 99, each once: some 9,000.

    Args:
        form: two digits, the legal form.
    """
    stems = (f"2099{form}{serial:04d}" for serial in range(1, 10_000))
    return (f"{stem}{digit}99" for stem in stems if (digit := legal_check_digit(stem)))
