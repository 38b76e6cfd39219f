"""What is proposed for what came late, and every ground for which nothing is, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.deadlines import Kind, Outage
from gateway.lateness import (
    Circumstance,
    Facts,
    Ground,
    Insurance,
    Matter,
    Proposal,
    State,
    Version,
    proposals,
)
from gateway.lateness_words import LANGUAGES, text
from gateway.moments import Period, Received

EMPLOYER = "2099990001299"
OTHER_EMPLOYER = "2099990002099"
INSURED = "1893120105732"
OTHER = "1894050600302"
JULY = Period(2026, 7)
AUTUMN = date(2026, 11, 30)


def at(day: str) -> Received:
    """Ten in the morning of a day."""
    return Received.parse(f"{day}T08:00:00Z")


def day(text: str) -> date:
    return date.fromisoformat(text)


def version(entry: str, received: str | None, exit_: str | None = None) -> Version:
    return Version(day(entry), day(exit_) if exit_ else None, at(received) if received else None)


def facts(*versions: Version, household: bool = True, wages: dict[str, str] | None = None) -> Facts:
    """Of one employer and one insured; without duties to declare wages unless asked for."""
    receipts = {(INSURED, Period.parse(month)): at(received) for month, received in (wages or {}).items()}
    return Facts(
        employer=EMPLOYER,
        household=household,
        insurances=[Insurance(INSURED, versions)] if versions else [],
        wages=receipts,
        circumstances=[],
        outages=[],
        since=date(2026, 1, 1),
    )


def waged(entry: str = "2026-07-01", exit_: str | None = "2026-07-31", **wages: str) -> Facts:
    """Somebody affiliated long since whom the operator entered, and the receipts of wages such as
    `m2026_07`; the first wages that can be missed are those of July 2026."""
    receipts = {month[1:].replace("_", "-"): received for month, received in wages.items()}
    return replace(
        facts(version(entry, None, exit_), household=False, wages=receipts), since=date(2026, 8, 1)
    )


def one(known: Facts, as_of: date = AUTUMN) -> Proposal:
    (found,) = proposals(known, as_of)
    return found


def circumstance(
    matter: Matter,
    first: str,
    last: str | None = None,
    employer: str | None = EMPLOYER,
    insured: str | None = INSURED,
) -> Circumstance:
    return Circumstance(matter, employer, insured, day(first), day(last) if last else None)


def under(known: Facts, *circumstances: Circumstance) -> Facts:
    return replace(known, circumstances=circumstances)


ENTRY = "2026-03-02"
"""A Monday: to be declared by Tuesday, 10 March."""


@pytest.mark.parametrize(
    ("received", "days_late", "cents"),
    [
        ("2026-04-10", 31, 5_000),
        ("2026-05-09", 60, 5_000),
        ("2026-05-10", 61, 10_000),
        ("2026-06-10", 92, 15_000),
        ("2027-03-10", 365, 60_000),
        ("2030-05-10", 1522, 250_000),
        ("2035-01-01", 3219, 250_000),
    ],
)
def test_a_late_entry_costs_fifty_euro_a_full_month(received: str, days_late: int, cents: int) -> None:
    found = one(facts(version(ENTRY, received)), day("2040-01-01"))
    assert (found.kind, found.event, found.due) == (Kind.ENTRY, day(ENTRY), day("2026-03-10"))
    assert (found.days_late, found.amount, found.received) == (days_late, cents, at(received))
    assert (found.state, found.ground, found.right_to_cure) == (State.FINE, None, False)


@pytest.mark.parametrize("received", ["2026-01-15", "2026-03-10", "2026-03-11", "2026-04-09"])
def test_within_thirty_days_of_delay_nothing_is_proposed(received: str) -> None:
    assert proposals(facts(version(ENTRY, received)), AUTUMN) == []


def test_the_minute_of_midnight_in_luxembourg_decides() -> None:
    """On 10 April at 00:00 in Luxembourg the thirty days are over; a moment before they are not."""
    midnight = "2026-04-09T22:00:00Z"
    late = Version(day(ENTRY), None, Received.parse(midnight))
    assert one(facts(late)).days_late == 31
    assert proposals(facts(late._replace(received=Received.parse("2026-04-09T21:59:59Z"))), AUTUMN) == []


def test_a_late_exit() -> None:
    """Declared in time as an entry; the exit of Friday, 29 May was due on Monday, 8 June."""
    found = one(facts(version(ENTRY, "2026-03-03"), version(ENTRY, "2026-08-08", "2026-05-29")))
    assert (found.kind, found.event, found.due) == (Kind.EXIT, day("2026-05-29"), day("2026-06-08"))
    assert (found.days_late, found.amount) == (61, 10_000)


def test_an_exit_declared_with_the_entry_is_late_with_it() -> None:
    found = proposals(facts(version(ENTRY, "2026-08-08", "2026-03-31")), AUTUMN)
    assert [(each.kind, each.due) for each in found] == [
        (Kind.ENTRY, day("2026-03-10")),
        (Kind.EXIT, day("2026-04-08")),
    ]


def test_a_late_change_is_counted_from_the_first_day_it_touches() -> None:
    """The exit of 30 June is moved to the end of the year: a change from 30 June, due on 8 July."""
    prolonged = facts(version(ENTRY, "2026-03-02", "2026-06-30"), version(ENTRY, "2026-09-10", "2026-12-31"))
    found = one(prolonged)
    assert (found.kind, found.event, found.due) == (Kind.CHANGE, day("2026-06-30"), day("2026-07-08"))
    assert found.amount == 10_000


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (("2026-03-02", None), ("2026-03-09", None), "2026-03-02"),
        (("2026-03-09", None), ("2026-03-02", None), "2026-03-02"),
        (("2026-03-02", "2026-04-30"), ("2026-03-02", None), "2026-04-30"),
        (("2026-03-02", "2026-04-30"), ("2026-03-03", "2026-05-31"), "2026-03-02"),
    ],
)
def test_which_day_a_change_touches_first(
    before: tuple[str, str | None], after: tuple[str, str | None], event: str
) -> None:
    known = facts(version(before[0], "2026-03-02", before[1]), version(after[0], "2026-09-10", after[1]))
    found = one(known)
    assert (found.kind, found.event) == (Kind.CHANGE, day(event))


def test_a_change_that_moves_no_day_is_not_judged() -> None:
    assert proposals(facts(version(ENTRY, "2026-03-02"), version(ENTRY, "2026-09-10")), AUTUMN) == []


def test_an_entry_is_judged_by_the_day_that_stands() -> None:
    """Declared on 20 April for 1 March, set right in time to 14 April: not late."""
    wrong, right = version("2026-03-01", "2026-04-20"), version("2026-04-14", "2026-04-21")
    assert {found.kind for found in proposals(facts(wrong), AUTUMN)} == {Kind.ENTRY}
    assert Kind.ENTRY not in {found.kind for found in proposals(facts(wrong, right), AUTUMN)}


def test_what_the_operator_entered_has_no_receipt_and_is_not_judged() -> None:
    assert (
        proposals(facts(version("2015-01-01", None), version("2015-01-01", None, "2016-01-01")), AUTUMN) == []
    )


@pytest.mark.parametrize(
    ("entered", "left"), [("1900-01-01", "1970-01-01"), ("2026-03-02", "9999-12-31"), ("9999-12-31", None)]
)
def test_days_far_away_are_not_judged(entered: str, left: str | None) -> None:
    assert proposals(facts(version(entered, "2026-03-03", left), household=False), day("2026-01-31")) == []
    assert proposals(facts(version(entered, "2026-03-03", left)), AUTUMN) == []


def test_what_came_in_after_the_day_is_not_looked_at() -> None:
    known = facts(version(ENTRY, "2026-04-10"))
    assert proposals(known, day("2026-04-09")) == []
    assert one(known, day("2026-04-10")).amount == 5_000


# Wages of July 2026: due by Monday, 10 August; reminders on Monday, the 24th; notices on Thursday,
# 1 October; oppositions until Tuesday, 10 November.


@pytest.mark.parametrize("received", ["2026-08-01", "2026-08-10", "2026-08-11", "2026-08-24"])
def test_wages_before_the_reminders_go_out_are_not_late(received: str) -> None:
    assert proposals(waged(m2026_07=received), AUTUMN) == []


def test_missing_wages_bring_a_notice_with_the_right_to_cure_and_its_last_day() -> None:
    assert proposals(waged(), day("2026-08-24")) == []
    found = one(waged(), day("2026-08-25"))
    assert (found.kind, found.event, found.due, found.days_late) == (
        Kind.WAGE,
        JULY,
        day("2026-08-10"),
        15,
    )
    assert (found.state, found.received, found.amount) == (State.MISSING, None, None)
    assert (found.notice, found.right_to_cure, found.last_day) == (
        day("2026-10-01"),
        True,
        day("2026-11-10"),
    )


def test_the_first_notice_cured_by_the_last_day_brings_the_discharge() -> None:
    """PAIN-07: nobody has to object."""
    found = one(waged(m2026_07="2026-11-10"))
    assert (found.state, found.ground) == (State.DISCHARGE, Ground.FIRST_CURED)
    assert one(waged(m2026_07="2026-08-25")).state is State.DISCHARGE


def test_cured_a_day_too_late_it_is_fined() -> None:
    found = one(waged(m2026_07="2026-11-11"))
    assert (found.state, found.ground, found.right_to_cure) == (State.FINE, None, False)
    still = one(waged(), day("2026-11-11"))
    assert (still.state, still.right_to_cure) == (State.MISSING, False)
    assert one(waged(), day("2026-11-10")).right_to_cure


def test_a_second_notice_within_twelve_months_gives_no_right() -> None:
    """Wages of July and August share the notice of 1 October; those of October bring another on 4 January."""
    known = waged(
        exit_="2026-10-31",
        m2026_07="2026-08-25",
        m2026_08="2026-09-25",
        m2026_09="2026-10-10",
        m2026_10="2026-11-25",
    )
    found = {each.event: each for each in proposals(known, AUTUMN)}
    assert {str(month): each.state for month, each in found.items()} == {
        "2026-07": State.DISCHARGE,
        "2026-08": State.DISCHARGE,
        "2026-10": State.FINE,
    }
    assert found[Period(2026, 10)].notice == day("2027-01-04")
    assert not found[Period(2026, 10)].right_to_cure


def test_after_twelve_months_it_is_a_first_notice_again() -> None:
    """The wages of July 2027 bring the notice of 1 October 2027, a year after; those of October 2027 that of
    3 January 2028."""
    in_time = {
        f"m{month.year}_{month.month:02d}": str(month.plus(1).first) for month in map(JULY.plus, range(18))
    }
    year_after = in_time | {"m2026_07": "2026-08-25", "m2027_07": "2027-08-25"}
    later = in_time | {"m2026_07": "2026-08-25", "m2027_10": "2027-11-25"}
    states = [
        [each.state for each in proposals(waged(exit_="2027-12-31", **known), day("2028-01-10"))]
        for known in (year_after, later)
    ]
    assert states == [[State.DISCHARGE, State.FINE], [State.DISCHARGE, State.DISCHARGE]]


def test_a_notice_goes_out_once_the_centre_can_know() -> None:
    """Nobody could miss the wages of July before the entry came in: so the notice is that of 4 January."""
    entered = replace(
        facts(version("2026-07-01", "2026-11-20", "2026-07-31"), household=False), since=day("2026-08-01")
    )
    found = {each.kind: each for each in proposals(entered, day("2026-12-15"))}
    assert {kind: each.notice for kind, each in found.items()} == {
        Kind.ENTRY: day("2026-12-01"),
        Kind.EXIT: day("2026-12-01"),
        Kind.WAGE: day("2027-01-04"),
    }
    assert found[Kind.WAGE].right_to_cure


def test_another_employers_notice_does_not_count() -> None:
    """Each employer is judged by its own registers."""
    mine = waged(m2026_07="2026-08-25")
    assert one(replace(mine, employer=OTHER_EMPLOYER)).state is State.DISCHARGE


def test_wages_that_were_due_before_the_gateway_was_there_are_not_missed() -> None:
    known = waged(entry="2015-01-01", exit_=None)
    found = proposals(known, day("2026-11-30"))
    assert [str(each.event) for each in found] == ["2026-07", "2026-08", "2026-09", "2026-10"]
    later = proposals(replace(known, since=day("2026-08-11")), day("2026-11-30"))
    assert [str(each.event) for each in later] == ["2026-08", "2026-09", "2026-10"]


def test_private_households_declare_no_wages_here() -> None:
    assert proposals(replace(waged(), household=True), AUTUMN) == []


# The six grounds on which fines were lifted.


def test_ground_1_booked_late_by_the_centre() -> None:
    """PAIN-01: the facts know no moment of treatment, only that of receipt."""
    assert proposals(facts(version(ENTRY, "2026-03-10")), day("2026-12-31")) == []
    assert "treated" not in Version._fields
    assert proposals(waged(m2026_07="2026-08-10"), day("2026-12-31")) == []


def test_ground_2_cancelled_or_ended_retroactively() -> None:
    """PAIN-02."""
    late = facts(version(ENTRY, "2026-06-10"))
    assert one(late).amount == 15_000
    assert proposals(replace(late, insurances=[]), AUTUMN) == []
    assert len(proposals(waged(exit_=None), day("2026-08-25"))) == 1
    assert proposals(waged(entry="2026-05-01", exit_="2026-06-30"), AUTUMN) == []


def test_ground_3_during_a_dispute_the_clock_stands_still() -> None:
    """PAIN-03: due on 10 March; in dispute from the 6th, five days are left for when it is over."""
    late = facts(version(ENTRY, "2026-06-10"))
    assert proposals(under(late, circumstance(Matter.DISPUTE, "2026-03-06")), AUTUMN) == []
    over = under(late, circumstance(Matter.DISPUTE, "2026-03-06", "2026-04-20"))
    # The 6th to the 10th are made good from 21 April on: due on Saturday the 25th, so on the 27th.
    found = one(over)
    assert (found.due, found.days_late, found.amount) == (day("2026-04-27"), 44, 5_000)


def test_days_of_a_dispute_after_the_limit_do_not_count_as_delay() -> None:
    late = facts(version(ENTRY, "2026-06-10"))
    found = one(under(late, circumstance(Matter.DISPUTE, "2026-03-21", "2026-05-10")))
    assert (found.due, found.days_late, found.amount) == (day("2026-03-10"), 92 - 51, 5_000)
    assert proposals(under(late, circumstance(Matter.DISPUTE, "2026-03-21", "2026-06-30")), AUTUMN) == []


@pytest.mark.parametrize(("employer", "insured"), [(EMPLOYER, OTHER), (OTHER_EMPLOYER, INSURED)])
def test_somebody_elses_dispute_changes_nothing(employer: str, insured: str) -> None:
    late = facts(version(ENTRY, "2026-06-10"))
    dispute = circumstance(Matter.DISPUTE, "2026-01-01", employer=employer, insured=insured)
    assert one(under(late, dispute)) == one(late)


def test_wages_of_somebody_in_dispute_are_not_missed() -> None:
    assert proposals(under(waged(), circumstance(Matter.DISPUTE, "2026-07-15")), AUTUMN) == []


@pytest.mark.parametrize(("employer", "insured"), [(EMPLOYER, None), (None, INSURED)])
def test_ground_4_a_matricule_that_is_deactivated(employer: str | None, insured: str | None) -> None:
    """PAIN-04: no duty from that day on, but those before stay."""
    off = circumstance(Matter.DEACTIVATED, "2026-08-31", employer=employer, insured=insured)
    known = waged(exit_=None)
    assert [str(each.event) for each in proposals(under(known, off), AUTUMN)] == ["2026-07"]
    assert len(proposals(known, AUTUMN)) == 4
    entry = facts(version(ENTRY, "2026-06-10"))
    assert proposals(under(entry, replace(off, first=day(ENTRY))), AUTUMN) == []
    assert len(proposals(under(entry, replace(off, first=day("2026-03-03"))), AUTUMN)) == 1


def test_ground_5_a_month_is_one_duty_however_it_is_split() -> None:
    """PAIN-05: left on the 10th and came back on the 20th; the pay came in time, in one record."""
    known = waged(exit_="2026-07-10", m2026_07="2026-08-10")
    split = replace(known, insurances=[*known.insurances, Insurance(INSURED, [version("2026-07-20", None)])])
    assert proposals(split, day("2026-08-31")) == []
    assert len(proposals(replace(split, wages={}), day("2026-08-31"))) == 1


def test_ground_6_months_paid_by_the_health_fund() -> None:
    """PAIN-06: July paid by the CNS; a day of the employer's is enough for a duty."""
    paid = circumstance(Matter.HEALTH_FUND, "2026-07-01", "2026-07-31", employer=None)
    assert proposals(under(waged(), paid), AUTUMN) == []
    assert len(proposals(under(waged(), replace(paid, last=day("2026-07-30"))), AUTUMN)) == 1
    assert len(proposals(under(waged(), replace(paid, insured=OTHER)), AUTUMN)) == 1
    part = waged(exit_="2026-07-15")
    assert proposals(under(part, replace(paid, last=day("2026-07-15"))), AUTUMN) == []
    twice = [replace(paid, last=day("2026-07-10")), replace(paid, first=day("2026-07-11"))]
    assert proposals(under(waged(), *twice), AUTUMN) == []


