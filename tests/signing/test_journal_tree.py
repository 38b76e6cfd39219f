"""The Merkle tree of the journal against the definitions of RFC 9162, and its proofs (P6, SR-22)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signing.journal import (
    EMPTY,
    Broken,
    Entry,
    Tree,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    leaf_hash,
    peaks,
    place,
)

AT = datetime(2026, 8, 3, 9, 15, 0, 120_000, tzinfo=UTC)

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(max_size=10)
ENTRIES = st.builds(
    Entry,
    sequence=st.integers(1, 10**12),
    at=MOMENTS,
    event=TEXTS,
    subject=TEXTS,
    member=TEXTS,
    digest=TEXTS,
    actor=TEXTS,
    changes=TEXTS,
)
LEAVES = [hashlib.sha256(bytes([number])).digest() for number in range(80)]


# The definitions of RFC 9162, section 2.1, word for word: slow, and beyond doubt.


def split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


class Stored:
    """Leaves as the journal stores them: every subtree once, in the order in which they fill."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        tree = Tree()
        self.hashes = [node for leaf in leaves for node in tree.add(leaf)]
        self.root = tree.root

    def node(self, level: int, index: int) -> bytes:
        return self.hashes[place(level, index)]


WHOLE = Stored(LEAVES)
SIZES = st.integers(1, len(LEAVES))


def test_the_published_vectors_of_certificate_transparency() -> None:
    """Leaves and roots of the reference implementation of RFC 6962 (certificate-transparency)."""
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    tree = Tree()
    for text, root in zip(inputs, roots, strict=True):
        tree.add(hashlib.sha256(b"\0" + bytes.fromhex(text)).digest())
        assert tree.root.hex() == root


def test_an_empty_tree() -> None:
    assert Tree().root == EMPTY == mth([])


@given(st.integers(0, len(LEAVES)))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert Stored(LEAVES[:size]).root == mth(LEAVES[:size])


@given(st.integers(0, len(LEAVES)), st.integers(0, 20))
def test_a_tree_goes_on_from_what_is_stored(size: int, more: int) -> None:
    """What is stored for a size is enough to add to it."""
    tree = Tree(size, (WHOLE.node(*peak) for peak in peaks(size)))
    assert tree.root == mth(LEAVES[:size])
    for leaf in LEAVES[size : size + more]:
        tree.add(leaf)
    assert tree.root == mth(LEAVES[: size + more])


def test_places_have_no_gap_and_no_double() -> None:
    full = [(level, index) for level in range(7) for index in range(64 >> level)]
    assert sorted(place(*one) for one in full) == list(range(127))


@given(SIZES, st.data())
def test_inclusion_is_that_of_the_definition_and_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(index, size, WHOLE.node)
    assert proof == path(index, LEAVES[:size])
    check_inclusion(LEAVES[index], index, size, proof, mth(LEAVES[:size]))


