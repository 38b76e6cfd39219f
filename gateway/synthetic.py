"""The numbers that the test environment takes: nobody's.

Who tests with the numbers of real people puts their data where it is not needed (RGD of 12 May 1975, art. 17:
only what is strictly needed may be stored). So the test environment refuses a file in which somebody could be
real: born since 1900, or an employer founded before 2090; or whom a scan or an annex is said to be of.
Made-up people are born before 1900 and made-up employers founded from 2090 on, with right check digits, so
that all other rules can be tried on them. Numbers of user companies are not looked at: those we give begin
with the year in which we gave them.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.batch import Anomaly, Batch, Record

CODE = "FILE-REAL"
ENVIRONMENT = "test"
"""The environment in which this holds."""

LIVING = range(1900, 2101)
"""Years of birth in which somebody may be real."""
FOUNDED = range(1800, 2090)
"""Years of foundation in which an employer may be real."""

_YEARS = {"Insured": LIVING, "BirthDate": LIVING, "Employer": FOUNDED, "NationalNumber": FOUNDED}
_SPANS = [(field, years, f"{years[0]:04d}", f"{years[-1]:04d}") for field, years in _YEARS.items()]
_MOST = 100


def real_looking(batch: Batch) -> list[Anomaly]:
    """What in a batch, or in its parts, could be somebody's real number; at most a hundred places."""
    found = [Anomaly(CODE, value=one.kind) for one in batch.attachments if _in(one.subject, LIVING)][:_MOST]
    for part in batch.parts or (batch,):
        for record in (*part.records, *part.malformed):
            found.extend(_in_record(record))
            if len(found) >= _MOST:
                return found[:_MOST]
    return found


def _in_record(record: Record) -> Iterator[Anomaly]:
    stated = record.fields.get
    for field, years, first, last in _SPANS:
        text = stated(field)
        # Compared as texts first: nearly all are outside, and there are many.
        if text is not None and first <= text[:4] <= last and _in(text, years):
            yield Anomaly(CODE, record.number, field, line=record.line)


def _in(text: str, years: range) -> bool:
    """Whether a text begins with one of some years."""
    year = text[:4]
    return year.isascii() and year.isdigit() and int(year) in years
