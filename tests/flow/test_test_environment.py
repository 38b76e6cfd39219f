"""The test environment takes made-up people and employers only (production: `test_production.py`)."""

from __future__ import annotations

import pytest

from tests.flow.premises import registered
from tests.house import House, Sender, entry, person, wage

REAL = "1990060500123"


@pytest.mark.parametrize(
    ("code", "record", "field"),
    [
        ("DECSAL", wage(REAL), "Insured"),
        ("DECAFF", entry(REAL), "Insured"),
        ("DEMMAT", person(BirthDate="1990-06-05"), "BirthDate"),
        ("DECSAL", wage(employer="2020220124699"), "Employer"),
    ],
)
def test_who_could_be_real_is_refused_before_anything_is_kept_of_them(
    home: House, sender: Sender, code: str, record: dict[str, str], field: str
) -> None:
    before = registered(home)
    outcome = home.send(sender, code, [wage() if code == "DECSAL" else record, record])
    assert outcome.verdict == "rejected"
    assert set(outcome.codes) == {"FILE-REAL"}
    assert f"<Field>{field}</Field>".encode() in outcome.answers["ACKTRT"]
    assert REAL.encode() not in outcome.answers["ACKTRT"]
    assert registered(home) == before
