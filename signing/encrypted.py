"""Deposits encrypted for us: CMS EnvelopedData, as `openssl cms -encrypt -outform DER` writes it.

What is inside was signed before it was encrypted and proves itself; here it is only unwrapped. Who changes
what somebody else encrypted must learn nothing from our answer (Bleichenbacher 1998, Vaudenay 2002):

* whatever is wrong is one `CannotOpen`, without a word on what;
* a key that does not come out right is replaced by a random one (as RFC 8017, 7.2.2, and RFC 3218, 2.3.2,
  advise), and padding that is not right stays where it is: both yield bytes that no signature fits, after
  the same steps as good ones. The caller answers alike to what cannot be opened and to what is not rightly
  signed inside, so that only the signer of the content ever gets another answer.

Sources: RFC 5652 clause 6, RFC 3565 (AES), RFC 8017 (RSA).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from signing.der import check_der
from signing.profile import RSA_BITS
from signing.sign import UnusableKey

LARGEST = 64 * 1024 * 1024
"""Bytes as encrypted; what comes out is never more."""
RECIPIENTS = range(1, 5 + 1)
"""A sender may encrypt for itself as well."""

_KEY_BYTES = 32
_BLOCK = 16
_OAEP_DIGEST = {"algorithm": "sha256", "parameters": None}
_OAEP = {
    "hash_algorithm": _OAEP_DIGEST,
    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": _OAEP_DIGEST},
    "p_source_algorithm": {"algorithm": "p_specified", "parameters": b""},
}


class CannotOpen(Exception):
    """Not encrypted for us, or not as it should be: nobody is told which."""


def is_encrypted(raw: bytes) -> bool:
    """Whether bytes begin as CMS does; no document, container or `.dta` file does."""
    return raw[:1] == b"\x30" and raw[1:2] >= b"\x80"


@dataclass(frozen=True, slots=True)
class Opener:
    """Our key for encryption, with its certificate.

    Attributes:
        key: RSA of 3072 bits or more.
        certificate: for that key; senders encrypt for it.
    """

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Opener:
        """Read a key and its certificate from PEM files.

        Raises:
            UnusableKey: others may read the key, it is not RSA of 3072 bits or more, or not the
                certificate's.
            OSError, ValueError: a file cannot be read.
        """
        if stat.S_IMODE(key.stat().st_mode) & 0o077:
            raise UnusableKey(f"{key} must be readable by its owner alone (mode 0600)")
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        loaded = load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey) or loaded.key_size not in RSA_BITS:
            raise UnusableKey("what is encrypted for us needs an RSA key of 3072 bits or more")
        if loaded.public_key() != found.public_key():
            raise UnusableKey(f"{key} is not the key of {certificate}")
        return cls(loaded, found)

    def open(self, raw: bytes) -> bytes:
        """What was encrypted for us, or bytes that mean nothing.

        Raises:
            CannotOpen: the sender's fault.
        """
        try:
            return self._opened(_enveloped(raw))
        except (MemoryError, OSError, CannotOpen):
            raise
        except Exception:
            raise CannotOpen from None

    def _opened(self, enveloped: cms.EnvelopedData) -> bytes:
        inside = enveloped["encrypted_content_info"]
        algorithm = inside["content_encryption_algorithm"]
        packed, start = inside["encrypted_content"].native, algorithm["parameters"].native
        if (
            inside["content_type"].native != "data"
            or algorithm["algorithm"].native != "aes256_cbc"
            or not packed
            or len(packed) % _BLOCK
        ):
            raise CannotOpen
        found = _addressed(self.certificate, enveloped["recipient_infos"])
        if len(found) != 1:
            raise CannotOpen
        key = self._content_key(found[0])
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(start)).decryptor()
        return _without_padding(decryptor.update(packed) + decryptor.finalize())

    def _content_key(self, recipient: cms.KeyTransRecipientInfo) -> bytes:
        """The key of the content; one that fits nothing when it does not come out right."""
        another = os.urandom(_KEY_BYTES)
        try:
            key = self.key.decrypt(recipient["encrypted_key"].native, _padding(recipient))
        except ValueError:
            return another
        return key if len(key) == _KEY_BYTES else another


def is_for(certificate: x509.Certificate, raw: bytes) -> bool:
    """Whether bytes were encrypted for a certificate, as far as they say; False when they say nothing."""
    try:
        return bool(_addressed(certificate, _enveloped(raw)["recipient_infos"]))
    except (MemoryError, OSError):
        raise
    except Exception:
        return False


def _addressed(
    certificate: x509.Certificate, recipients: cms.RecipientInfos
) -> list[cms.KeyTransRecipientInfo]:
    if len(recipients) not in RECIPIENTS:
        raise CannotOpen
    issuer = certificate.issuer.public_bytes()
    return [
        each.chosen
        for each in recipients
        if each.name == "ktri"
        and each.chosen["rid"].name == "issuer_and_serial_number"
        and each.chosen["rid"].chosen["serial_number"].native == certificate.serial_number
        and each.chosen["rid"].chosen["issuer"].dump() == issuer
    ]


def _enveloped(raw: bytes) -> cms.EnvelopedData:
    if len(raw) > LARGEST:
        raise CannotOpen
    check_der(raw)
    info = cms.ContentInfo.load(raw, strict=True)
    if info["content_type"].native != "enveloped_data":
        raise CannotOpen
    enveloped = info["content"]
    if enveloped["originator_info"].native is not None or enveloped["unprotected_attrs"].native is not None:
        raise CannotOpen
    return enveloped


def _padding(recipient: cms.KeyTransRecipientInfo) -> padding.AsymmetricPadding:
    algorithm = recipient["key_encryption_algorithm"]
    name, parameters = algorithm["algorithm"].native, algorithm["parameters"].native
    if name in ("rsaes_pkcs1v15", "rsa") and parameters is None:
        return padding.PKCS1v15()
    if name == "rsaes_oaep" and parameters == _OAEP:
        return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    raise CannotOpen


def _without_padding(content: bytes) -> bytes:
    """Content without its padding; as it is, where that is not right."""
    count = content[-1]
    is_right = 1 <= count <= _BLOCK and content.endswith(bytes([count]) * count)
    return content[:-count] if is_right else content
