"""What stands as charged, as a comparison with an own computation needs it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.database.registers.charges import SqlCharges
from gateway.billing.charges import Charge
from gateway.billing.statement import InsuredResult
from gateway.moments import Period


class SqlBilled:
    """`gateway.registers.Charges` on the table `charge`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._charges = SqlCharges(connection)

    def of_month(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        standing = self._charges.standing(employer, self._charges.insured(employer, period)).charges
        found = (one for key, one in standing.items() if key.period == period)
        return [_result(one) for one in sorted(found, key=lambda one: (one.key.insured, one.key.group))]

    def reversed_of(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        versions = self._charges.standing(employer, self._charges.insured(employer, period)).versions
        corrected = {key.insured for key, last in versions.items() if key.period == period and last > 1}
        return [
            _result(one.charge)
            for insured in sorted(corrected)
            for one in self._charges.history(employer, insured, period)
            if one.reversal
        ]


def _result(one: Charge) -> InsuredResult:
    hours, pay = int(one.basis.pay.hours), one.basis.pay.total
    return InsuredResult(one.key.insured, one.key.group, hours, pay, one.lines)
