"""What the contributions of a new employer are computed with until it is classed: dated data, assumed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.moments import Received
from gateway.procedures.lists.rows import SPAN, Span, fields, read, rows, span, whole


@dataclass(frozen=True, slots=True)
class Beginning:
    """With what an employer begins: class 1 to 4 of the MDE, and accident factor in hundredths."""

    mde_class: int
    accident_factor: int
    span: Span


def beginning(received: Received) -> Beginning:
    """With what an employer begins that is registered by a deposit received then.

    Raises:
        StopIteration: when the list says nothing of that day.
    """
    return next(one for one in _BEGINNINGS if one.span.covers(received))


def _beginning(row: object) -> Beginning:
    entry = fields(row, {"mde_class", "accident_factor"}, SPAN)
    return Beginning(whole(entry["mde_class"]), whole(entry["accident_factor"]), span(entry))


_BEGINNINGS = tuple(map(_beginning, rows(fields(read("new_employers.yaml"), {"beginnings"})["beginnings"])))
