"""Keys and certificates that do not count: unknown, expired, not yet valid, of others, too weak."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from adapters.pki import Authority, KeyKind, Subject, new_key
from gateway.moments import Received
from signing.sign import Signer
from tests.vectors.hostile import Shelf
from tests.vectors.hostile.forging import Forger, holding

SHELF = Shelf()
due = SHELF.due

UNKNOWN, EXPIRED, PATH = "SIG-CERTIFICATE-UNKNOWN", "SIG-CERTIFICATE-EXPIRED", "SIG-CERTIFICATE-PATH"


def with_key(forger: Forger, signer: Signer) -> bytes:
    """A batch signed with a key that is registered for the member."""
    return forger.sign(forger.plain(), forger.registered(signer))


@due(UNKNOWN)
def certificate_nobody_registered(forger: Forger) -> bytes:
    return forger.sign(forger.plain(), forger.fresh())


@due(UNKNOWN)
def certificate_of_our_authority_itself(forger: Forger) -> bytes:
    authority = forger.home.authority
    return forger.sign(forger.plain(), Signer(authority.key, authority.certificate))


@due(UNKNOWN)
def certificate_made_by_the_forger_with_the_member_s_key(forger: Forger) -> bytes:
    """The right key under another certificate: a key is registered with its certificate."""
    at, signer = forger.home.clock(), forger.sender.signer
    own = Authority.create("Forger", at - timedelta(1), at + timedelta(100))
    certificate = own.issue(
        Subject("Member"), signer.certificate.public_key(), at - timedelta(1), at + timedelta(9)
    )
    return forger.sign(forger.plain(), Signer(signer.key, certificate))


def issued(forger: Forger, first: timedelta, last: timedelta) -> Signer:
    at, key = forger.home.clock(), new_key(KeyKind.P256)
    return Signer(
        key,
        forger.home.authority.issue(
            Subject("Member", serial_number=str(forger.sender.member)),
            key.public_key(),
            at + first,
            at + last,
        ),
    )


@due(EXPIRED)
def certificate_expired_a_second_ago(forger: Forger) -> bytes:
    return with_key(forger, issued(forger, timedelta(-1), timedelta(seconds=-1)))


@due(EXPIRED)
def certificate_valid_from_tomorrow(forger: Forger) -> bytes:
    return with_key(forger, issued(forger, timedelta(1), timedelta(9)))


@due(PATH)
def certificate_of_an_authority_with_our_name(forger: Forger) -> bytes:
    at, key = forger.home.clock(), new_key(KeyKind.P256)
    [ours] = forger.home.authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    impostor = Authority.create(str(ours.value), at - timedelta(1), at + timedelta(100))
    subject = Subject("Member", serial_number=str(forger.sender.member))
    certificate = impostor.issue(subject, key.public_key(), at - timedelta(1), at + timedelta(9))
    return with_key(forger, Signer(key, certificate))


@due(PATH)
def certificate_signed_by_itself(forger: Forger) -> bytes:
    at = forger.home.clock()
    own = Authority.create("Member", at - timedelta(1), at + timedelta(100))
    return with_key(forger, Signer(own.key, own.certificate))


def _usage(**uses: bool) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{use: uses.get(use, False) for use in every})


def _built(forger: Forger, *extensions: tuple[x509.ExtensionType, bool]) -> Signer:
    at, authority = forger.home.clock(), forger.home.authority
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(Subject("Member").name)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(1))
        .not_valid_after(at + timedelta(9))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Signer(key, builder.sign(authority.key, hashes.SHA256()))


_END = (x509.BasicConstraints(ca=False, path_length=None), True)
_USES: dict[str, tuple[tuple[x509.ExtensionType, bool], ...]] = {
    "agreement": (_END, (_usage(key_agreement=True), True)),
    "encryption": (_END, (_usage(key_encipherment=True), True)),
    "revocation_lists": (_END, (_usage(crl_sign=True), True)),
    "certificates": (
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (_usage(key_cert_sign=True), True),
    ),
    "an_unknown_critical_thing": (
        _END,
        (_usage(digital_signature=True), True),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True),
    ),
}
for _name, _extensions in _USES.items():
    SHELF.add(
        f"certificate_for_{_name}",
        lambda f, e=_extensions: with_key(f, _built(f, *e)),  # type: ignore[misc]
        PATH,
    )

# keys that are not on the list: our own signer would not use them, so their certificate stands in a good file

_KINDS: dict[str, Callable[[], object]] = {
    "rsa_1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa_2048": lambda: rsa.generate_private_key(65537, 2048),
    "p_521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "p_224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "p_192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "koblitz": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "dsa": lambda: dsa.generate_private_key(2048),
}


def _weak(forger: Forger, kind: str) -> bytes:
    at, authority = forger.home.clock(), forger.home.authority
    public = _KINDS[kind]().public_key()  # type: ignore[attr-defined]
    certificate = authority.issue(Subject("Weak"), public, at - timedelta(1), at + timedelta(9))
    forger.home.gateway.members.add_certificate(forger.sender.member, certificate, Received(at))
    return forger.edited(holding(certificate))


for _name in _KINDS:
    SHELF.add(f"key_{_name}", lambda f, k=_name: _weak(f, k), "SIG-PROFILE")  # type: ignore[misc]