def test_an_outage_moves_the_limit() -> None:
    away = Outage(Received.parse("2026-03-10T07:00:00Z"), Received.parse("2026-03-10T09:00:00Z"), "power")
    known = facts(version(ENTRY, "2026-04-10"))
    assert one(known).days_late == 31
    assert proposals(replace(known, outages=[away]), AUTUMN) == []
    assert one(replace(facts(version(ENTRY, "2026-04-11")), outages=[away])).due == day("2026-03-11")


# What holds for any facts.

dates = st.dates(date(2026, 1, 1), date(2026, 12, 31))
moments = st.builds(lambda given: at(given.isoformat()), dates)
versions = st.builds(
    lambda entry, length, received: Version(entry, date.fromordinal(entry.toordinal() + length), received),
    dates,
    st.integers(0, 200),
    st.none() | moments,
)
insurances = st.builds(
    Insurance, st.sampled_from([INSURED, OTHER]), st.lists(versions, min_size=1, max_size=3)
)
any_facts = st.builds(
    Facts,
    employer=st.just(EMPLOYER),
    household=st.booleans(),
    insurances=st.lists(insurances, max_size=4),
    wages=st.dictionaries(
        st.tuples(st.sampled_from([INSURED, OTHER]), st.builds(Period, st.just(2026), st.integers(1, 12))),
        moments,
    ),
    circumstances=st.just([]),
    outages=st.just([]),
    since=st.just(date(2026, 1, 1)),
)


