"""LISPER: the pre-filled list of an employer's staff, once a month.

The centre sends such lists at the start of a month; the employer adds wages, benefits and changes and
returns them within ten days (RGD of 12 May 1975, art. 8). So it is about the month that has just ended,
whose wages are to be declared now, as in the operator's collection month (the current month less one).
A month in which nothing has changed is answered by DECREC in one line, any other one by DECSAL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.batch import MemberId
from gateway.calendar import first_working_day
from gateway.moments import Period, Received
from gateway.notices.names import names
from gateway.notices.recipients import holders
from gateway.registers import Mandate, Registers, Wage
from gateway.returns.lisper import LastWage, Listed

_RIGHTS = ("DECSAL", "DECREC")


def period_due(day: date) -> Period | None:
    """The month whose lists are due on a day: from the first working day of the month that follows it."""
    if day < first_working_day(day.year, day.month):
        return None
    return Period(day.year, day.month).plus(-1)


def staff(employer: str, period: Period, registers: Registers) -> list[Listed]:
    """The affiliations of an employer on any day of a month, by insured and entry."""
    known = registers.affiliations.during(employer, period.first, period.last)
    wages = registers.wages.counting({(one.employer, one.insured) for one in known})
    identities = registers.persons.identities({one.insured for one in known})
    return [
        Listed(
            one.employer,
            one.insured,
            period,
            one.entry,
            one.exit,
            one.contract,
            one.scheme,
            *names(identities.get(one.insured)),
            last_wage=_last_wage(wages.get((one.employer, one.insured), ()), period),
        )
        for one in known
    ]


def _last_wage(wages: Sequence[Wage], before: Period) -> LastWage | None:
    """The wage of the latest month before another one, its parts together."""
    earlier = [wage for wage in wages if wage.key.period < before]
    if not earlier:
        return None
    latest = max(wage.key.period for wage in earlier)
    parts = [wage for wage in earlier if wage.key.period == latest]
    return LastWage(latest, sum(one.base_wage for one in parts), sum(one.work_hours for one in parts))


def recipients(mandates: Sequence[Mandate], at: Received) -> list[MemberId]:
    """Who gets the list: every member who may declare the employer's wages."""
    return holders(mandates, _RIGHTS, at)
