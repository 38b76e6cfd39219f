"""The change log: each row that was entered, changed or taken out leaves a digest, which the journal anchors.

Triggers on every table of ours write it, so that no statement can forget to. On SQLite they call a function
that only our own connections have: without it a row cannot be written at all, unless the triggers are taken
away first; that, and every row that was changed meanwhile, is what `secugate verify` finds.

What a row of `change` holds:

* `table`, `key`: which row; of a key of several columns their values as SQL literals, joined by commas.
* `nonce`: 16 random bytes and the SHA-256 over these and the values of all columns, none when the row was
  taken out. Without the random bytes a digest would tell who guesses what was in a row.
* `digest`: SHA-256 over the 48 bytes of `nonce`, table and key. The journal holds only digests of these.

Values, and table and key, are hashed as the JSON array that the database writes of them, in UTF-8: see its
dialect.

To forget a row for good its `key` and `nonce` are set to null in all its changes: the digests, and with them
the journal, stay as they are. Forgetting is a change as well, of the table `change`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from adapters.database import dialects, tables
from adapters.database.dialects.sqlite import key_of, register_hashing, row_of, values_of

__all__ = ["key_of", "register_hashing", "row_of", "values_of"]

NONCE = 16
KEPT = NONCE + 32
UNNOTED = frozenset({"journal", "journal_node", "change"})
"""Tables that prove themselves: the journal is a tree of hashes, and anchors the change log."""

Value = int | float | str | bytes | None


def noted_tables() -> list[sa.Table]:
    """The tables whose rows are in the change log, in the order of their names."""
    return sorted((one for one in tables.OURS if one.name not in UNNOTED), key=lambda one: one.name)


def content_hash(nonce: bytes, values: str) -> bytes:
    """The hash of the values of a row as its dialect writes them; empty for one that was taken out."""
    return sha256(nonce + values.encode("utf-8", "surrogateescape")).digest()


def change_digest(kept: bytes, row: str) -> bytes:
    """What the journal anchors of a change, from what `nonce` holds and what `row_of` of a dialect writes."""
    return sha256(kept + row.encode("utf-8", "surrogateescape")).digest()


def anchor(changes: Iterable[Sequence[Any]], before: int) -> tuple[str, int]:
    """The digest over changes for the journal, empty without any, and the id of the last one.

    Args:
        changes: each with id and digest; of each the digest is over its id, in 8 bytes, and its digest.
        before: id of the last change of the entry before.
    """
    digest, last = sha256(), before
    for number, each in changes:
        digest.update(number.to_bytes(8) + each)
        last = number
    return (digest.hexdigest() if last > before else ""), last


def triggers(dialect: str = "sqlite") -> Iterator[str]:
    """What has to be created for the change log, and so that tables are only added to, after all tables."""
    return dialects.named(dialect).guards(noted_tables(), tables.GROWING)
