"""Lines kept as numbers are the lines they were made of, and their sums are those of the lines."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.billing.lines import AMOUNTS, ChargedLine, Lines, sums
from gateway.parameters import Branch

CENTS = st.integers(-10_000_000, 10_000_000)


def line(branch: Branch) -> st.SearchStrategy[ChargedLine]:
    return st.builds(
        ChargedLine,
        st.just(branch),
        CENTS,
        st.sampled_from((Decimal("0.028"), Decimal("0.08"))),
        CENTS,
        CENTS,
        st.sampled_from(("CNS", "CNAP", "AAA")),
        st.sampled_from(("css-376 (2020-01-01)", "")),
        st.sampled_from(("3812.40 × 2.80 %", "")),
    )


LINES = st.sets(st.sampled_from(Branch)).flatmap(
    lambda branches: st.tuples(*(line(branch) for branch in Branch if branch in branches))
)


@settings(deadline=None)
@given(LINES)
def test_lines_are_those_they_were_made_of(given_: tuple[ChargedLine, ...]) -> None:
    kept = Lines.of(given_)
    assert kept == given_
    assert given_ == kept
    assert (tuple(kept), len(kept), hash(kept)) == (given_, len(given_), hash(given_))
    assert kept[:2] == given_[:2]
    assert kept.employee_total == sum(one.employee for one in given_)
    assert kept.employer_total == sum(one.employer for one in given_)
    assert Lines.of(kept) is kept


@settings(deadline=None)
@given(LINES)
def test_every_branch_has_its_place(given_: tuple[ChargedLine, ...]) -> None:
    placed = Lines.of(given_).by_branch()
    by_branch = {one.branch: (one.base, one.employee, one.employer) for one in given_}
    for place, branch in enumerate(Branch):
        found = placed[AMOUNTS * place : AMOUNTS * (place + 1)]
        assert found == by_branch.get(branch, (None, None, None))


@settings(deadline=None)
@given(st.lists(LINES, max_size=6))
def test_sums_are_those_of_the_lines(results: list[tuple[ChargedLine, ...]]) -> None:
    """Whether they are kept as numbers or not, and however many patterns they have."""
    base, total = Counter[tuple[Branch, str]](), Counter[tuple[Branch, str]]()
    for one in (one for each in results for one in each):
        base[one.branch, one.institution] += one.base
        total[one.branch, one.institution] += one.total
    for found in (sums(results), sums(map(Lines.of, results))):
        assert found.keys() == base.keys()
        assert {key: each.base for key, each in found.items()} == base
        assert {key: each.total for key, each in found.items()} == total


def test_other_lines_are_other_lines() -> None:
    one = ChargedLine(Branch.CARE, 100, Decimal("0.028"), 3, 3, "CNS", "", "1.00 × 2.80 %")
    kept = Lines.of([one])
    for other in (one._replace(base=101), one._replace(formula=""), one._replace(source="law")):
        assert kept != Lines.of([other])
    assert kept != 1
    with pytest.raises(IndexError):
        kept[1]
