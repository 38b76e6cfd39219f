"""Record classes: written from the forms, and what is made of them is what the forms want."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.records import TARGET, written
from gateway import client
from gateway.client import records
from gateway.procedures import PROCEDURES
from tests.house import EMPLOYER, INSURED, MEMBER


def test_they_are_what_the_forms_give() -> None:
    """Run `python -m docs.records` after a change of a form."""
    assert TARGET.read_text() == written()


def test_every_procedure_has_its_class() -> None:
    for one in PROCEDURES:
        assert hasattr(records, one.code.title()), one.code


def batch(**changes: str) -> bytes:
    given = {"base_wage": "3000.00", "work_hours": "160", **changes}
    wage = records.Wage(employer=EMPLOYER, insured=INSURED, period="2026-07", **given)
    header = records.HeaderType(
        sender=records.Member(matricule=MEMBER.matricule, number=MEMBER.number),
        recipient="CCSS",
        environment=records.Environment.TEST,
        created="2026-08-03T08:00:00Z",
    )
    return client.as_xml(records.Decsal(header=header, wage=(wage,), version=records.DecsalVersion.VALUE_1_0))


def test_a_batch_of_them_is_valid_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_bytes(batch())
    assert client.validate(tmp_path / "good.xml") == client.Validation(True, ())
    (tmp_path / "bad.xml").write_bytes(batch(base_wage="3000"))
    assert [one.code for one in client.validate(tmp_path / "bad.xml").anomalies] == ["SALRET-4"]


def test_nothing_can_be_changed_in_one_that_was_made() -> None:
    member = records.Member(matricule=MEMBER.matricule, number=MEMBER.number)
    with pytest.raises(AttributeError):
        member.number = "100002"  # type: ignore[misc]
