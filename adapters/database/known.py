"""What a writing transaction knows already, so that it is not read again: nobody else writes while it lasts.

Kept for as long as the transaction, and forgotten where it goes back to a savepoint: what was read behind it
may have been written behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa

Value = TypeVar("Value")

_known: WeakKeyDictionary[sa.RootTransaction, dict[Hashable, Any]] = WeakKeyDictionary()


def of(connection: sa.Connection) -> dict[Hashable, Any]:
    """What is known in the writing transaction that a connection is in, to be read and added to."""
    transaction = connection.get_transaction()
    assert transaction is not None
    return _known.setdefault(transaction, {})


def once(connection: sa.Connection, what: Hashable, read: Callable[[], Value]) -> Value:
    """What a writing transaction knows under a name, read the first time."""
    known = of(connection)
    if what not in known:
        known[what] = read()
    return cast(Value, known[what])


@sa.event.listens_for(sa.Engine, "rollback_savepoint")
def _forget(connection: sa.Connection, _name: str, _context: None) -> None:
    transaction = connection.get_transaction()
    if transaction is not None:
        _known.pop(transaction, None)
