"""Simulations on the premises, for the operator: the counter of a gateway without doors or engine."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from adapters.cli.output import refused
from adapters.cli.premises import open_gateway
from adapters.database.members import Members, fingerprint
from adapters.premises import decryption_of, seal_of, spool_of, trust_of
from adapters.scans import look
from adapters.simulation import NotNow, NotSimulated, Simulations
from adapters.treatment import Treatment
from gateway.batch import MemberId
from gateway.moments import Received, system_clock
from gateway.process import Desk
from inbox.receive import TooLarge


def simulate(data: Path | None, member: MemberId, batch: Path) -> tuple[bytes, Path]:
    """The signed answer to a batch of a member, and the folder of the gateway's seals."""
    premises, database, settings = open_gateway(data)
    members, seal = Members(database), seal_of(premises, settings)

    def signer(certificate: x509.Certificate, at: Received) -> MemberId | None:
        return members.of_certificate(fingerprint(certificate), at)

    trust, decryption = trust_of(premises, settings), decryption_of(premises)
    desk = Desk(settings.environment, trust, signer, look, members.agreement, decryption)
    spool = spool_of(settings, database)
    treatment = Treatment(database, spool, seal, desk, system_clock)
    simulations = Simulations(database, treatment, desk, seal, system_clock, largest=settings.largest_deposit)
    try:
        return simulations.simulate(member, batch.name, batch.read_bytes()), premises.seals
    except (NotNow, NotSimulated, TooLarge) as no:
        refused(f"Not simulated: {no}")
    finally:
        database.close()
