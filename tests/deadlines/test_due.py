"""Time limits worked out by hand on a paper calendar."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway import deadlines
from gateway.deadlines import Kind, NoRuleError, Outage, due, fine, last_day_of, published, rule, run_after
from gateway.deadlines.table import LawError, read
from gateway.moments import Period, Received

BY_HAND = """
entry         2026-07-01  2026-07-09  a Thursday
entry         2026-07-03  2026-07-13  the 11th is a Saturday
exit          2026-07-04  2026-07-13  the 12th is a Sunday
entry         2026-06-15  2026-06-24  National Day
entry         2026-03-29  2026-04-07  Easter Monday
exit          2026-05-06  2026-05-15  Ascension
exit          2026-05-17  2026-05-26  Whit Monday
entry         2026-05-01  2026-05-11  Europe Day, a Saturday
entry         2018-05-01  2018-05-09  Europe Day was no holiday yet
change        2026-08-07  2026-08-17  Assumption, a Saturday
entry         2026-12-17  2026-12-28  Christmas, then St Stephen, then a Sunday
entry         2025-12-24  2026-01-02  New Year
exit          2025-12-31  2026-01-08  over the end of the year
entry         2026-02-20  2026-03-02  the end of February is a Saturday
entry         2024-02-21  2024-02-29  a leap day
entry         2024-02-22  2024-03-01  over a leap day
wage          2026-07     2026-08-10  a Monday
wage          2026-04     2026-05-11  the 10th is a Sunday
wage          2025-12     2026-01-12  the 10th is a Saturday
incapacity    2026-02     2026-03-10  counted from the 28th
reminder      2026-07     2026-08-24  a Monday
reminder      2025-12     2026-01-26  the 24th is a Saturday
reminder      2026-04     2026-05-26  a Sunday, then Whit Monday
prescription  2023-02     2026-02-28  a Saturday counts
prescription  2024-02     2027-02-28  from a leap day
hold          2026-01-31  2026-02-28  no 31 February; a Saturday counts
hold          2024-01-31  2024-02-29  a leap day
hold          2026-12-31  2027-01-31  over the end of the year
chamber       2026-03     2026-06-30  a Tuesday
chamber       2024-03     2024-07-01  30 June is a Sunday
statement     2025-12     2026-02-28  the end of February
statement     2026-07     2026-09-30  September has 30 days
opposition    2026-10-01  2026-11-10  a Tuesday
billing       2026-07     2026-09-01  a Tuesday
billing       2026-03     2026-05-04  Labour Day, then a week-end
"""
LAW_TEXT = (Path(deadlines.__file__).parent / "law.yaml").read_text(encoding="utf-8")
EXAMPLES = [line.split(maxsplit=3) for line in BY_HAND.strip().splitlines()]


def event_of(written: str) -> date | Period:
    return Period.parse(written) if len(written) == 7 else date.fromisoformat(written)


def at(written: str) -> Received:
    return Received.parse(written)


def outage(first: str, until: str) -> Outage:
    return Outage(at(first), at(until), "exercise")


@pytest.mark.parametrize(("kind", "event", "last", "why"), EXAMPLES, ids=[" ".join(e) for e in EXAMPLES])
def test_the_last_day_by_hand(kind: str, event: str, last: str, why: str) -> None:
    assert due(Kind(kind), event_of(event)).last == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("kind", "event", "until"),
    [
        ("entry", "2026-07-01", "2026-07-09T22:00:00Z"),
        ("wage", "2025-12", "2026-01-12T23:00:00Z"),
        ("hold", "2026-02-28", "2026-03-28T23:00:00Z"),  # summer time begins in the night after
        ("hold", "2026-09-24", "2026-10-24T22:00:00Z"),  # the last day of summer time
        ("hold", "2026-09-25", "2026-10-25T23:00:00Z"),  # a day of 25 hours
        ("entry", "2026-03-20", "2026-03-30T22:00:00Z"),  # ends on the 28th, a Saturday: after the change
        ("billing", "2025-11", "2026-01-02T17:00:00Z"),  # 18:00 in winter
        ("billing", "2026-07", "2026-09-01T16:00:00Z"),  # 18:00 in summer
    ],
)
def test_the_hour_is_that_of_luxembourg(kind: str, event: str, until: str) -> None:
    assert due(Kind(kind), event_of(event)).until == at(until)


def test_what_comes_in_the_last_microsecond_is_in_time() -> None:
    limit = due(Kind.ENTRY, date(2026, 7, 1))
    assert limit.kept(at("2026-07-09T21:59:59.999999Z"))
    assert not limit.kept(at("2026-07-09T22:00:00Z"))


@pytest.mark.parametrize(
    ("first", "until", "last", "why"),
    [
        ("2026-07-09T07:00:00Z", "2026-07-09T09:00:00Z", "2026-07-10", "two hours of the last day"),
        ("2026-07-08T10:00:00Z", "2026-07-10T10:00:00Z", "2026-07-13", "two days, then a week-end"),
        ("2026-07-09T21:59:00Z", "2026-07-13T10:00:00Z", "2026-07-14", "four days reach the 13th only"),
        ("2026-07-08T22:00:00Z", "2026-07-18T22:00:00Z", "2026-07-20", "ten days: the 19th is a Sunday"),
        ("2026-06-28T22:00:00Z", "2026-07-07T22:00:00Z", "2026-07-16", "nine days that ended shortly before"),
        ("2026-07-07T06:00:00Z", "2026-07-07T18:00:00Z", "2026-07-09", "over before the last day"),
        ("2026-07-08T20:00:00Z", "2026-07-08T22:00:00Z", "2026-07-09", "over when the last day begins"),
        ("2026-07-09T22:00:00Z", "2026-07-10T22:00:00Z", "2026-07-09", "begins when the limit is over"),
    ],
)
def test_an_outage_extends_by_hand(first: str, until: str, last: str, why: str) -> None:
    """The entry of 1 July, to be declared by Thursday the 9th."""
    extended = due(Kind.ENTRY, date(2026, 7, 1), [outage(first, until)])
    assert (extended.last, extended.nominal) == (date.fromisoformat(last), date(2026, 7, 9))


def test_outages_one_after_the_other_add_up() -> None:
    known = [
        outage("2026-07-10T06:00:00Z", "2026-07-10T08:00:00Z"),
        outage("2026-07-09T06:00:00Z", "2026-07-09T08:00:00Z"),
    ]
    assert due(Kind.ENTRY, date(2026, 7, 1), known).last == date(2026, 7, 13)


def test_a_cut_off_keeps_its_hour_when_it_is_extended() -> None:
    known = [outage("2026-09-01T08:00:00Z", "2026-09-01T10:00:00Z")]
    assert due(Kind.BILLING, Period(2026, 7), known).until == at("2026-09-02T16:00:00Z")
    too_late = [outage("2026-09-01T16:00:00Z", "2026-09-01T18:00:00Z")]
    assert due(Kind.BILLING, Period(2026, 7), too_late).until == at("2026-09-01T16:00:00Z")


@pytest.mark.parametrize(("first", "until"), [("2026-07-09T07:00:00Z",) * 2, ("2026-07-09", "2026-07-08")])
def test_an_outage_has_a_length(first: str, until: str) -> None:
    with pytest.raises(ValueError):
        outage(f"{first[:10]}T07:00:00Z", f"{until[:10]}T07:00:00Z")


@pytest.mark.parametrize(
    ("kind", "after", "day"),
    [
        (Kind.WAGE_NOTICES, "2026-08-24", "2026-10-01"),
        (Kind.WAGE_NOTICES, "2026-09-30", "2026-10-01"),
        (Kind.WAGE_NOTICES, "2026-10-01", "2027-01-04"),
        (Kind.DECLARATION_NOTICES, "2026-07-31", "2026-08-03"),
        (Kind.DECLARATION_NOTICES, "2026-08-02", "2026-08-03"),
        (Kind.DECLARATION_NOTICES, "2026-08-03", "2026-09-01"),
    ],
)
def test_the_next_run(kind: Kind, after: str, day: str) -> None:
    assert run_after(kind, date.fromisoformat(after)).last == date.fromisoformat(day)


def test_before_the_law_there_is_no_rule() -> None:
    with pytest.raises(NoRuleError):
        due(Kind.ENTRY, date(1975, 5, 11))
    with pytest.raises(NoRuleError):
        fine(date(1975, 5, 11))
    assert rule(Kind.ENTRY, date(1975, 5, 12)).days == 8


def test_the_calendar_of_a_year_has_every_month() -> None:
    year = published(2026)
    assert {one.last.year for one in year} == {2026}
    by_kind = {kind: [one.last for one in year if one.kind is kind] for kind in Kind}
    monthly = (Kind.WAGE, Kind.REMINDER, Kind.INCAPACITY, Kind.STATEMENT, Kind.BILLING)
    assert {kind: len(by_kind[kind]) for kind in (*monthly, Kind.DECLARATION_NOTICES)} == dict.fromkeys(
        (*monthly, Kind.DECLARATION_NOTICES), 12
    )
    assert by_kind[Kind.WAGE_NOTICES] == [date(2026, month, day) for month, day in QUARTERS_2026]
    assert by_kind[Kind.CHAMBER] == [date(2026, 6, 30)]
    assert not by_kind[Kind.ENTRY]
    assert [one.until for one in year] == sorted(one.until for one in year)
    assert last_day_of(year[0].event) == date(2025, 11, 30)


QUARTERS_2026 = ((1, 2), (4, 1), (7, 1), (10, 1))


def test_the_calendar_shows_what_an_outage_extended() -> None:
    known = [outage("2026-08-10T06:00:00Z", "2026-08-10T08:00:00Z")]
    moved = [(one.kind, one.nominal, one.last) for one in published(2026, known) if one.last != one.nominal]
    days = (date(2026, 8, 10), date(2026, 8, 11))
    assert moved == [(Kind.INCAPACITY, *days), (Kind.WAGE, *days)]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("rolls: maybe", "rolls: true"),
        ('hour: "25:00"', 'hour: "24:00"'),
        ("days: -8", "days: 8"),
        ("dais: 8", "days: 8"),
        ("confidence: hearsay", "confidence: official"),
        ("since: yesterday", "since: 1975-05-12"),
        ("in: [13]", "in: [3]"),
        ("weekly:", "entry:"),
        ('source: ""', 'source: "CSS art. 445"'),
    ],
)
def test_a_law_that_is_not_plainly_right_is_refused(wrong: str, right: str) -> None:
    assert right in LAW_TEXT
    with pytest.raises(LawError):
        read(LAW_TEXT.replace(right, wrong, 1))


def test_a_new_rule_counts_from_its_day() -> None:
    before = "  entry:\n    - since: 1975-05-12\n      days: 8\n"
    assert before in LAW_TEXT
    entry = LAW_TEXT.split("  entry:\n")[1].split("  exit:\n")[0]
    ended = entry.replace("      days: 8\n", "      until: 2029-12-31\n      days: 8\n")
    new = entry.replace("1975-05-12", "2030-01-01").replace("days: 8", "days: 5")
    law = read(LAW_TEXT.replace(entry, ended + new, 1))
    assert [(one.since.year, one.days) for one in law.rules[Kind.ENTRY]] == [(1975, 8), (2030, 5)]
    with pytest.raises(LawError):
        read(LAW_TEXT.replace(entry, entry + new, 1))
