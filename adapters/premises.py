"""What lies where in the data folder."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from adapters.database import Database
from adapters.extras import extra
from adapters.pki import Authority
from adapters.revocation import Fetching
from adapters.sealing import RollingSigner
from adapters.settings import Settings
from adapters.spool import Spool
from adapters.stores import Store
from adapters.witness import Witness
from gateway.billing import Payee
from gateway.moments import Clock, system_clock
from gateway.seal import Seal
from signing.certificates import Trust, load_certificate, load_seals
from signing.encrypted import CannotOpen, Opener, is_for
from signing.sign import Signer, UnusableKey


@dataclass(frozen=True, slots=True)
class Premises:
    """The data folder of one gateway. Personal data lies here and nowhere else."""

    folder: Path

    @property
    def database(self) -> Path:
        """Where the embedded database lies, unless the settings name a server."""
        return self.folder / "secugate.sqlite"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def witness(self) -> Path:
        """How far the journal was promised: see `adapters.witness`."""
        return self.folder / "witness"

    @property
    def sandbox_mark(self) -> Path:
        """There in the premises of a sandbox, and in no others."""
        return self.folder / "sandbox"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def master_key(self) -> Path:
        """The key that opens all data keys, where the settings name no other place."""
        return self.keys / "master.key"

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
    def encryption_keys(self) -> Path:
        """Every key that senders have encrypted for, with its certificate: NAME.key.pem beside NAME.cert.pem.

        Earlier ones stay: what was received for them has to open as long as it is kept.
        """
        return self.keys / "encryption"

    @property
    def encryption_certificate(self) -> Path:
        """For what senders encrypt now."""
        return self.folder / "trust" / "encryption.pem"

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
    def status_answers(self) -> Path:
        """OCSP answers of theirs, one DER file each."""
        return self.folder / "trust" / "ocsp"

    @property
    def seals(self) -> Path:
        """Certificates with which we seal, and sealed before; what members need to check our seal."""
        return self.folder / "trust" / "seals"

    @property
    def doors(self) -> Path:
        """Where the doors of the running gateway are, as JSON."""
        return self.folder / "doors.json"


def database_of(settings: Settings, clock: Clock = system_clock) -> Database:
    """The database of a gateway, with the key that opens its documents."""
    premises = Premises(settings.data)
    place = settings.database or premises.database
    return Database(place, clock, settings.master_key or premises.master_key)


def is_made(settings: Settings) -> bool:
    """Whether there is a gateway in the folder that the settings name."""
    premises = Premises(settings.data)
    return (premises.keys if settings.database else premises.database).exists()


def spool_of(settings: Settings, database: Database) -> Spool:
    """The bytes of deposits of a gateway.

    Raises:
        UnusableKey: the credentials of the store may be read by others, or are not spelt as they should be.
    """
    folder, store = Premises(settings.data).spool, _store_of(settings) if settings.store else None
    return Spool(folder, settings.largest_deposit, database.file_keys, store)


def _store_of(settings: Settings) -> Store:
    key_id, secret = _credentials(settings.store_credentials) if settings.store_credentials else ("", "")
    # Loaded here: with a folder nobody needs the client.
    s3 = import_module("adapters.stores.s3")
    bucket = s3.Bucket(settings.store, settings.store_endpoint, settings.store_region, key_id, secret)
    store: Store = s3.S3Files(bucket)
    return store


def _credentials(file: Path) -> tuple[str, str]:
    if file.stat().st_mode & 0o077:
        raise UnusableKey(f"{file} may be read by others: chmod 600 {file}")
    match file.read_text().split():
        case [key_id, secret]:
            return key_id, secret
    raise UnusableKey(f"{file} holds no credentials: the key id and, on a second line, the secret")


def witness_of(settings: Settings, database: Database) -> Witness:
    """What knows how far the journal of a gateway was promised."""
    files = [Premises(settings.data).witness, *([settings.witness] if settings.witness else [])]
    return Witness(database, files)


def trust_of(premises: Premises, settings: Settings) -> Trust:
    """The trust in members' certificates, from the files on the premises.

    Raises:
        ValueError: no anchor, or one that is no certification authority's.
    """
    places = premises.anchors, premises.revocations, premises.status_answers
    hosts = settings.revocation_fetch.split()
    return Trust(*places, Fetching(hosts, *places)) if hosts else Trust(*places)


def authority_of(premises: Premises) -> Authority | None:
    """Our throw-away authority; None where an institution has its own and its key is not here."""
    if not premises.authority_key.exists():
        return None
    return Authority.load(premises.authority_key, premises.authority_certificate)


def payee_of(settings: Settings) -> Payee:
    """Whom employers pay: us."""
    return Payee(settings.creditor_name, settings.creditor_iban, settings.creditor_bic)


def decryption_of(premises: Premises) -> Callable[[bytes], bytes]:
    """What opens deposits that were encrypted for us, now or for an earlier key; without a key it opens none.

    Keys are read for each deposit, so that one can be added while the gateway runs.

    Raises:
        UnusableKey: a key may be read by others, is not for its certificate, or is missing for the one that
            senders encrypt for now.
    """

    def certificates() -> list[Path]:
        return sorted(premises.encryption_keys.glob("*.cert.pem"))

    def opener(certificate: Path) -> Opener:
        return Opener.load(certificate.with_name(certificate.name.replace(".cert.", ".key.")), certificate)

    def decrypt(raw: bytes) -> bytes:
        for certificate in certificates():
            if is_for(load_certificate(certificate), raw):
                return opener(certificate).open(raw)
        raise CannotOpen

    known = {opener(each).certificate for each in certificates()}  # a key that cannot be used is told now
    shown = premises.encryption_certificate
    if shown.exists() and load_certificate(shown) not in known:
        raise UnusableKey(
            f"{shown} is what senders encrypt for, and its key is not in {premises.encryption_keys}"
        )
    return decrypt


def seal_of(premises: Premises, settings: Settings) -> Seal:
    """Our seal, from the key on the premises, or in the hardware module that the settings name.

    Raises:
        UnusableKey: the key may be read by others, or is not for its certificate.
    """
    if settings.pkcs11_module is None:
        files: tuple[Path, ...] = (premises.signing_key, premises.signing_certificate)
        signer = RollingSigner(lambda: Signer.load(*files), files)
    else:
        files = (premises.signing_certificate,)
        signer = RollingSigner(lambda: _signer_in_token(premises, settings), files)
    return Seal(signer, settings.environment)


def _signer_in_token(premises: Premises, settings: Settings) -> Signer:
    if settings.pkcs11_module is None or settings.pkcs11_pin is None:
        raise UnusableKey("pkcs11_pin names no file")
    with extra("hsm"):
        hsm = import_module("adapters.hsm")
    first, *chain = load_seals(premises.signing_certificate)
    pin = hsm.read_pin(settings.pkcs11_pin)
    place = settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_key
    return Signer(hsm.TokenKey(*place, pin, first), first, tuple(chain))


def check_private(premises: Premises) -> None:
    """Make sure that nobody else reads our keys.

    Raises:
        UnusableKey: somebody may.
    """
    own = (file for file in premises.keys.iterdir() if file.suffix not in (".pub", ".cert"))
    for file in (*own, premises.authority_key):
        if file.name.endswith(".cert.pem") or not file.exists():
            continue
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise UnusableKey(f"{file} may be read or changed by others (mode {mode:04o}): chmod 600 {file}")
