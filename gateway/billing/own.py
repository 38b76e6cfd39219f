"""The own computation of an employer that is on file, compared with what is charged."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.billing.differences import Comparison
from gateway.billing.reconcile import reconcile
from gateway.billing.statement import InsuredResult
from gateway.contributions import Policy
from gateway.moments import Period
from gateway.registers import Registers

_DEFAULT = Policy()


def differences(
    registers: Registers,
    employer: str,
    period: Period,
    billed: Sequence[InsuredResult],
    *,
    statement: str | None = None,
    earlier: Sequence[InsuredResult] = (),
    policy: Policy = _DEFAULT,
) -> Comparison | None:
    """The content of the DIFCAL of an employer and month; None when no own computation is on file.

    Args:
        registers: bound to a transaction.
        billed: what stands as charged, corrections included.
        statement: number of the account statement with which it goes; None when it goes by itself.
        earlier: what was charged before a correction and reversed since, as it was charged.
        policy: with which it was charged.
    """
    own = registers.own.of_month(employer, period)
    if not own:
        return None
    charged = {result.insured for result in billed}
    declared = {wage.key.insured for wage in registers.wages.of_month(employer, period)}
    found = reconcile(own, billed, period, earlier=earlier, waiting=declared - charged, policy=policy)
    return Comparison(employer, period, statement, found)
