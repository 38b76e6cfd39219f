"""What the law says of work abroad, by the day of receipt: `abroad.yaml`, read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from gateway.moments import Received, months_after
from gateway.procedures.lists import COUNTRIES
from gateway.procedures.lists.rows import SPAN, ListError, Span, day, fields, read, rows, span, text, whole
from gateway.rejections import REJECTIONS

T = TypeVar("T")

_ENTRY = {"source", "confidence"}
_CONFIDENCE = ("published", "assumed")

Dated = Sequence[tuple[Span, T]]
"""Values, each with the days of receipt on which it counts."""


@dataclass(frozen=True, slots=True)
class Law:
    """What holds for what is received on one day. Months are calendar months.

    Attributes:
        coordinated: where Regulation (EC) No 883/2004 is applied; elsewhere is a third country.
        earliest, latest: between which first days a declaration is taken, both inclusive (DETRET 6).
        oldest: the first day that a declaration may still newly give (DETRET 6).
        posting_months: how long a posting in a member State may be foreseen.
        agreement_months: how long a posting may last, by third country (DETRET 12).
        signatories: first day of the framework agreement on telework, by State.
        share_least, share_below: percent of the working time that may be telework: from, and below.
        telework_oldest: the first day from which telework may still be asked for.
        telework_months: for how long one request may ask.
        explained: codes about which an INFO says more.
    """

    coordinated: frozenset[str]
    earliest: date
    latest: date
    oldest: date
    posting_months: int
    agreement_months: Mapping[str, int]
    signatories: Mapping[str, date]
    share_least: int
    share_below: int
    telework_oldest: date
    telework_months: int
    explained: frozenset[str]


def law(received: Received) -> Law:
    """The law of a day of receipt."""
    earliest, back, ahead = _holding(_START, received)
    least, below = _holding(_SHARE, received)
    return Law(
        coordinated=frozenset().union(*_all(_COORDINATED, received)),
        earliest=earliest,
        latest=months_after(received.day, ahead),
        oldest=months_after(received.day, -back),
        posting_months=_holding(_POSTING, received),
        agreement_months={code: months for codes, months in _all(_AGREEMENTS, received) for code in codes},
        signatories=_SIGNATORIES,
        share_least=least,
        share_below=below,
        telework_oldest=months_after(received.day, -_holding(_RETROACTIVITY, received)),
        telework_months=_holding(_DURATION, received),
        explained=frozenset().union(*_all(_EXPLAINED, received)),
    )


def _all(dated: Dated[T], received: Received) -> list[T]:
    return [value for days, value in dated if days.covers(received)]


def _holding(dated: Dated[T], received: Received) -> T:
    """The one value that counts on a day.

    Raises:
        ListError: when it is not one.
    """
    found = _all(dated, received)
    if len(found) != 1:
        raise ListError(f"{len(found)} values count on {received.day}, not one: {found!r}")
    return found[0]


def _dated(value: object, own: set[str], make: Callable[[Mapping[str, object]], T]) -> Dated[T]:
    """The entries of a list, each with its span, its source and how sure it is."""
    entries = [fields(row, own | _ENTRY, SPAN) for row in rows(value)]
    for entry in entries:
        text(entry["source"])
        if entry["confidence"] not in _CONFIDENCE:
            raise ListError(f"a value is published or assumed: {entry!r}")
    return [(span(entry), make(entry)) for entry in entries]


def _codes(entry: Mapping[str, object]) -> frozenset[str]:
    codes = frozenset(text(entry["codes"]).split())
    if unknown := codes - COUNTRIES:
        raise ListError(f"no countries: {', '.join(sorted(unknown))}")
    return codes


def _rejections(entry: Mapping[str, object]) -> frozenset[str]:
    codes = frozenset(text(entry["codes"]).split())
    if unknown := codes - REJECTIONS.keys():
        raise ListError(f"no codes: {', '.join(sorted(unknown))}")
    return codes


def _months(entry: Mapping[str, object]) -> int:
    return whole(entry["months"])


def _start(entry: Mapping[str, object]) -> tuple[date, int, int]:
    earliest = day(entry["earliest"])
    if earliest is None:
        raise ListError(f"no earliest day: {entry!r}")
    return earliest, whole(entry["back_months"]), whole(entry["ahead_months"])


def _share(entry: Mapping[str, object]) -> tuple[int, int]:
    return whole(entry["least"]), whole(entry["below"])


def _first_days(dated: Dated[frozenset[str]]) -> Mapping[str, date]:
    """Of each State its first day; here the span is that of the telework, not of the receipt."""
    found: dict[str, date] = {}
    for days, codes in dated:
        if days.since is None or days.until is not None or found.keys() & codes:
            raise ListError(f"a signatory has one first day: {', '.join(sorted(codes))}")
        found |= dict.fromkeys(codes, days.since)
    return found


_TOPICS = {"coordinated", "start", "posting", "agreements", "explained", "telework"}
_content = fields(read("abroad.yaml"), _TOPICS)
_telework = fields(_content["telework"], {"signatories", "share", "retroactivity", "duration"})

_COORDINATED = [
    (span(entry), _codes(entry))
    for entry in (fields(row, {"source", "codes"}, SPAN) for row in rows(_content["coordinated"]))
]
_START = _dated(_content["start"], {"earliest", "back_months", "ahead_months"}, _start)
_POSTING = _dated(_content["posting"], {"months"}, _months)
_AGREEMENTS = _dated(_content["agreements"], {"codes", "months"}, lambda e: (_codes(e), _months(e)))
_EXPLAINED = _dated(_content["explained"], {"codes"}, _rejections)
_SIGNATORIES = _first_days(_dated(_telework["signatories"], {"codes"}, _codes))
_SHARE = _dated(_telework["share"], {"least", "below"}, _share)
_RETROACTIVITY = _dated(_telework["retroactivity"], {"months"}, _months)
_DURATION = _dated(_telework["duration"], {"months"}, _months)
