"""How a notice names a person: as registered, or not at all."""

from __future__ import annotations

from gateway.registers import Identity


def names(identity: Identity | None) -> tuple[str | None, str | None]:
    """Surname and first name; None for somebody who was not registered here."""
    return (None, None) if identity is None else (identity.surname, identity.first_name)
