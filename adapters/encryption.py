"""Encryption at rest: documents under data keys, data keys under a master key outside the store.

Everything is AES-256-GCM (NIST SP 800-38D) with random nonces of 96 bits: a data key seals some thousands of
documents, a file key some thousands of pieces, far below the 2^32 at which nonces could meet. What a sealed
thing is about goes into it as associated data, so that a document put in the place of another does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from backports import zstd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.durable import sync, sync_folder

KEY_SIZE = 32
NONCE_SIZE = 12
OVERHEAD = NONCE_SIZE + 16
"""Bytes by which a sealed thing is longer: nonce and tag."""
FORM = b"\x01"
"""First byte of a sealed document; then the id of its key (16 bytes), nonce, ciphertext and tag."""
PACKED = b"\x02"
"""First byte of one whose content was compressed (Zstandard, RFC 8878) before it was sealed."""
_LEVEL = 1
_HEAD = len(FORM) + 16


class Unopened(Exception):
    """What is kept does not open with its key: it was changed, or belongs elsewhere."""


class Erased(Exception):
    """The data key of a document was destroyed: nobody can read it any more.

    Attributes:
        member, month: whose documents of which month.
    """

    def __init__(self, member: str, month: str) -> None:
        super().__init__(f"the documents of {month} were erased")
        self.member = member
        self.month = month


class UnusableMasterKey(Exception):
    """The master key is missing, can be read by others, or is not the one of this store."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of a member's documents of one month.

    Attributes:
        id: names it in what it has sealed.
        secret: 32 bytes; never shown.
    """

    id: UUID
    secret: bytes = field(repr=False)


def new_secret() -> bytes:
    """A key at random."""
    return secrets.token_bytes(KEY_SIZE)


def seal(secret: bytes, content: bytes | bytearray, about: bytes) -> bytes:
    """Nonce, ciphertext and tag of a content.

    Args:
        secret: key of 32 bytes.
        content: what is sealed.
        about: what it is, and where it belongs.
    """
    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(secret).encrypt(nonce, content, about)


def open_sealed(secret: bytes, sealed: bytes, about: bytes) -> bytes:
    """What `seal` has sealed.

    Raises:
        Unopened: with another key, or about something else, or it was changed.
    """
    if len(sealed) < OVERHEAD:
        raise Unopened("too short to be anything sealed")
    try:
        return AESGCM(secret).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], about)
    except InvalidTag:
        raise Unopened("it was changed, or belongs elsewhere") from None


def seal_document(key: DataKey, content: bytes, about: str) -> bytes:
    """A document as it is kept, naming its key."""
    return _sealed(FORM, key, content, about)


def pack_document(key: DataKey, content: bytes, about: str) -> bytes:
    """The same, compressed first; for what compresses well and whose length is no secret."""
    return _sealed(PACKED, key, zstd.compress(content, _LEVEL), about)


def _sealed(form: bytes, key: DataKey, content: bytes, about: str) -> bytes:
    head = form + key.id.bytes
    return head + seal(key.secret, content, head + about.encode())


def key_named(kept: bytes) -> UUID:
    """The id of the key of a document.

    Raises:
        Unopened: it is none that `seal_document` has sealed.
    """
    if len(kept) < _HEAD + OVERHEAD or not kept.startswith((FORM, PACKED)):
        raise Unopened("not kept as documents are")
    return UUID(bytes=bytes(kept[len(FORM) : _HEAD]))


def open_document(key: DataKey, kept: bytes, about: str) -> bytes:
    """What `seal_document` or `pack_document` has sealed.

    Raises:
        Unopened: as `open_sealed`.
    """
    content = open_sealed(key.secret, kept[_HEAD:], kept[:_HEAD] + about.encode())
    # It opened, so that we have compressed it ourselves: it cannot swell.
    return zstd.decompress(content) if kept.startswith(PACKED) else content


class MasterKey:
    """The keys that open data keys, in a file outside the store.

    A line each: 32 bytes in base64. The first one seals; more stand there only while data keys are
    re-wrapped. The file is looked at again whenever it has changed, so that a running gateway follows a
    rotation; what was once read stays known to the process.

    Attributes:
        file: readable by its owner alone.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[str, bytes] = {}
        self._current = ""
        self._seen: tuple[int, int, int] | None = None

    @property
    def destroyed(self) -> Path:
        """Beside it: which data keys were destroyed, so that a restored store does not bring them back."""
        return self.file.with_name(self.file.name + ".destroyed")

    def make(self) -> None:
        """Make a key at random.

        Raises:
            FileExistsError: there is one.
        """
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _write(descriptor, _lines([new_secret()]))
        sync_folder(self.file.parent)

    def check(self) -> None:
        """Read the file.

        Raises:
            UnusableMasterKey
        """
        self._look()

    def wrap(self, secret: bytes, about: str) -> tuple[str, bytes]:
        """Seal a data key: name of the master key that did, and what to keep.

        Raises:
            UnusableMasterKey
        """
        self._look()
        return self._current, seal(self._known[self._current], secret, about.encode())

    def unwrap(self, master: str, wrapped: bytes, about: str) -> bytes:
        """The data key that a master key has sealed.

        Raises:
            UnusableMasterKey: that one is not in the file.
            Unopened: it was changed, or belongs to another row.
        """
        self._look()
        if master not in self._known:
            raise UnusableMasterKey(f"{self.file} is not the master key of this store")
        return open_sealed(self._known[master], wrapped, about.encode())

    def add_new(self) -> None:
        """Put a new key in front: from here on it seals; the others still open.

        Raises:
            UnusableMasterKey
        """
        self._look()
        self._replace([new_secret(), *self._secrets()])

    def forget_old(self) -> None:
        """Leave the first key alone in the file; to be called once nothing is sealed with another."""
        self._replace(self._secrets()[:1])

    def _look(self) -> None:
        """Read the file if it is not the one that was read.

        Raises:
            UnusableMasterKey: it is missing, open to others, or not spelt as it should be.
        """
        try:
            found = self.file.stat()
        except OSError:
            raise UnusableMasterKey(f"there is no master key in {self.file}") from None
        seen = (found.st_ino, found.st_mtime_ns, found.st_mode)
        if seen == self._seen:
            return
        if found.st_mode & 0o077:
            raise UnusableMasterKey(f"others may read the master key in {self.file}: make its mode 0600")
        held = self._secrets()
        self._known.update((name_of(secret), secret) for secret in held)
        self._current = name_of(held[0])
        self._seen = seen

    def _secrets(self) -> Sequence[bytes]:
        try:
            held = [base64.b64decode(line, validate=True) for line in self.file.read_bytes().split()]
        except (OSError, binascii.Error):
            held = []
        if not held or any(len(secret) != KEY_SIZE for secret in held):
            raise UnusableMasterKey(f"{self.file} holds no master key: 32 bytes in base64, on one line")
        return held

    def _replace(self, held: Iterable[bytes]) -> None:
        """Sync the new file before it takes the place of the old one: either of them is always whole."""
        new = self.file.with_name(self.file.name + ".new")
        new.unlink(missing_ok=True)
        _write(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), _lines(held))
        new.rename(self.file)
        sync_folder(self.file.parent)


def name_of(secret: bytes) -> str:
    """How a master key is called: nothing about it can be told from that."""
    return hashlib.sha256(b"secugate master key" + secret).hexdigest()[:16]


def note(file: Path, line: str) -> None:
    """Add a line to a file of our own, durably."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    _write(descriptor, (line + "\n").encode())
    sync_folder(file.parent)


def _lines(held: Iterable[bytes]) -> bytes:
    return b"".join(base64.b64encode(secret) + b"\n" for secret in held)


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        sync(file.fileno())
