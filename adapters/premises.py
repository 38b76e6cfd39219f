"""What lies where in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.settings import Settings
from gateway.billing import Payee
from gateway.seal import Seal
from signing.sign import Signer


@dataclass(frozen=True, slots=True)
class Premises:
    """The data folder of one gateway. Personal data lies here and nowhere else."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "secugate.sqlite"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def signing_key(self) -> Path:
        return self.keys / "signing.key.pem"

    @property
    def signing_certificate(self) -> Path:
        return self.keys / "signing.cert.pem"

    @property
    def tls_key(self) -> Path:
        return self.keys / "tls.key.pem"

    @property
    def tls_certificate(self) -> Path:
        return self.keys / "tls.cert.pem"

    @property
    def ssh_host_key(self) -> Path:
        return self.keys / "ssh_host_ed25519_key"

    @property
    def authority_key(self) -> Path:
        """Key of the throw-away authority; absent where an institution has its own."""
        return self.folder / "authority" / "authority.key.pem"

    @property
    def authority_certificate(self) -> Path:
        return self.folder / "authority" / "authority.cert.pem"

    @property
    def anchors(self) -> Path:
        """Certificates of the authorities whose members we accept, one PEM file each."""
        return self.folder / "trust" / "anchors"

    @property
    def revocations(self) -> Path:
        """Their certificate revocation lists, one PEM or DER file each."""
        return self.folder / "trust" / "crls"

    @property
    def seals(self) -> Path:
        """Certificates with which we seal, and sealed before; what members need to check our seal."""
        return self.folder / "trust" / "seals"

    @property
    def doors(self) -> Path:
        """Where the doors of the running gateway are, as JSON."""
        return self.folder / "doors.json"


def payee_of(settings: Settings) -> Payee:
    """Whom employers pay: us."""
    return Payee(settings.creditor_name, settings.creditor_iban, settings.creditor_bic)


def seal_of(premises: Premises, settings: Settings) -> Seal:
    """Our seal, from the key on the premises.

    Raises:
        UnusableKey: the key may be read by others, or is not for its certificate.
    """
    signer = Signer.load(premises.signing_key, premises.signing_certificate)
    return Seal(signer, settings.environment)