@given(SIZES, st.data())
def test_consistency_is_that_of_the_definition_and_holds(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    proof = consistency(first, size, WHOLE.node)
    assert proof == subproof(first, LEAVES[:size], whole=True)
    check_consistency(first, size, mth(LEAVES[:first]), mth(LEAVES[:size]), proof)


def tampered(proof: Sequence[bytes], data: st.DataObject) -> list[bytes]:
    """A proof with one part changed, dropped, added or doubled."""
    proof = list(proof)
    place_of = data.draw(st.integers(0, len(proof) - 1)) if proof else 0
    kind = data.draw(st.sampled_from(["change", "drop", "add", "double"] if proof else ["add"]))
    if kind == "change":
        flipped = int.from_bytes(proof[place_of]) ^ (1 << data.draw(st.integers(0, 255)))
        proof[place_of] = flipped.to_bytes(32)
    elif kind == "drop":
        del proof[place_of]
    elif kind == "add":
        proof.insert(place_of, data.draw(st.sampled_from(LEAVES)))
    else:
        proof.insert(place_of, proof[place_of])
    return proof


@given(SIZES, st.data())
def test_a_tampered_proof_of_inclusion_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, good = mth(LEAVES[:size]), inclusion(index, size, WHOLE.node)
    proof = tampered(good, data)
    with pytest.raises(Broken):
        check_inclusion(LEAVES[index], index, size, proof, root)
    for leaf, at, of, under in (
        (LEAVES[index - 1], index, size, root),
        (LEAVES[index], index + 1, size, root),
        (LEAVES[index], index - 1, size, root),
        (LEAVES[index], index, size, LEAVES[0][::-1]),
        (LEAVES[index], index, index, root),
        (LEAVES[index], index, 0, root),
    ):
        if (leaf, at) != (LEAVES[index], index) or under != root or of != size:
            with pytest.raises(Broken):
                check_inclusion(leaf, at, of, good, under) if size > 1 else check_inclusion(
                    leaf, at, of, [root], under
                )


@given(SIZES, st.data())
def test_a_tampered_proof_of_consistency_is_refused(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    roots = mth(LEAVES[:first]), mth(LEAVES[:size])
    good = consistency(first, size, WHOLE.node)
    with pytest.raises(Broken):
        check_consistency(first, size, *roots, tampered(good, data))
    with pytest.raises(Broken):
        check_consistency(first, size, LEAVES[0][::-1], roots[1], good)
    with pytest.raises(Broken):
        check_consistency(first, size, roots[0], LEAVES[0][::-1], good)


@given(st.integers(2, len(LEAVES)), st.data())
def test_no_proof_shows_that_a_rewritten_register_is_the_old_one(size: int, data: st.DataObject) -> None:
    """SR-22: whatever entry is changed, the proof from any tree that had it does not hold."""
    first = data.draw(st.integers(1, size))
    changed = list(LEAVES[:size])
    changed[data.draw(st.integers(0, first - 1))] = bytes(32)
    forged = Stored(changed)
    proof = consistency(first, size, forged.node)
    with pytest.raises(Broken):
        check_consistency(first, size, mth(LEAVES[:first]), forged.root, proof)


@pytest.mark.parametrize(("first", "second"), [(0, 5), (6, 5), (-1, 5), (0, 0)])
def test_sizes_that_cannot_be_are_refused(first: int, second: int) -> None:
    with pytest.raises(Broken):
        check_consistency(first, second, mth([]), mth(LEAVES[:5]), [])


# Entries


def test_the_encoding_is_as_written_down() -> None:
    """Another program can compute it from the description alone."""
    fields = [
        b"7",
        b"2026-08-03T09:15:00.120000+00:00",
        b"received",
        "é".encode(),
        b"",
        b"ab",
        b"clerk",
        b"cd",
    ]
    encoded = b"\0" + b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    entry = Entry(7, AT, "received", "é", "", "ab", "clerk", "cd")
    assert leaf_hash(entry) == hashlib.sha256(encoded).digest()


def test_the_time_zone_of_the_clock_does_not_matter() -> None:
    entry = Entry(1, AT, "received", "x", "", "")
    elsewhere = replace(entry, at=AT.astimezone(timezone(timedelta(hours=2))))
    assert leaf_hash(entry) == leaf_hash(elsewhere)


def test_a_moment_without_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        leaf_hash(Entry(1, datetime(2026, 8, 3), "received", "x", "", ""))  # noqa: DTZ001


@given(ENTRIES, ENTRIES)
def test_different_entries_have_different_hashes(one: Entry, other: Entry) -> None:
    assert (leaf_hash(one) == leaf_hash(other)) == (one == other)


@given(st.lists(TEXTS, min_size=6, max_size=6), st.integers(0, 4), st.integers(1, 5))
def test_text_cannot_move_between_fields(texts: list[str], which: int, length: int) -> None:
    moved = list(texts)
    moved[which], moved[which + 1] = moved[which][:-length], moved[which][-length:] + moved[which + 1]
    assume(moved != texts)
    assert leaf_hash(Entry(1, AT, *texts)) != leaf_hash(Entry(1, AT, *moved))
