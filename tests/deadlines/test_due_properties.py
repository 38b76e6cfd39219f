"""What holds for every event and whatever outages are declared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calendar import is_working_day
from gateway.deadlines import Kind, Outage, due, last_day_of, moved, rule
from gateway.moments import LUXEMBOURG, Period, Received

OF_DAYS = (Kind.ENTRY, Kind.EXIT, Kind.CHANGE, Kind.HOLD, Kind.OPPOSITION)
OF_MONTHS = tuple(kind for kind in Kind if kind not in OF_DAYS)
START = datetime(2026, 1, 1, tzinfo=UTC)

days = st.dates(date(2025, 11, 1), date(2026, 6, 30))
months = st.builds(Period, st.just(2026), st.integers(1, 6)) | st.just(Period(2025, 12))
limits = st.tuples(st.sampled_from(OF_DAYS), days, days) | st.tuples(
    st.sampled_from(OF_MONTHS), months, months
)


@st.composite
def outages(draw: st.DrawFn) -> list[Outage]:
    """Up to four that share no moment, from minutes to weeks, in any order."""
    minutes = draw(st.lists(st.integers(0, 270 * 24 * 60), unique=True, max_size=8))
    moments = [Received(START + timedelta(minutes=one)) for one in sorted(minutes)]
    spans = [Outage(a, b, "") for a, b in zip(moments[::2], moments[1::2], strict=False)]
    short = [one for one in spans if one.days <= 40]
    return draw(st.permutations(short))


@given(limits, outages())
def test_a_later_event_is_never_due_earlier(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, one, other = limit
    first, second = sorted((one, other), key=last_day_of)
    assert due(kind, first, known).until <= due(kind, second, known).until


@given(limits, outages())
def test_an_outage_never_shortens(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, event, _ = limit
    plain = due(kind, event)
    assert plain.last == plain.nominal
    sooner = plain.until
    for number in range(len(known) + 1):
        extended = due(kind, event, known[:number])
        assert extended.nominal == plain.last
        assert extended.until >= sooner
        sooner = extended.until


@given(outages().filter(bool))
@settings(max_examples=40, deadline=None)
def test_an_outage_tells_exactly_the_limits_that_it_moves(known: list[Outage]) -> None:
    one, *others = known
    told = moved(one, others)
    assert [each.until for each in told] == sorted(each.until for each in told)
    events = {(each.kind, each.event) for each in told}
    assert len(events) == len(told)
    for each in told:
        assert each == due(each.kind, each.event, known)
        assert each.until > due(each.kind, each.event, others).until
    for back in range(-40, 60):
        day = one.first.day - timedelta(back)
        is_moved = due(Kind.ENTRY, day, known) != due(Kind.ENTRY, day, others)
        assert ((Kind.ENTRY, day) in events) == is_moved


@given(limits, outages())
def test_it_never_ends_on_a_day_off(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, event, _ = limit
    if rule(kind, last_day_of(event)).rolls:
        assert is_working_day(due(kind, event, known).last)


@given(limits, outages())
def test_whoever_was_kept_out_at_the_end_has_a_working_day_and_the_time_lost(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, event, _ = limit
    plain = due(kind, event)
    for one in known:
        extended = due(kind, event, [one])
        if one.first < plain.until <= one.until:
            assert extended.last - plain.last >= one.until.at - one.first.at - timedelta(1)
            assert any(
                is_working_day(one.last_day + timedelta(n))
                for n in range(1, (extended.last - one.last_day).days + 1)
            )
        if one.first >= plain.until:
            assert extended == plain


@given(limits, outages())
def test_the_order_of_outages_does_not_matter(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, event, _ = limit
    assert due(kind, event, known) == due(kind, event, known[::-1])


@given(limits, outages())
def test_it_ends_on_its_last_day_in_luxembourg(
    limit: tuple[Kind, date | Period, date | Period], known: list[Outage]
) -> None:
    kind, event, _ = limit
    found = due(kind, event, known)
    in_time = Received(found.until.at - timedelta(microseconds=1))
    assert in_time.day == found.last
    assert found.kept(in_time)
    assert not found.kept(found.until)
    hour = rule(kind, last_day_of(event)).hour
    assert found.until.at.astimezone(LUXEMBOURG).hour == hour % 24


@given(days)
def test_eight_days_are_eight_days_and_at_most_four_more(event: date) -> None:
    """Four: the limit falls on a Friday or a Saturday before three days off."""
    waited = due(Kind.ENTRY, event).last - event
    assert timedelta(8) <= waited <= timedelta(12)
