"""A law that becomes known after months were charged by another: the next run corrects them, and says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gateway

ROOT = Path(__file__).parents[2]
OCCASIONAL = """        value: [care, pension, dependency, accident, mde, health_at_work, family_benefits]
        source: [fedil-2020]
        confidence: assumed
        note: "that 0.25 % is not due is published; that all else is as for employees is assumed"
"""
KNOWN = '"2026-01-05"'
"""After the run of October 2025, before that of November."""
NO_PENSION = f"""        - value: [care, pension, dependency, accident, mde, health_at_work, family_benefits]
          source: [fedil-2020]
          confidence: assumed
        - value: [care, dependency, accident, mde, health_at_work, family_benefits]
          source: [fedil-2020]
          confidence: assumed
          known: {KNOWN}
"""
CLASS_2 = '    "2025-01-01": {value: "0.0099", source: [uel-2025], confidence: published}\n'
CLASS_2_LATER = f"""{CLASS_2}    "2025-10-01":
      value: "0.0050"
      source: [uel-2025]
      confidence: published
      known: {KNOWN}
"""


def found(folder: Path, *changes: tuple[str, str, str]) -> dict[str, Any]:
    """What a gateway does whose parameter files were changed."""
    copy = folder / "law"
    shutil.copytree(
        Path(gateway.__file__).parent, copy / "gateway", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, old, new in changes:
        file = copy / "gateway" / "parameters" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")
    premises = folder / "premises"
    premises.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.billing.later_law", premises],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def corrected(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in answer["charges"] if one["period"] < "2025-11"]


def test_without_a_change_of_the_law_nothing_is_corrected(tmp_path: Path) -> None:
    assert corrected(found(tmp_path)) == []


def test_a_rate_known_later_corrects_everybody_from_the_month_it_holds(tmp_path: Path) -> None:
    answer = found(tmp_path, ("mutuality.yaml", CLASS_2, CLASS_2_LATER))
    changed = corrected(answer)
    assert [(one["insured"], one["period"], one["reversal"]) for one in changed] == [
        (0, "2025-10", True),
        (0, "2025-10", False),
        (1, "2025-10", True),
        (1, "2025-10", False),
    ]
    assert {cause for one in changed for cause in one["causes"]} == {"parameters"}
    # 3,812.40 at 0.99 % and at 0.50 %.
    assert [one["lines"]["mde"][1] for one in changed] == [3774, 1906] * 2
    assert (answer["explained"], answer["waits"], answer["later"]) == (4, 0, 0)


def test_a_branch_that_is_due_no_more_is_taken_back_by_the_law_that_charged_it(tmp_path: Path) -> None:
    answer = found(tmp_path, ("groups.yaml", OCCASIONAL, NO_PENSION))
    changed = corrected(answer)
    assert [(one["insured"], one["period"], one["reversal"]) for one in changed] == [
        (1, month, reversal) for month in ("2025-09", "2025-10") for reversal in (True, False)
    ]
    for before, after in zip(changed[::2], changed[1::2], strict=True):
        assert before["lines"].pop("pension") == [30499, 30499, "CNAP"]
        assert before["lines"] == after["lines"]
        assert (before["causes"], after["causes"]) == (["parameters"], ["parameters"])
    assert (answer["waits"], answer["later"]) == (0, 0)


def test_the_files_that_were_changed_are_the_ones_that_count(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ParameterError"):
        found(tmp_path, ("mutuality.yaml", CLASS_2, '    "yesterday": {value: "0.0099"}\n'))
