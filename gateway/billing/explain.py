"""Why an amount is what it is: a charge computed again from what it came from, with the law as known then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gateway.billing.charges import ENDED, Case, Charge, ChargeKey, RecordKey, months_of
from gateway.billing.statement import Cause
from gateway.contributions import Contribution, Line, Policy, year
from gateway.money import round_half_up
from gateway.parameters import Parameter


class NotReproduced(Exception):
    """Computed again, a charge is not what was charged: the register or the law is not what it was."""

    def __init__(self, key: ChargeKey, version: int) -> None:
        super().__init__(f"version {version} of {key.insured} in {key.period} cannot be computed again")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A charge with all that it follows from.

    Attributes:
        charge: as it was charged.
        statement: number of the statement that charged it.
        causes: why it took the place of another one.
        known: day as known on which the law counted.
        policy: name of the choices.
        contribution: the same computed again, line by line, with formulas and the values of the law.
    """

    charge: Charge
    statement: int
    causes: tuple[Cause, ...]
    known: date
    policy: str
    contribution: Contribution

    @property
    def records(self) -> tuple[RecordKey, ...]:
        """The wage records that it comes from."""
        return self.charge.basis.records


def explain(
    charge: Charge,
    standing: Mapping[ChargeKey, Charge],
    *,
    statement: int,
    causes: tuple[Cause, ...],
    known: date,
    policy: str,
) -> Explanation:
    """Compute a charge again.

    Args:
        standing: what stood for the same insured and year once its statement was issued, itself included.

    Raises:
        NotReproduced: when something else comes out.
    """
    contribution = _again(charge, standing.values(), known, Policy.parse(policy))
    if contribution is None or _amounts(contribution.lines) != charge.amounts():
        raise NotReproduced(charge.key, charge.version)
    return Explanation(charge, statement, causes, known, policy, contribution)


def _again(charge: Charge, standing: Collection[Charge], known: date, policy: Policy) -> Contribution | None:
    key, basis = charge.key, charge.basis
    earlier = [
        Case(one.key, one.basis.pay, one.basis.records)
        for one in standing
        if one.key.period.year == key.period.year and one.key.period <= key.period
    ]
    months = months_of(earlier, basis.affiliated)
    ended = bool(basis.affiliated & ENDED)
    due = year([month for month, _ in months], basis.classification, policy=policy, known=known, ended=ended)
    found = [one for (_, case), one in zip(months, due, strict=True) if case is not None and case.key == key]
    return found[0] if found else None


def _amounts(lines: Collection[Line]) -> tuple[tuple[object, ...], ...]:
    """As `Charge.amounts` tells them."""
    return tuple((one.branch, round_half_up(one.base), one.employee, one.employer) for one in lines)


def parameter_row(parameter: Parameter[Decimal]) -> Mapping[str, str | None]:
    """A value of the law as it is shown beside a formula."""
    return {
        "name": parameter.name,
        "value": str(parameter.value),
        "since": parameter.since.isoformat(),
        "known": parameter.known.isoformat() if parameter.known else None,
        "source": ", ".join(parameter.sources),
        "confidence": parameter.confidence.value,
    }
