"""What was answered once is shown for as long as it is kept, also when the tables have lost a code since."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.portal.drafts import complaints
from adapters.portal.findings import by_record, causes
from gateway.batch import Anomaly
from gateway.rejections import LANGUAGES, REJECTIONS, known_or_gone
from tests.console.office import Office, office, words
from tests.flow.premises import execute
from tests.house import INSURED, House, house, wage
from tests.portal.people import usual

GONE = "SALRET-OLD"


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("old")
    with house(folder, doors=True) as home, office(home, folder / "keys") as opened:
        yield opened


def test_a_code_that_the_table_lost_is_told_as_such() -> None:
    told = known_or_gone(GONE)
    assert GONE not in REJECTIONS
    assert all(GONE in told.texts[language] for language in LANGUAGES)
    assert known_or_gone("SALRET-4") is REJECTIONS["SALRET-4"]


def test_the_portal_shows_a_code_of_old_beside_those_of_today() -> None:
    found = [Anomaly(GONE, record=1), Anomaly("SALRET-4", record=1), Anomaly(GONE, record=2)]
    assert {(one.rejection.key, one.records) for one in causes(found)} == {(GONE, 2), ("SALRET-4", 1)}
    assert [one.key for one in by_record(found)[1][""]] == [GONE, "SALRET-4"]
    assert [one.key for one in complaints([("", GONE)])[""]] == [GONE]


def test_the_life_of_a_deposit_is_shown_with_a_code_of_old(staffed: Office) -> None:
    home: House = staffed.home
    sent = home.send(usual(home), "DECSAL", [wage(INSURED, WorkHours="999")])
    deposit = sent.kept
    execute(home, f"UPDATE anomaly_count SET code = '{GONE}' WHERE deposit = {deposit.number}")
    at = staffed.at("olga")
    shown = at.get(f"/console/deposits/{deposit.deposit.id}")
    assert shown.status_code == 200
    assert f"Code {GONE}" in words(shown)
    assert f"Code {GONE}" in words(at.get("/console/quality"))
