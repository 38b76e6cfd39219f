"""Our sealing key in a hardware module, over PKCS #11: it signs there and never leaves it.

Needs the extra `secugate[hsm]`. Tested with SoftHSM.
"""

from __future__ import annotations

import hashlib
import stat
import threading
from pathlib import Path
from typing import Any

import pkcs11
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from signing.sign import UnusableKey

_CHALLENGE = b"secugate: is this the key of that certificate?"


def read_pin(file: Path) -> str:
    """The PIN in a file that only its owner may read.

    Raises:
        UnusableKey: others may read it too.
        OSError: it cannot be read.
    """
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise UnusableKey(f"{file} may be read or changed by others (mode {mode:04o}): chmod 600 {file}")
    return file.read_text().strip()


class TokenKey:
    """The key of a certificate, in a token.

    A session that broke (the token was away) is opened anew for the next signature; the one that failed is
    our failure, and what it was for is tried again.

    Args:
        module: library of the maker, such as `/usr/lib/softhsm/libsofthsm2.so`.
        token: its label.
        label: of the key; of several with this label the one of the certificate.
        pin: of the token's user.
        certificate: for the key.

    Raises:
        UnusableKey: the token cannot be opened, or has no such key.
    """

    def __init__(self, module: Path, token: str, label: str, pin: str, certificate: x509.Certificate) -> None:
        public = certificate.public_key()
        if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise UnusableKey("the certificate is for a key of another kind")
        self._public = public
        self._module = module
        self._token = token
        self._label = label
        self._pin = pin
        self._lock = threading.Lock()
        self._key: Any = None
        try:
            self.sign(_CHALLENGE)
        except pkcs11.PKCS11Error as error:
            raise UnusableKey(f"the token {token} cannot be used ({type(error).__name__})") from None

    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """The half of it that everybody may have."""
        return self._public

    def sign(self, text: bytes) -> bytes:
        """A signature with SHA-256 over a text, as `signing.sign.KeyElsewhere` says.

        Raises:
            pkcs11.PKCS11Error: the token did not sign.
            UnusableKey: it has no such key.
        """
        with self._lock:
            try:
                if self._key is None:
                    self._key = self._open()
                return self._signed(self._key, text)
            except pkcs11.PKCS11Error:
                self._key = None
                raise

    def _open(self) -> Any:
        # The library counts sessions per token and process: one that broke is left to it.
        token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
        session = token.open(user_pin=self._pin)
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.LABEL: self._label}
        for key in list(session.get_objects(wanted)):
            if self._is_ours(key):
                return key
        raise UnusableKey(f"the token {self._token} has no key {self._label} for the certificate")

    def _is_ours(self, key: Any) -> bool:
        try:
            value = self._signed(key, _CHALLENGE)
            if isinstance(self._public, rsa.RSAPublicKey):
                self._public.verify(value, _CHALLENGE, padding.PKCS1v15(), hashes.SHA256())
            else:
                half = len(value) // 2
                r, s = (int.from_bytes(part) for part in (value[:half], value[half:]))
                self._public.verify(encode_dss_signature(r, s), _CHALLENGE, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError, pkcs11.PKCS11Error):
            return False
        return True

    def _signed(self, key: Any, text: bytes) -> bytes:
        if isinstance(self._public, rsa.RSAPublicKey):
            return bytes(key.sign(text, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
        # Not every module can hash for ECDSA.
        return bytes(key.sign(hashlib.sha256(text).digest(), mechanism=pkcs11.Mechanism.ECDSA))