@given(any_facts, dates)
def test_the_same_facts_give_the_same_proposals_in_whatever_order(known: Facts, as_of: date) -> None:
    turned = replace(
        known,
        insurances=known.insurances[::-1],
        wages=dict(reversed(list(known.wages.items()))),
    )
    key = repr
    assert sorted(map(key, proposals(known, as_of))) == sorted(map(key, proposals(turned, as_of)))


@given(any_facts, dates)
def test_whatever_is_proposed_is_late_and_says_what_can_be_done(known: Facts, as_of: date) -> None:
    for each in proposals(known, as_of):
        assert each.days_late > 0
        assert each.notice > each.due
        assert each.last_day > each.notice
        assert (each.amount is None) == (each.kind is Kind.WAGE)
        assert each.amount is None or 5_000 <= each.amount <= 250_000
        assert not each.right_to_cure or each.kind is Kind.WAGE
        assert (each.received is None) == (each.state is State.MISSING)
        assert (each.ground is None) == (each.state is not State.DISCHARGE)
        assert each.received is None or each.received.day <= as_of


@given(any_facts, dates, dates)
def test_a_dispute_never_makes_anything_worse(known: Facts, as_of: date, first: date) -> None:
    def delays(given: Facts) -> dict[object, int]:
        return {
            (each.insured, each.kind, each.event, each.received): each.days_late
            for each in proposals(given, as_of)
        }

    plain = delays(known)
    for insured in (INSURED, OTHER):
        known = replace(
            known,
            circumstances=[*known.circumstances, circumstance(Matter.DISPUTE, str(first), insured=insured)],
        )
    disputed = delays(known)
    assert disputed.keys() <= plain.keys()
    assert all(late <= plain[key] for key, late in disputed.items())


