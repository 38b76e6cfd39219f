"""Several part-periods in one month: declared with different days, and certified for each affiliation."""

from __future__ import annotations

from datetime import date

from lxml import etree

from gateway.returns import certif
from tests.flow.premises import rows, someone, wages
from tests.house import EMPLOYER, House, Sender, entry, wage


def part(insured: str, first: str, last: str, **changes: str) -> dict[str, str]:
    """A wage for some days of July."""
    return wage(insured, **{**changes, "FirstDay": first, "LastDay": last})


def standing(home: House, insured: str) -> list[tuple[int, int, int]]:
    """First and last day and base wage in euro of what counts."""
    found = rows(
        home,
        "SELECT first_day, last_day, base_wage FROM wage WHERE insured = :insured AND state = 'current'"
        " ORDER BY first_day, last_day",
        insured=insured,
    )
    return [(row["first_day"], row["last_day"], row["base_wage"] // 100) for row in found]


def come_back(home: House, sender: Sender, insured: str) -> None:
    """Affiliated until 10 July, and again from 17 July on."""
    home.affiliate(insured)
    left = {"Kind": "exit", "Employer": EMPLOYER, "Insured": insured, "Exit": "2026-07-10"}
    assert home.send(sender, "DECAFF", [left, entry(insured, Entry="2026-07-17")]).codes == []


def certified(home: House, sender: Sender, insured: str, first: str = "2026-07") -> list[certif.Income]:
    asked = {"Kind": "income", "Employer": EMPLOYER, "Insured": insured, "First": first, "Last": "2026-07"}
    outcome = home.send(sender, "DEMCER", [asked])
    (one,) = certif.read(etree.fromstring(outcome.answers["CERTIF"])).certified
    return list(one.incomes)


def test_two_contracts_of_a_month_are_two_wages_and_each_replaces_its_own(
    home: House, sender: Sender
) -> None:
    insured = someone()
    home.affiliate(insured)
    first = part(insured, "01", "10", BaseWage="1000.00", WorkHours="50")
    second = part(insured, "11", "31", BaseWage="2000.00", WorkHours="100")
    assert home.send(sender, "DECSAL", [first, second]).codes == []
    assert standing(home, insured) == [(1, 10, 1000), (11, 31, 2000)]
    corrected = part(insured, "11", "31", BaseWage="2500.00", WorkHours="100")
    assert home.send(sender, "DECSAL", [corrected]).codes == []
    assert standing(home, insured) == [(1, 10, 1000), (11, 31, 2500)]
    assert wages(home, insured) == [("current", 100000), ("superseded", 200000), ("current", 250000)]


def test_records_of_a_file_that_share_a_day_are_all_refused(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    records = [part(insured, "01", "10"), part(insured, "10", "20"), part(insured, "21", "31")]
    outcome = home.send(sender, "DECSAL", records)
    assert (outcome.verdict, outcome.codes) == ("partial", ["SALRET-1", "SALRET-1"])
    assert [(first, last) for first, last, _ in standing(home, insured)] == [(21, 31)]


def test_a_month_with_one_affiliation_is_one_line_of_a_certificate(home: House, sender: Sender) -> None:
    insured = someone()
    home.affiliate(insured)
    home.send(sender, "DECSAL", [part(insured, "01", "10"), part(insured, "11", "31")])
    (line,) = certified(home, sender, insured)
    assert (line.first, line.last, line.base_wage, line.hours) == (None, None, 2 * 381240, 2 * 173)


def test_a_whole_month_is_certified_for_each_affiliation_with_the_sum_declared(
    home: House, sender: Sender
) -> None:
    insured = someone()
    come_back(home, sender, insured)
    june = wage(insured, Period="2026-06")
    july = wage(insured, BaseWage="3000.01", WorkHours="101", Supplements="0.01", Gratuities="100.00")
    assert home.send(sender, "DECSAL", [june, july]).codes == []
    before, first, second = certified(home, sender, insured, "2026-06")
    assert (str(before.period), before.first, before.last) == ("2026-06", None, None)
    assert (first.first, first.last) == (date(2026, 7, 1), date(2026, 7, 10))
    assert (second.first, second.last) == (date(2026, 7, 17), date(2026, 7, 31))
    # Ten and fifteen days of twenty-five.
    assert (first.base_wage, second.base_wage) == (120000, 180001)
    assert (first.hours, second.hours) == (40, 61)
    assert (first.supplements, second.supplements) == (0, 1)
    assert (first.gratuities, second.gratuities) == (4000, 6000)


def test_wages_with_their_own_days_are_certified_as_they_were_declared(home: House, sender: Sender) -> None:
    insured = someone()
    come_back(home, sender, insured)
    records = [
        part(insured, "01", "10", BaseWage="1000.00", WorkHours="60"),
        part(insured, "17", "31", BaseWage="1600.00", WorkHours="88"),
    ]
    assert home.send(sender, "DECSAL", records).codes == []
    assert [(one.base_wage, one.hours) for one in certified(home, sender, insured)] == [
        (100000, 60),
        (160000, 88),
    ]
