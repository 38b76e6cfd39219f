"""The lines of a charge: one for each branch.

A month has millions of them, which differ in their numbers and formulas alone. So the lines of one insured
are kept as numbers beside a `Pattern` of all that they share with very many others; line by line they are
made when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import NamedTuple, overload

from gateway.parameters import Branch

AMOUNTS = 3
"""Of each line: base, share of the employee, share of the employer."""

_PLACES = {branch: AMOUNTS * place for place, branch in enumerate(Branch)}
_NO_AMOUNTS: tuple[int | None, ...] = (None,)


class ChargedLine(NamedTuple):
    """One branch of one insured, as charged. Amounts in cents.

    Attributes:
        base: contribution base, rounded half-up to cents for print; the shares were computed
            from the exact base.
        rate: rate of each side that pays, as a fraction (0.028 is 2.80 %).
        employee, employer: the two shares.
        institution: who receives both shares.
        source: which dated parameters decided the line, at most 200 characters.
        formula: how base and shares come about, with its numbers, at most 200 characters.
    """

    branch: Branch
    base: int
    rate: Decimal
    employee: int
    employer: int
    institution: str
    source: str
    formula: str

    @property
    def total(self) -> int:
        return self.employee + self.employer

    def reversed(self) -> ChargedLine:
        """Its exact opposite (*extourne*)."""
        return self._replace(base=-self.base, employee=-self.employee, employer=-self.employer)


class Kind(NamedTuple):
    """What a line is beside its numbers; as in `ChargedLine`."""

    branch: Branch
    rate: Decimal
    institution: str
    source: str


@dataclass(frozen=True, eq=False)
class Payees:
    """Branch and institution of each line; equal to itself alone, which is quickly compared."""

    of_lines: tuple[tuple[Branch, str], ...]


@lru_cache(maxsize=256)
def _payees(of_lines: tuple[tuple[Branch, str], ...]) -> Payees:
    return Payees(of_lines)


@dataclass(frozen=True, eq=False)
class Pattern:
    """What the lines of very many insured have in common; a pattern is equal to itself alone.

    Attributes:
        kinds: of the lines, in their order.
    """

    kinds: tuple[Kind, ...]

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """By what each line was decided."""
        return tuple(kind.source for kind in self.kinds)

    @cached_property
    def payees(self) -> Payees:
        """Who receives what; the same object for all patterns with the same."""
        return _payees(tuple((kind.branch, kind.institution) for kind in self.kinds))

    @cached_property
    def spread(self) -> Callable[[tuple[int | None, ...]], tuple[int | None, ...]]:
        """Puts amounts, behind a None, at their places among those of all branches: three for each, in the
        order of `Branch`."""
        found = [0] * AMOUNTS * len(_PLACES)
        for number, kind in enumerate(self.kinds):
            first, place = AMOUNTS * number + 1, _PLACES[kind.branch]
            found[place : place + AMOUNTS] = range(first, first + AMOUNTS)
        spread: Callable[[tuple[int | None, ...]], tuple[int | None, ...]] = itemgetter(*found)
        return spread


class Lines(Sequence[ChargedLine]):
    """The lines of one insured.

    Attributes:
        pattern: what they are.
        amounts: base, employee's and employer's share of each, one after the other, in cents.
        formulas: one for each.
    """

    __slots__ = ("amounts", "formulas", "pattern")

    def __init__(self, pattern: Pattern, amounts: tuple[int, ...], formulas: tuple[str, ...]) -> None:
        self.pattern = pattern
        self.amounts = amounts
        self.formulas = formulas

    @classmethod
    def of(cls, lines: Iterable[ChargedLine]) -> Lines:
        """The lines given, if they are not kept so already."""
        if isinstance(lines, Lines):
            return lines
        given = tuple(lines)
        kinds = tuple(Kind(one.branch, one.rate, one.institution, one.source) for one in given)
        amounts = tuple(cents for one in given for cents in (one.base, one.employee, one.employer))
        return cls(Pattern(kinds), amounts, tuple(one.formula for one in given))

    @property
    def employee_total(self) -> int:
        """In cents."""
        return sum(self.amounts[1::AMOUNTS])

    @property
    def employer_total(self) -> int:
        """In cents."""
        return sum(self.amounts[2::AMOUNTS])

    def by_branch(self) -> tuple[int | None, ...]:
        """Base and shares of all branches, in the order of `Branch`; None for those without a line."""
        if not self.amounts:
            return _NO_AMOUNTS * AMOUNTS * len(_PLACES)
        return self.pattern.spread((None, *self.amounts))

    def __len__(self) -> int:
        return len(self.formulas)

    def __iter__(self) -> Iterator[ChargedLine]:
        amounts = self.amounts
        shares = zip(amounts[::AMOUNTS], amounts[1::AMOUNTS], amounts[2::AMOUNTS], strict=True)
        for kind, (base, employee, employer), formula in zip(
            self.pattern.kinds, shares, self.formulas, strict=True
        ):
            branch, rate, institution, source = kind
            yield ChargedLine(branch, base, rate, employee, employer, institution, source, formula)

    @overload
    def __getitem__(self, place: int) -> ChargedLine: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[ChargedLine, ...]: ...

    def __getitem__(self, place: int | slice) -> ChargedLine | tuple[ChargedLine, ...]:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Sums(NamedTuple):
    """Base and shares over many insured, in cents."""

    base: int
    employee: int
    employer: int

    @property
    def total(self) -> int:
        return self.employee + self.employer


LineSums = Mapping[tuple[Branch, str], Sums]
"""Sums of lines by branch and institution."""


def sums(lines: Iterable[Sequence[ChargedLine]]) -> LineSums:
    """The sums of the lines of many insured; branches and institutions without any line are absent."""
    alike: dict[Payees, list[tuple[int, ...]]] = {}
    for one in map(Lines.of, lines):
        alike.setdefault(one.pattern.payees, []).append(one.amounts)
    found: dict[tuple[Branch, str], Sums] = {}
    for payees, amounts in alike.items():
        added = iter(list(map(sum, zip(*amounts, strict=True))))
        for key, base, employee, employer in zip(payees.of_lines, added, added, added, strict=True):
            before = found.get(key, _NOTHING)
            found[key] = Sums(before.base + base, before.employee + employee, before.employer + employer)
    return found


_NOTHING = Sums(0, 0, 0)
