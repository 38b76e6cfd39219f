"""History written anew with all that states it: takes the key of the seal, or a seal that is not ours."""

from __future__ import annotations

from collections.abc import Callable

from gateway.returns import ackrec
from tests.durability.month import Store


def rewrite(store: Store, seal: Callable[[bytes], bytes]) -> None:
    """Have the whole store tell of the rows and entries as they stand, answers and heads included.

    An answer states the root of entries before it, and entries after it hold its digest: from the first
    answer to the last, each is given the root that the journal has by then.

    Args:
        store: with rows or entries changed at will.
        seal: puts a seal on a document whose old one no longer fits.
    """
    store.forge()
    for identifier, deposit, kind in store.ask("SELECT id, deposit, kind FROM answer ORDER BY number"):
        content = store.answer(str(identifier))
        stated = _stated(content)
        if stated is None:
            continue
        sequence, root = stated
        changed = seal(content.replace(root, _root(store, sequence)))
        store.exchange_answer(str(identifier), changed)
        if kind == ackrec.CODE:
            store.exchange_receipt(str(deposit), changed)
        store.forge()
    for sequence, content in store.ask("SELECT sequence, content FROM journal_head ORDER BY sequence"):
        assert isinstance(content, bytes)
        assert isinstance(sequence, int)
        stated = _stated(content)
        assert stated is not None
        changed = seal(content.replace(stated[1], _root(store, sequence)))
        store.do("UPDATE journal_head SET content = ? WHERE sequence = ?", changed, sequence)
        store.forge()


def _root(store: Store, sequence: int) -> bytes:
    [(root,)] = store.ask("SELECT hash FROM journal WHERE sequence = ?", sequence)
    return str(root).encode()


def _stated(content: bytes) -> tuple[int, bytes] | None:
    """The size and the root that a document states, if it does."""
    _, _, after = content.partition(b"<Journal><Sequence>")
    if not after:
        return None
    sequence, _, rest = after.partition(b"</Sequence><Hash>")
    return int(sequence), rest[:64]
