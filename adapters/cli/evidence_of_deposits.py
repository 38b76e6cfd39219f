"""What making an evidence pack needs of the gateway."""

from __future__ import annotations

from pathlib import Path

from adapters.cli.output import refused
from adapters.cli.premises import open_gateway
from adapters.encryption import Erased
from adapters.evidence import Packs
from adapters.heads import Heads
from adapters.premises import decryption_of, seal_of, spool_of
from gateway.moments import system_clock


def pack_of(deposit: str, data: Path | None) -> bytes | None:
    """The pack of a deposit, whoever's it is; None when there is none of that id."""
    premises, database, settings = open_gateway(data)
    seal = seal_of(premises, settings)
    packs = Packs(
        database,
        spool_of(settings, database),
        seal,
        Heads(database, seal),
        decryption_of(premises),
        system_clock,
    )
    try:
        return packs.make(deposit, "operator")
    except Erased as error:
        refused(f"Deposit {deposit} cannot be shown: {error}.")
