"""Refunds of the Mutualité des employeurs as they are credited: version after version, like charges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.billing.charges import counts_now
from gateway.billing.statement import Cause, RefundChange
from gateway.moments import Period
from gateway.mutuality import Refund, RefundPart

_NOBODY: Mapping[str, str] = {}


class RefundKey(NamedTuple):
    """What has at most one refund that stands."""

    insured: str
    period: Period


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was refunded so far.

    Attributes:
        refunds: those that stand, by key.
        versions: the last version of each key, of those reversed as well.
    """

    refunds: Mapping[RefundKey, Refund]
    versions: Mapping[RefundKey, int]


def refund_changes(
    refunded: Refunded,
    computed: Iterable[Refund],
    looked_at: Collection[RefundKey],
    replaced: Mapping[str, str] = _NOBODY,
) -> list[RefundChange]:
    """What has to be reversed and refunded so that what stands is what was computed.

    Args:
        refunded: what was refunded so far.
        computed: what is due now, for the months looked at.
        looked_at: what stands outside of them is left alone.
        replaced: matricules that the national register has replaced, each with the one in its place.
    """
    due = {RefundKey(one.insured, one.period): one for one in computed if one.parts}
    stood = refunded.refunds.keys() & set(looked_at)
    moved = {key._replace(insured=counts_now(key.insured, replaced)) for key in stood}
    moved = {key for key in moved - stood if key in due}
    found = []
    for key in sorted({*due, *stood}, key=lambda key: key[::-1]):
        before, after = refunded.refunds.get(key), due.get(key)
        if _amounts(before) == _amounts(after):
            continue
        version = refunded.versions.get(key, 0)
        found.append(
            RefundChange(
                period=key.period,
                insured=key.insured,
                version=version + 1 if after else version,
                causes=(
                    (Cause.MATRICULE,)
                    if key._replace(insured=counts_now(key.insured, replaced)) in moved
                    else _causes(before, after)
                ),
                reversal=before and before.reversed(),
                result=after,
            )
        )
    return found


def _amounts(refund: Refund | None) -> list[tuple[object, ...]]:
    return [(*_span(part), part.hours, part.pay_refund, dict(part.shares)) for part in _parts(refund)]


def _causes(before: Refund | None, after: Refund | None) -> tuple[Cause, ...]:
    """Why something else is refunded than before; none the first time."""
    if before is None:
        return ()
    if list(map(_span, _parts(before))) != list(map(_span, _parts(after))):
        return (Cause.INCAPACITY,)
    if [part.pay_continued for part in _parts(before)] != [part.pay_continued for part in _parts(after)]:
        return (Cause.WAGE,)
    return (Cause.PARAMETERS,)


def _parts(refund: Refund | None) -> tuple[RefundPart, ...]:
    return refund.parts if refund else ()


def _span(part: RefundPart) -> tuple[object, ...]:
    return part.kind, part.first, part.last
