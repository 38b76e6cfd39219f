"""The release that is put in place under load has other rules, and judges by them."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

from adapters.premises import database_of
from adapters.settings import Settings
from tests.faults.faults import release_exchanged
from tests.faults.release import next_release
from tests.faults.scene import Scene, scene
from tests.faults.station import OURS
from xsd import catalogue

ASKED = """
import json
from xsd import catalogue
print(json.dumps([*catalogue().entries["DECSAL"].versions]))
"""


def _below_the_minimum_wage(played: Scene) -> int:
    query = "SELECT sum(records) FROM anomaly_count WHERE code = 'SALRET-LOW'"
    with (
        closing(database_of(Settings(data=played.station.data))) as database,
        database.read() as connection,
    ):
        return connection.exec_driver_sql(query).scalar() or 0


def test_what_is_treated_after_the_exchange_is_judged_by_the_rules_of_the_other_release(
    tmp_path: Path,
) -> None:
    with scene(tmp_path, 1, disk=False) as played:
        for _ in range(3):
            played.send()
        played.wait()
        assert _below_the_minimum_wage(played) == 0
        played.play("there", release_exchanged)
        assert played.station.release == next_release()
        for _ in range(3):
            played.send()
        played.wait()
        assert _below_the_minimum_wage(played) > 0
        played.play("and back", release_exchanged)
        assert played.station.release == OURS
        report = played.judge()
    assert report.findings == []


def test_its_forms_are_others_too() -> None:
    versions = json.loads(
        subprocess.run(
            [sys.executable, "-c", ASKED], cwd=next_release(), capture_output=True, text=True, check=True
        ).stdout
    )
    assert versions == ["1.0", "1.1"]
    ours = catalogue().entries["DECSAL"].versions
    assert [number for number, one in ours.items() if one.covers(date(2026, 8, 1))] == ["1.0"]
