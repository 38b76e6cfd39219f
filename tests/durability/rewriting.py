"""History written anew with all that states it: takes the key of the seal, or a seal that is not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    for sequence, table, identifier in sorted(_stating(store)):
        old = _content(store, table, identifier)
        stated = _stated(old)
        assert stated is not None
        changed = seal(old.replace(stated[1], _root(store, sequence)))
        if table == "journal_head":
            store.do("UPDATE journal_head SET content = ? WHERE sequence = ?", changed, sequence)
        else:
            store.exchange_answer(identifier, changed)
            [(deposit, kind)] = store.ask("SELECT deposit, kind FROM answer WHERE id = ?", identifier)
            if kind == ackrec.CODE:
                store.exchange_receipt(str(deposit), changed)
        store.forge()


def _stating(store: Store) -> Iterator[tuple[int, str, str]]:
    """What states a root: of which size, in which table, and its id."""
    for table, key in (("answer", "id"), ("journal_head", "sequence")):
        for (identifier,) in store.ask(f"SELECT {key} FROM {table}"):
            stated = _stated(_content(store, table, str(identifier)))
            if stated is not None:
                yield stated[0], table, str(identifier)


def _content(store: Store, table: str, identifier: str) -> bytes:
    if table == "answer":
        return store.answer(identifier)
    [(content,)] = store.ask("SELECT content FROM journal_head WHERE sequence = ?", int(identifier))
    assert isinstance(content, bytes)
    return content


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
