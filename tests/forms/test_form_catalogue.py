"""Which versions there are, and the days on which each is in force."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.forms.samples import INBOUND, OUTBOUND
from xsd import NotInForce, UnknownForm, catalogue
from xsd.catalogue import build

FIRST = date(2020, 1, 1)
DAY = timedelta(days=1)


def test_the_bundled_catalogue_is_built_once() -> None:
    assert catalogue() is catalogue()


@pytest.mark.parametrize("code", INBOUND + OUTBOUND)
def test_version_1_0_of_every_form_is_in_force_from_its_first_day(code: str) -> None:
    form = catalogue().form(code, "1.0", FIRST)
    assert (form.code, form.version, form.root) == (code, "1.0", code)
    assert catalogue().form(code, "1.0", date(2999, 1, 1)) is form
    with pytest.raises(NotInForce, match=rf"{code} 1\.0 is in force from 2020-01-01, not on 2019-12-31"):
        catalogue().form(code, "1.0", FIRST - DAY)


@pytest.mark.parametrize(
    ("code", "version"),
    [("DECSAL", "1.1"), ("DECSAL", ""), ("decsal", "1.0"), ("DECXYZ", "1.0"), ("", "1.0"), ("../x", "1.0")],
)
def test_what_is_not_listed_is_unknown(code: str, version: str) -> None:
    with pytest.raises(UnknownForm, match="there is no form") as refusal:
        catalogue().form(code, version, FIRST)
    assert (refusal.value.code, refusal.value.version) == (code, version)


def test_the_envelope_is_listed_and_is_no_form() -> None:
    assert catalogue().entries["ENVELOPE"].direction == "envelope"
    with pytest.raises(UnknownForm):
        catalogue().form("ENVELOPE", "1.0", FIRST)


def test_a_long_name_is_not_repeated_at_length() -> None:
    with pytest.raises(UnknownForm) as refusal:
        catalogue().form("X" * 100_000, "9" * 100_000, FIRST)
    assert len(str(refusal.value)) < 200


ENTRY = """
- code: DECSAL
  direction: in
  family: declaration
  record: Wage
  versions:
    - {version: "1.0", from: 2026-03-01, until: 2026-03-31}
"""


def test_both_ends_of_its_days_count() -> None:
    listed = build(ENTRY)
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    assert listed.form("DECSAL", "1.0", first) is listed.form("DECSAL", "1.0", last)
    for day in (first - DAY, last + DAY):
        with pytest.raises(NotInForce, match="from 2026-03-01 until 2026-03-31, not on"):
            listed.form("DECSAL", "1.0", day)


@pytest.mark.parametrize(
    ("was", "becomes", "error"),
    [
        ("until:", "untill:", ValueError),
        ("  family:", "  familly:", ValueError),
        ("from:", "form:", ValueError),
        ("  family: declaration\n", "", KeyError),
        ('"1.0"', '"1.1"', FileNotFoundError),
        ("record: Wage", "record: Salary", ValueError),
        ("DECSAL", "DECXYZ", FileNotFoundError),
    ],
)
def test_a_wrong_catalogue_is_not_built(was: str, becomes: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        build(ENTRY.replace(was, becomes))