# What is said.


def test_a_fine_is_told_in_three_languages() -> None:
    found = one(facts(version(ENTRY, "2026-05-10")))
    assert text(found, "en") == (
        "The declaration of the entry on 2 March 2026 for the insured 1893120105732 was due by 10 March "
        "2026; it was received on 10 May 2026 (days late: 61). Proposed fine: EUR 100.00. A later "
        "declaration gives no right to a discharge; an opposition is possible until 13 July 2026. Legal "
        "basis: CSS art. 425; RGD 12.05.1975 art. 4; CSS art. 445."
    )
    assert "devait être reçue le 10/03/2026 au plus tard" in text(found, "fr")
    assert "Vorgeschlagene Geldbuße: 100.00 EUR." in text(found, "de")


def test_a_notice_names_the_right_to_cure_and_its_last_day() -> None:
    missing = one(waged(), day("2026-08-25"))
    said = {language: text(missing, language) for language in LANGUAGES}
    assert (
        "vous avez droit à la décharge si la déclaration est faite le 10/11/2026 au plus tard" in said["fr"]
    )
    assert (
        "haben Sie Anspruch auf Entlastung, wenn die Meldung spätestens am 10.11.2026 erfolgt" in said["de"]
    )
    assert "you have the right to a discharge if the declaration is made by 10 November 2026" in said["en"]
    cured = one(waged(m2026_07="2026-11-10"))
    assert "une opposition n'est pas nécessaire" in text(cured, "fr")
    assert "ein Einspruch ist nicht nötig" in text(cured, "de")
    assert "no opposition is needed" in text(cured, "en")


@given(any_facts, dates)
def test_every_proposal_can_be_told(known: Facts, as_of: date) -> None:
    for each in proposals(known, as_of):
        for language in LANGUAGES:
            said = text(each, language)
            assert "{" not in said
            assert each.insured in said
            assert "445" in said
