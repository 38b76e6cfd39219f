"""Whether bytes from outside are spelt in DER, so that every program reads the same in them.

Only the frame is looked at: lengths definite and in as few bytes as can be, integers likewise, sets in their
order, nothing behind the end. asn1crypto reads BER as well, and takes time without measure to write deep
structures anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from asn1crypto import parser

MOST_ELEMENTS = 4_000
"""A signature with five certificates has fewer than fifteen hundred."""
DEEPEST = 32

_CONSTRUCTED = 1
_INTEGER = (0, 2)
_SET = (0, 17)


class NotDer(ValueError):
    """Bytes that are not DER, or more than we look at."""


class _Element(NamedTuple):
    tag: tuple[int, int]
    is_constructed: bool
    content: bytes
    whole: bytes


def check_der(raw: bytes) -> None:
    """Refuse bytes that are not one element in DER.

    Raises:
        NotDer: they are not, or it is deeper or has more elements than we look at.
    """
    if len(list(_elements(raw))) != 1:
        raise NotDer
    waiting, seen = [(raw, 0)], 0
    while waiting:
        content, depth = waiting.pop()
        for element in _elements(content):
            seen += 1
            if seen > MOST_ELEMENTS or depth > DEEPEST:
                raise NotDer
            if element.is_constructed:
                waiting.append((element.content, depth + 1))
            _check(element)


def are_sorted(encoded: list[bytes]) -> bool:
    """Whether the members of a set stand in the order of DER."""
    return encoded == sorted(encoded)


def _elements(content: bytes) -> Iterator[_Element]:
    while content:
        try:
            kind, method, tag, header, inner, trailer = parser.parse(content)
        except ValueError:
            raise NotDer from None
        whole = content[: len(header) + len(inner) + len(trailer)]
        if parser.emit(kind, method, tag, inner) != whole:
            raise NotDer
        yield _Element((kind, tag), method == _CONSTRUCTED, inner, whole)
        content = content[len(whole) :]


def _check(element: _Element) -> None:
    number = element.content
    if element.tag == _SET and not are_sorted([each.whole for each in _elements(number)]):
        raise NotDer
    if element.tag == _INTEGER and (
        not number or (len(number) > 1 and number[0] in (0x00, 0xFF) and number[0] >> 7 == number[1] >> 7)
    ):
        raise NotDer
