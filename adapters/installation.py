"""`secugate init`: a gateway on its premises, ready to run.

The embedded default brings its own throw-away authority: it issues the gateway's certificates and,
on request, those of members. An institution replaces the files in `keys/` and `trust/` by its own.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from adapters.database.migrations import stamp
from adapters.durable import sync, sync_folder
from adapters.pki import Authority, KeyKind, PrivateKey, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises, database_of, spool_of, witness_of
from adapters.settings import Settings
from signing.certificates import load_seals
from signing.encrypted import Opener
from signing.sign import Signer

VALIDITY = timedelta(days=825)


def install(settings: Settings, now: datetime) -> None:
    """Make the data folder: private to us, with database, spool, keys and trust."""
    premises = Premises(settings.data)
    for folder in (
        premises.folder,
        premises.keys,
        premises.authority_key.parent,
        premises.anchors,
        premises.revocations,
        premises.seals,
    ):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database_of(settings)
    spool_of(settings, database).create()
    _make_authority(premises, now)
    _issue_own(premises, settings.host, now)
    write_ssh_key(premises.ssh_host_key)
    database.create()
    stamp(database)
    witness_of(settings, database).begin()
    _settle(premises)


def _settle(premises: Premises) -> None:
    """Have the disk hold keys and certificates: what is sealed from now on is worth nothing without them."""
    for folder in (premises.keys, premises.authority_key.parent, premises.seals.parent):
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                sync_folder(path)
            else:
                _sync_file(path)
    sync_folder(premises.folder)
    sync_folder(premises.folder.absolute().parent)


def _sync_file(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _make_authority(premises: Premises, now: datetime) -> None:
    authority = Authority.create("Secugate throw-away authority", now - timedelta(days=1), now + VALIDITY)
    write_key(premises.authority_key, authority.key)
    write_certificates(premises.authority_certificate, authority.certificate)
    write_certificates(premises.anchors / "throw-away.pem", authority.certificate)
    # As long as the certificates: nobody publishes a next list for a throw-away authority.
    revocations = authority.crl({}, now - timedelta(minutes=5), now + VALIDITY)
    (premises.revocations / "throw-away.crl").write_bytes(revocations)


def _issue_own(premises: Premises, host: str, now: datetime) -> None:
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    for key_file, certificate_file, name, hosts in (
        (premises.signing_key, premises.signing_certificate, "Secugate seal", ()),
        (premises.tls_key, premises.tls_certificate, host, (host,)),
    ):
        key = new_key(KeyKind.P256)
        certificate = authority.issue(
            Subject(name), key.public_key(), now - timedelta(minutes=5), now + VALIDITY, hosts=hosts
        )
        write_key(key_file, key)
        write_certificates(certificate_file, certificate)
    (premises.seals / "throw-away.pem").write_bytes(premises.signing_certificate.read_bytes())


def issue_encryption(premises: Premises, now: datetime) -> x509.Certificate:
    """Make a key for which senders may encrypt deposits; it takes a noticeable part of a second.

    RSA, which every CMS program can do. A gateway without one refuses what is encrypted.
    """
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    key = new_key(KeyKind.RSA_3072)
    last = min(now + VALIDITY, authority.certificate.not_valid_after_utc)
    certificate = authority.issue_for_encryption(
        Subject("Secugate encryption"), key.public_key(), now - timedelta(minutes=5), last
    )
    return _encrypt_for(premises, key, certificate)


def take_encryption(premises: Premises, key: Path, certificate: Path) -> x509.Certificate:
    """Have senders encrypt for a key from elsewhere, from now on.

    Raises:
        UnusableKey: key and certificate do not fit, or others may read the key.
        OSError, ValueError: a file is not there, or cannot be read.
    """
    opener = Opener.load(key, certificate)
    return _encrypt_for(premises, opener.key, opener.certificate)


def _encrypt_for(premises: Premises, key: PrivateKey, certificate: x509.Certificate) -> x509.Certificate:
    """Keep a key beside the earlier ones, which go on opening; then show its certificate, not theirs."""
    premises.encryption_keys.mkdir(mode=0o700, exist_ok=True)
    place = premises.encryption_keys / certificate.fingerprint(SHA256()).hex()
    place.with_suffix(".key.pem").unlink(missing_ok=True)  # of an exchange that was cut off
    write_key(place.with_suffix(".key.pem"), key)
    write_certificates(place.with_suffix(".cert.pem"), certificate)
    _settle(premises)  # before anybody encrypts for it
    arriving = premises.encryption_certificate.with_suffix(".arriving")
    write_certificates(arriving, certificate)
    _sync_file(arriving)
    arriving.replace(premises.encryption_certificate)
    sync_folder(arriving.parent)
    return certificate


def exchange_seal(
    premises: Premises, key: Path | None, certificate: Path | None, now: datetime
) -> x509.Certificate:
    """Put a new sealing key in the place of the old one, whose certificate stays among our seals.

    A running gateway seals with it from then on. Without both the throw-away authority certifies a
    fresh one; with a certificate alone the key is in a hardware module.

    Raises:
        UnusableKey: key and certificate do not fit, or others may read the key.
        OSError, ValueError: a file is not there, or cannot be read.
    """
    made = _issue_seal(premises, now) if certificate is None else None
    if made is not None:
        key, certificate = made
    assert certificate is not None
    new = load_seals(certificate)[0] if key is None else Signer.load(key, certificate).certificate
    (premises.seals / f"{new.fingerprint(SHA256()).hex()}.pem").write_bytes(certificate.read_bytes())
    _settle(premises)  # before anything is sealed with it
    for source, place in ((key, premises.signing_key), (certificate, premises.signing_certificate)):
        if source is not None:
            arriving = place.with_suffix(".arriving")
            arriving.touch(mode=0o600)
            arriving.write_bytes(source.read_bytes())
            _sync_file(arriving)
            arriving.replace(place)
            sync_folder(place.parent)
    if made is not None:
        for file in made:
            file.unlink()
    return new


def _issue_seal(premises: Premises, now: datetime) -> tuple[Path, Path]:
    """A fresh sealing key and its certificate, beside those that count still."""
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    last = min(now + VALIDITY, authority.certificate.not_valid_after_utc)
    fresh = new_key(KeyKind.P256)
    issued = authority.issue(Subject("Secugate seal"), fresh.public_key(), now - timedelta(minutes=5), last)
    key, certificate = premises.keys / "next.key.pem", premises.keys / "next.cert.pem"
    key.unlink(missing_ok=True)  # of an exchange that was cut off
    write_key(key, fresh)
    write_certificates(certificate, issued)
    return key, certificate


def write_ssh_key(file: Path) -> None:
    """Make an Ed25519 key pair as OpenSSH keeps it: the file, and its public half beside it."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(private)
    file.with_name(file.name + ".pub").write_bytes(public + b"\n")
