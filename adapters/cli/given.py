"""The command line as it was given, for whoever has to judge or repeat it."""

from __future__ import annotations

from contextvars import ContextVar

ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("arguments", default=())
"""The command's words and all that followed them, without the options of `secugate` itself."""
REASON: ContextVar[str] = ContextVar("reason", default="")
"""Why it was given (`--reason`)."""
