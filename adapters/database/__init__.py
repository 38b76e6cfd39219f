"""The cellar's database: our tables on SQLite, and what the rooms see of them."""

from __future__ import annotations

from adapters.database.engine import Database

__all__ = ["Database"]
