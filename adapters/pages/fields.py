"""What people call the fields of a form."""

from __future__ import annotations

from adapters.pages.language import Tongue, texts


def field_name(tongue: Tongue, name: str) -> str:
    """A field in words; those of rare forms keep the name of their element."""
    key = f"fields.{name}"
    return str(tongue(key)) if key in texts() else name
