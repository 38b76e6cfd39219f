"""The rules of refunds are data: dated, as known on a day, and refused where they are not plainly right."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.contributions import schedule_of
from gateway.moments import Period
from gateway.mutuality import Ground, Leave, Reason, Rules, refund, rules_of
from gateway.mutuality.rules import FILE, read
from gateway.procedures.declaration.decmal import TYPES
from gateway.procedures.lists.rows import ListError
from tests.mutuality.cases import CLASSED, absence, affiliation, month_of, wage

CONTENT = FILE.read_text(encoding="utf-8")
JULY = Period(2026, 7)
DAYS = date(2026, 7, 13), date(2026, 7, 17)


def changed(old: str, new: str) -> bytes:
    assert CONTENT.count(old) >= 1
    return CONTENT.replace(old, new, 1).encode()


def leave(law: Rules, digit: str) -> Leave | None:
    kind = law.kind(digit, *DAYS)
    return None if kind is None else kind.leave


def test_every_digit_that_is_taken_has_a_meaning_and_a_confidence() -> None:
    kinds = {digit: rules_of().kind(digit, *DAYS) for digit in TYPES}
    assert all(kind is not None and kind.confidence.doubtful for kind in kinds.values())
    assert {digit: leave(rules_of(), digit) for digit in "123456"} == {
        "1": Leave.SICKNESS,
        "2": Leave.FAMILY,
        "3": Leave.CNS,
        "4": Leave.CNS,
        "5": Leave.ACCOMPANIMENT,
        "6": None,
    }


def test_a_digit_that_is_switched_to_unknown_is_held() -> None:
    law = read(changed("leave: accompaniment", "leave: unknown"))
    declared = [absence(("5", *DAYS, 16)), absence(("1", date(2026, 7, 20), date(2026, 7, 20), 8))]
    wages = [wage(JULY, 320_000, 160)]
    given = (month_of(JULY), declared, wages, [affiliation()], schedule_of(JULY), CLASSED)
    found, before = refund(*given, law=law), refund(*given)
    assert found is not None
    assert before is not None
    assert [(one.reason, one.hours) for one in found.held] == [(Reason.UNKNOWN_KIND, 16)]
    assert [part.kind for part in found.parts] == ["1"]
    assert [part.kind for part in before.parts] == ["5", "1"]
    assert found.parameters != before.parameters


def test_an_entry_with_a_later_first_day_takes_the_place_of_an_earlier_one() -> None:
    entry = (
        'kinds:\n  - {digit: "2", leave: cns, meaning: m, since: 2026-07-01, source: [odoo-lu],'
        " confidence: assumed}\n"
    )
    law = read(changed("kinds:\n", entry))
    assert leave(law, "2") is Leave.CNS
    earlier = law.kind("2", date(2026, 6, 29), date(2026, 6, 30))
    assert earlier is not None
    assert earlier.leave is Leave.FAMILY


@pytest.mark.parametrize(
    ("first", "last", "known", "there"),
    [
        ("2020-06-30", "2020-07-01", None, False),
        ("2020-07-01", "2020-07-01", None, True),
        ("2023-06-30", "2023-06-30", None, True),
        ("2023-06-30", "2023-07-01", None, False),
        ("2020-12-07", "2020-12-11", "2021-02-28", False),
        ("2020-12-07", "2020-12-11", "2021-03-01", True),
        ("2020-12-07", "2020-12-11", "2026-11-22", True),
    ],
)
def test_the_quarantine_has_its_days_and_the_day_on_which_it_became_known(
    first: str, last: str, known: str | None, there: bool
) -> None:
    law = rules_of(date.fromisoformat(known) if known else None)
    rate = law.rate(Ground.QUARANTINE, date.fromisoformat(first), date.fromisoformat(last))
    assert (rate is not None) is there


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('digit: "1"', "digit: 1"),
        ("leave: family", "leave: holidays"),
        ("ground: trial", "ground: weekend"),
        ('rate: "0.80"', 'rate: "1.80"'),
        ('rate: "0.80"', "rate: 0.80"),
        ("confidence: weak", "confidence: certain"),
        ("source: [mde-statutes]", "source: [hearsay]"),
        ("source: [mde-statutes]", "source: []"),
        ("since: 2020-01-01", "since:"),
        ("since: 2020-01-01", 'since: "2020-01-01"'),
        ("  days: 77", "  days: -77"),
        ("  months: 18", "  weeks: 18"),
        ("    until: 2023-06-30", "    ends: 2023-06-30"),
    ],
)
def test_what_is_not_plainly_right_is_refused(old: str, new: str) -> None:
    with pytest.raises(ListError):
        read(changed(old, new))
