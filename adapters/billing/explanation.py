"""Why the amounts of a statement are what they are, from the registers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.billing import declared_of
from adapters.database import tables
from adapters.database.registers.charges import SqlCharges
from adapters.database.registers.refunds import SqlRefunds
from gateway.billing.explain import Explanation, explain, parameter_row
from gateway.billing.statement import Declared, RefundChange, printed_number
from gateway.moments import Period, Received
from gateway.money import euro, round_half_up

statement = tables.table(tables.Statement)


@dataclass(frozen=True, slots=True)
class Issue:
    """A statement that was issued, as far as explanations need it."""

    number: int
    employer: str
    period: Period
    issued: Received
    policy: str

    @property
    def text(self) -> str:
        """The number as it is printed."""
        return printed_number(self.period, self.number)


def issue_of(connection: sa.Connection, text: str) -> Issue | None:
    """The statement of a printed number, or of its digits after the hyphen alone."""
    digits = text.rpartition("-")[2]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    row = connection.execute(sa.select(statement).where(statement.c.number == int(digits))).first()
    if row is None:
        return None
    found = Issue(row.number, row.employer, Period.parse(row.period), Received.parse(row.issued), row.policy)
    return found if text in (found.text, digits) else None


def explanations(
    connection: sa.Connection, issue: Issue, insured: str | None = None
) -> Iterator[Explanation]:
    """Each charge of a statement, or those of one insured, computed again.

    Raises:
        NotReproduced: when something else comes out than was charged.
    """
    charges = SqlCharges(connection)
    for version in charges.of_statement(issue.number):
        key = version.charge.key
        if version.reversal or insured not in (None, key.insured):
            continue
        yield explain(
            version.charge,
            charges.as_of(issue.employer, key.insured, issue.number),
            statement=issue.number,
            causes=version.causes,
            known=issue.issued.day,
            policy=issue.policy,
        )


def document(connection: sa.Connection, issue: Issue, insured: str | None = None) -> dict[str, object]:
    """All that explains a statement, or what it says of one insured, as JSON has it.

    Raises:
        NotReproduced: as above.
    """
    declared = declared_of(connection)
    refunds = SqlRefunds(connection).of_statement(issue.number)
    return {
        "statement": issue.text,
        "employer": issue.employer,
        "period": str(issue.period),
        "issued": str(issue.issued),
        "policy": issue.policy,
        "charges": [_charge(one, declared(one.records)) for one in explanations(connection, issue, insured)],
        "refunds": [_refund(one) for one in refunds if insured in (None, one.insured)],
    }


def _charge(one: Explanation, declared: Sequence[Declared]) -> Mapping[str, object]:
    charge = one.charge
    return {
        "insured": charge.key.insured,
        "period": str(charge.key.period),
        "group": charge.key.group.value,
        "version": charge.version,
        "causes": [cause.value for cause in one.causes] if charge.version > 1 else [],
        "total": euro(charge.total),
        "records": [
            {"deposit": each.deposit, "digest": each.digest, "record": each.record} for each in declared
        ],
        "lines": [
            {
                "branch": line.branch.value,
                "base": euro(round_half_up(line.base)),
                "rate": f"{line.rate:f}",
                "employee": euro(line.employee),
                "employer": euro(line.employer),
                "institution": line.institution,
                "formula": line.formula,
                "parameters": [parameter_row(parameter) for parameter in line.parameters],
            }
            for line in one.contribution.lines
        ],
    }


def _refund(one: RefundChange) -> Mapping[str, object]:
    return {
        "insured": one.insured,
        "period": str(one.period),
        "version": one.version,
        "causes": [cause.value for cause in one.causes],
        "total": euro(one.total),
        "parts": [
            {
                "kind": part.kind,
                "first": part.first.isoformat(),
                "last": part.last.isoformat(),
                "hours": part.hours,
                "amount": euro(part.total),
                "formula": part.formula,
                "source": part.source,
            }
            for refund in (one.reversal, one.result)
            if refund is not None
            for part in refund.parts
        ],
    }
