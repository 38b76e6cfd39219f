"""The journal as a Merkle tree, the register of all entries and exits (RGD 12 May 1975, art. 20).

The tree is that of RFC 9162, section 2.1 (the same as in RFC 6962): the hash at its root stands for every
entry there was when it had that size. It leaves the house inside every receipt, acknowledgement and sealed
head, so that nobody can change, drop, insert or reorder an entry that came before without being found out:
from the hashes of two sizes and a short proof anybody can tell whether the later register only adds to the
earlier one, and whether an entry stands in it, without seeing any other entry.

Hashes of whole subtrees never change once they are full; those are what is stored, by `place`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EMPTY = hashlib.sha256().digest()
"""The root of a tree without entries (RFC 9162, section 2.1.1)."""

Node = Callable[[int, int], bytes]
"""The stored hash of the full subtree at a level (0: the entries), counted from 0 from the left."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register.

    Attributes:
        sequence: place in the register, from 1, without gaps.
        at: when, aware.
        event: a word for what happened, such as `received`.
        subject: what it happened to, such as the identifier of a deposit.
        member: whose it is; empty when nobody's.
        digest: SHA-256 of the bytes concerned, hexadecimal; empty when there are none.
        actor: who of the staff did it; empty when nobody of them.
        changes: digest over all changes of rows since the entry before, hexadecimal; empty without any.
    """

    sequence: int
    at: datetime
    event: str
    subject: str
    member: str
    digest: str
    actor: str = ""
    changes: str = ""


class Broken(Exception):
    """A proof does not show what it should; its text says why, in English."""


def leaf_hash(entry: Entry) -> bytes:
    """The hash of an entry: SHA-256 over its `leaf_bytes`.

    Raises:
        ValueError: the moment has no time zone.
    """
    return hashlib.sha256(leaf_bytes(entry)).digest()


def leaf_bytes(entry: Entry) -> bytes:
    """What the hash of an entry is over: a zero byte and the entry's fields, each after its length.

    The fields are those of `Entry` in their order, as UTF-8; lengths have 8 bytes, big-endian. The moment
    counts to the microsecond, in UTC.

    Raises:
        ValueError: the moment has no time zone.
    """
    if entry.at.tzinfo is None:
        raise ValueError("a moment in the journal needs a time zone")
    moment = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    texts = (entry.event, entry.subject, entry.member, entry.digest, entry.actor, entry.changes)
    encoded = [text.encode() for text in (str(entry.sequence), moment, *texts)]
    return b"\0" + b"".join(len(part).to_bytes(8) + part for part in encoded)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def place(level: int, index: int) -> int:
    """Where the hash of a full subtree is stored: from 0, without gaps, in the order in which they fill."""
    last = ((index + 1) << level) - 1
    return 2 * last - last.bit_count() + level


def peaks(size: int) -> Iterator[tuple[int, int]]:
    """Level and index of the full subtrees that make up a tree of some size, from the left."""
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, (size >> level) - 1


class Tree:
    """A tree that grows at its end; it keeps no more than one hash for each bit of its size."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """A tree of some size, from the hashes of its `peaks`."""
        self.size = size
        self._peaks = list(hashes)

    def add(self, leaf: bytes) -> list[bytes]:
        """Add an entry by its hash; the subtrees that it fills, to be stored in this order."""
        filled = [leaf]
        rest = self.size
        while rest & 1:
            filled.append(node_hash(self._peaks.pop(), filled[-1]))
            rest >>= 1
        self._peaks.append(filled[-1])
        self.size += 1
        return filled

    def copy(self) -> Tree:
        """The same tree, to grow apart."""
        return Tree(self.size, self._peaks)

    @property
    def root(self) -> bytes:
        """The hash that stands for all entries."""
        if not self._peaks:
            return EMPTY
        *left, root = self._peaks
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root


def inclusion(index: int, size: int, node: Node) -> Sequence[bytes]:
    """The proof that an entry stands in a tree (RFC 9162, section 2.1.3.1).

    Args:
        index: of the entry, from 0.
        size: of the tree, above the index.
    """
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return path[::-1]


def consistency(first: int, second: int, node: Node) -> Sequence[bytes]:
    """The proof that a tree only adds to a smaller one (RFC 9162, section 2.1.4.1).

    Args:
        first: size of the smaller one, at least 1.
        second: size of the other, not below.
    """
    start, end = 0, second
    path: list[bytes] = []
    while first != end:
        middle = start + _left(end - start)
        if first <= middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    if start:
        path.append(_range(start, end, node))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Make sure that an entry stands in a tree (RFC 9162, section 2.1.3.2).

    Args:
        leaf: hash of the entry.
        index: of the entry, from 0.
        size, root: of the tree.

    Raises:
        Broken: it is not shown.
    """
    if not 0 <= index < size:
        raise Broken(f"a tree of {size} entries has none at {index}")
    first, second = index, size - 1
    found = leaf
    for part in proof:
        if second == 0:
            raise Broken("the proof is too long")
        if first & 1 or first == second:
            found = node_hash(part, found)
            first, second = _climbed(first, second)
        else:
            found = node_hash(found, part)
        first, second = first >> 1, second >> 1
    if second:
        raise Broken("the proof is too short")
    if found != root:
        raise Broken("the entry is not the one that stands there")


def check_consistency(
    first_size: int, second_size: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Make sure that a tree only adds to a smaller one (RFC 9162, section 2.1.4.2).

    Raises:
        Broken: it is not shown.
    """
    if not 0 < first_size <= second_size:
        raise Broken(f"a tree of {second_size} entries does not add to one of {first_size}")
    if first_size == second_size:
        if proof or first_root != second_root:
            raise Broken("two trees of one size differ")
        return
    path = [first_root, *proof] if first_size & (first_size - 1) == 0 else list(proof)
    if not path:
        raise Broken("the proof is too short")
    first, second = first_size - 1, second_size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    earlier = later = path[0]
    for part in path[1:]:
        if second == 0:
            raise Broken("the proof is too long")
        if first & 1 or first == second:
            earlier, later = node_hash(part, earlier), node_hash(part, later)
            first, second = _climbed(first, second)
        else:
            later = node_hash(later, part)
        first, second = first >> 1, second >> 1
    if second:
        raise Broken("the proof is too short")
    if (earlier, later) != (first_root, second_root):
        raise Broken("the later tree does not hold the earlier one")


def _climbed(first: int, second: int) -> tuple[int, int]:
    """Up to where a node is the right one of two."""
    while first and not first & 1:
        first, second = first >> 1, second >> 1
    return first, second


def _left(width: int) -> int:
    """How many entries stand left where a tree of more than one is split: the largest power of two below."""
    return 1 << (width - 1).bit_length() - 1


def _range(start: int, end: int, node: Node) -> bytes:
    """The hash over entries from one to below another, where a tree can be split so."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return node(level, start >> level)
    middle = start + _left(width)
    return node_hash(_range(start, middle, node), _range(middle, end, node))
