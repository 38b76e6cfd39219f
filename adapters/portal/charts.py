"""The geometry of pictures, in whole units of an SVG: no amount is computed here, only where it is drawn.

A picture stands beside a table that says the same; its colours are classes of the style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 280
LEFT, TOP, BOTTOM = 64, 12, 44
"""Room for the amounts at the left, and for the names below."""
_STEPS = (1, 2, 5, 10)
_LINES = 5
"""As many lines across as there may be."""


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle.

    Attributes:
        kind: class of its colour.
        amount: what it stands for, in cents.
    """

    kind: str
    amount: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Column:
    """Rectangles above one name.

    Attributes:
        name: what stands below, or the key of it.
        middle: of the column, from the left.
        total: in cents.
    """

    name: str
    middle: int
    total: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line across at an amount in cents."""

    amount: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Columns and lines across.

    Attributes:
        zero: where nothing is.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    zero: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a waterfall: a sum that stands by itself, or what comes on top of the one before."""

    name: str
    amount: int
    is_sum: bool = False


def stacked(columns: Sequence[tuple[str, Sequence[tuple[str, int]]]]) -> Picture:
    """Columns of amounts one upon the other; what is less than nothing goes down from the line.

    Args:
        columns: name, and kind with amount of each part from the bottom up.
    """
    tops = [sum(amount for _, amount in parts if amount > 0) for _, parts in columns]
    depths = [sum(amount for _, amount in parts if amount < 0) for _, parts in columns]
    scale = _Scale(min(depths, default=0), max(tops, default=0))
    width = (WIDTH - LEFT) // max(1, len(columns))
    found = []
    for place, (name, parts) in enumerate(columns):
        x, up, down, blocks = LEFT + place * width + width // 6, 0, 0, []
        for kind, amount in parts:
            if amount:
                start = up if amount > 0 else down
                blocks.append(scale.block(kind, amount, x, width * 2 // 3, start, start + amount))
                up, down = (up + amount, down) if amount > 0 else (up, down + amount)
        total = sum(amount for _, amount in parts)
        found.append(Column(name, x + width // 3, total, tuple(blocks)))
    return Picture(tuple(found), scale.lines, scale.y(0))


def waterfall(steps: Sequence[Step]) -> Picture:
    """Steps from one sum to the next."""
    ends: list[tuple[Step, int, int]] = []
    level = 0
    for step in steps:
        start = 0 if step.is_sum else level
        level = start + step.amount
        ends.append((step, start, level))
    heights = [height for _, *both in ends for height in both]
    scale = _Scale(min([0, *heights]), max([0, *heights]))
    width = (WIDTH - LEFT) // max(1, len(ends))
    columns = []
    for place, (step, start, end) in enumerate(ends):
        x = LEFT + place * width + width // 6
        kind = "sum" if step.is_sum else "more" if step.amount >= 0 else "less"
        block = scale.block(kind, step.amount, x, width * 2 // 3, start, end)
        columns.append(Column(step.name, x + width // 3, step.amount, (block,)))
    return Picture(tuple(columns), scale.lines, scale.y(0))


class _Scale:
    """From cents to units from the top."""

    def __init__(self, least: int, most: int) -> None:
        step = _step(max(1, most - least))
        self._top, self._bottom = -(-most // step) * step, least // step * step
        if self._top == self._bottom:
            self._top += step
        self.lines = tuple(
            Line(amount, self.y(amount)) for amount in range(self._bottom, self._top + 1, step)
        )

    def y(self, amount: int) -> int:
        """Where an amount is."""
        room = HEIGHT - TOP - BOTTOM
        return TOP + (self._top - amount) * room // (self._top - self._bottom)

    def block(self, kind: str, amount: int, x: int, width: int, start: int, end: int) -> Block:
        """From one amount to another one; at least a line of it can be seen."""
        high, low = self.y(max(start, end)), self.y(min(start, end))
        return Block(kind, amount, x, high, width, max(1, low - high))


def _step(span: int) -> int:
    """A round distance between lines."""
    unit = 100
    while True:
        for step in _STEPS:
            if span <= step * unit * _LINES:
                return step * unit
        unit *= 10
