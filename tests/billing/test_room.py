"""What a month leaves below the ceiling is told by its charge, also when its own amounts do not show it."""

from __future__ import annotations

from pathlib import Path

from gateway.contributions import Policy
from gateway.registers import Wage, WageKey
from tests.billing.histories import EMPLOYERS, KINDS, START, House, check, template

PUPIL = KINDS[3]


def test_pay_above_the_ceiling_that_was_declared_anew_is_in_the_explanation_of_the_next_month(
    tmp_path: Path,
) -> None:
    """A pupil owes nothing but what is cut at the ceiling: only the next month shows the higher pay."""
    house = House.open(template(tmp_path), tmp_path / "house", Policy())
    person = house.people[0]
    house.affiliate(person, START.first, PUPIL)
    for base, period in ((1_800_000, START), (3_600_000, START), (100_000, START.plus(1))):
        key = WageKey(EMPLOYERS[0], person, period, 1, period.last.day)
        house.receive(Wage(key, house.deposit(), 1, base, 173, 0, 0, 0, 0, 0, 0, 0, False, None))
        if base != 3_600_000:
            check(house, house.bill())
    house.database.close()
