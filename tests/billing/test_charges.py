"""Charges and their corrections: what is reversed, what takes its place, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.charges import (
    ENDED,
    Case,
    Change,
    Charge,
    ChargeKey,
    RecordKey,
    Standing,
    changes,
    charge_year,
    months_insured,
)
from gateway.billing.statement import Cause
from gateway.contributions import Ceiling, Classification, Group, Pay, Policy
from gateway.matricule import person_number
from gateway.moments import Period
from gateway.parameters import Branch
from gateway.registers import Affiliation

ANNA = person_number(date(1893, 1, 20), 57)
KNOWN = date(2026, 12, 1)
CLASSES = Classification(2, 85)
WHOLE_YEAR = 0b111111111111
NOTHING = Standing({}, {})


def case(month: int, euro: int, *, group: Group = Group.EMPLOYEE, record: int = 1, year: int = 2026) -> Case:
    return Case(
        ChargeKey(ANNA, Period(year, month), group),
        Pay(base_wage=euro * 100, hours=Decimal(173)),
        (RecordKey(1, record),),
    )


def charged(
    *found: Case,
    affiliated: int = WHOLE_YEAR,
    classes: Classification = CLASSES,
    policy: Policy = Policy(),  # noqa: B008
) -> list[Charge]:
    return charge_year(found, affiliated, classes, policy, KNOWN) if found else []


def after(standing: Standing, found: Iterable[Change]) -> Standing:
    """What stands once changes are entered, as a register keeps it."""
    charges, versions = dict(standing.charges), dict(standing.versions)
    for change in found:
        if change.before is not None:
            assert charges.pop(change.key) == change.before
        if change.after is not None:
            assert change.after.version == versions.get(change.key, 0) + 1
            charges[change.key] = change.after
            versions[change.key] = change.after.version
    return Standing(charges, versions)


def correct(standing: Standing, computed: Iterable[Charge]) -> list[Change]:
    return changes(standing, computed, {(ANNA, 2026)})


def causes(found: Iterable[Change]) -> Mapping[int, tuple[Cause, ...]]:
    return {change.key.period.month: change.causes for change in found}


FIRST = after(NOTHING, correct(NOTHING, charged(case(1, 3000), case(2, 3000), case(3, 3000))))


def test_what_has_not_changed_is_left_alone() -> None:
    assert correct(FIRST, charged(case(1, 3000), case(2, 3000), case(3, 3000))) == []


def test_another_wage_reverses_its_month_and_no_other() -> None:
    (change,) = correct(FIRST, charged(case(1, 3000), case(2, 3100, record=7), case(3, 3000)))
    assert change.before is not None and change.after is not None
    assert (change.key.period, change.causes) == (Period(2026, 2), (Cause.WAGE,))
    assert (change.before.version, change.after.version) == (1, 2)
    assert change.before.amounts() == FIRST.charges[change.key].amounts()


def test_a_wage_that_comes_late_is_charged_without_a_reversal() -> None:
    (change,) = correct(FIRST, charged(*(case(month, 3000) for month in (1, 2, 3, 4))))
    assert (change.before, change.causes) == (None, (Cause.LATE,))


def test_a_cancelled_entry_takes_everything_back() -> None:
    found = correct(FIRST, [])
    assert causes(found) == dict.fromkeys((1, 2, 3), (Cause.AFFILIATION,))
    assert all(change.after is None for change in found)
    again = correct(after(FIRST, found), charged(case(1, 3000)))
    assert [change.after.version for change in again if change.after] == [2]


def test_another_class_corrects_every_month_of_the_year() -> None:
    found = correct(
        FIRST, charged(*(case(month, 3000) for month in (1, 2, 3)), classes=Classification(3, 85))
    )
    assert causes(found) == dict.fromkeys((1, 2, 3), (Cause.CLASSIFICATION,))


def test_another_kind_of_contract_takes_the_place_of_the_first() -> None:
    found = correct(FIRST, charged(case(1, 3000), case(2, 3000, group=Group.PUPIL), case(3, 3000)))
    assert [(change.key.group, change.causes) for change in found] == [
        (Group.EMPLOYEE, (Cause.AFFILIATION,)),
        (Group.PUPIL, (Cause.AFFILIATION,)),
    ]


def test_more_pay_in_an_earlier_month_leaves_less_below_the_ceiling_of_later_ones() -> None:
    """In December a 13th month uses what the year left; a late bonus of January takes it away."""
    year = [case(month, 10_000) for month in range(1, 12)] + [case(12, 60_000)]
    standing = after(NOTHING, correct(NOTHING, charged(*year)))
    found = correct(standing, charged(case(1, 30_000, record=9), *year[1:]))
    by_month = causes(found)
    assert by_month[1] == (Cause.WAGE,)
    assert set(by_month.values()) == {(Cause.WAGE,), (Cause.CEILING,)}
    assert by_month[12] == (Cause.CEILING,)
    assert (
        sum(change.after.total - change.before.total for change in found if change.after and change.before)
        > 0
    )


def test_a_changed_law_is_named_as_the_cause() -> None:
    former = {
        key: replace(
            one,
            parameters="before",
            lines=tuple(line._replace(employer=line.employer + 1) for line in one.lines),
        )
        for key, one in FIRST.charges.items()
    }
    found = changes(
        Standing(former, FIRST.versions), charged(*(case(month, 3000) for month in (1, 2, 3))), {(ANNA, 2026)}
    )
    assert causes(found)[1] == (Cause.PARAMETERS,)


def test_what_was_not_looked_at_is_left_alone() -> None:
    assert changes(FIRST, [], {(ANNA, 2025)}) == []


PAYS = st.dictionaries(st.integers(1, 12), st.integers(0, 40_000), max_size=12)


@given(st.lists(PAYS, min_size=1, max_size=5), st.integers(0, WHOLE_YEAR))
def test_after_any_corrections_what_stands_is_what_is_due(
    years: list[dict[int, int]], affiliated: int
) -> None:
    """And what was charged and reversed in all adds up to it, to the cent."""
    standing, booked = NOTHING, defaultdict(int)
    for pays in years:
        due = charged(*(case(month, euro) for month, euro in pays.items()), affiliated=affiliated)
        found = correct(standing, due)
        for change in found:
            booked[change.key.period] += (change.after.total if change.after else 0) - (
                change.before.total if change.before else 0
            )
        standing = after(standing, found)
        assert {key: one.amounts() for key, one in standing.charges.items()} == {
            one.key: one.amounts() for one in due
        }
        assert {period: total for period, total in booked.items() if total} == {
            one.key.period: one.total for one in due if one.total
        }
        assert correct(standing, due) == []


def test_months_are_those_with_an_insured_day() -> None:
    spans = [
        Affiliation("2099990001299", ANNA, date(2025, 6, 1), date(2026, 1, 1), "I", "01"),
        Affiliation("2099990001299", ANNA, date(2026, 3, 31), date(2026, 4, 1), "I", "01"),
        Affiliation("2099990001299", ANNA, date(2026, 12, 31), None, "I", "01"),
    ]
    assert months_insured(spans, 2026) == 0b100000001101


def test_a_year_that_ends_in_summer_is_settled_then_where_the_year_end_settles_it() -> None:
    """As in `Ceiling.YEAR_END`: what January had no room for is charged in June when the exit is in June, and
    waits for December when it is not. What was charged can be computed again from what is kept of it."""
    policy = Policy(ceiling=Ceiling.YEAR_END)
    found = [case(1, 20_000), *(case(month, 3000) for month in range(2, 7))]
    half, whole = 0b111111, WHOLE_YEAR

    def pension(affiliated: int) -> list[int]:
        due = charge_year(found, affiliated, Classification(1, 100), policy, KNOWN)
        return [next(line.base for line in one.lines if line.branch is Branch.PENSION) for one in due]

    assert pension(half)[:5] == pension(whole)[:5]
    assert pension(whole)[5] == 300_000
    assert sum(pension(half)) == 20_000_00 + 5 * 3000_00
    ended = [
        one.basis.affiliated & ENDED
        for one in charge_year(found, half, Classification(1, 100), policy, KNOWN)
    ]
    assert [bool(one) for one in ended] == [False] * 5 + [True]
    assert not any(
        one.basis.affiliated & ENDED
        for one in charge_year(found, half, Classification(1, 100), Policy(), KNOWN)
    )
