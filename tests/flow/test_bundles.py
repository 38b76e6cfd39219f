"""What is concluded in one transaction: every deposit once, in its order, and not too many."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.turns import BUNDLE_BYTES, BUNDLE_DEPOSITS, bundles


@given(st.lists(st.integers(0, 2 * BUNDLE_BYTES), max_size=64))
def test_each_deposit_is_in_one_bundle_and_a_bundle_is_as_full_as_may_be(sizes: list[int]) -> None:
    found = list(bundles(enumerate(sizes)))
    assert [number for bundle in found for number in bundle] == list(range(len(sizes)))
    for bundle in found:
        assert len(bundle) == 1 or sum(sizes[one] for one in bundle) <= BUNDLE_BYTES
        assert 1 <= len(bundle) <= BUNDLE_DEPOSITS
    for bundle, following in pairwise(found):
        more = [*bundle, following[0]]
        assert len(more) > BUNDLE_DEPOSITS or sum(sizes[one] for one in more) > BUNDLE_BYTES
