"""Our sealing key: from a file or a hardware module, and exchanged while the gateway runs (SR-25).

The files of key and certificate are looked at before each seal, which costs two system calls. Once they have
changed and fit together the new key seals; until then the old one does, and also for moments at which the
new certificate does not count yet: a clock may be put back. What the old one has sealed verifies as before,
because its certificate stays in `trust/seals`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from lxml import etree

from inbox.receive import Unprovable
from signing.sign import Signer, UnusableKey

log = structlog.get_logger()

_Stamp = tuple[tuple[int, int, int], ...]


class NotYetInForce(Unprovable):
    """Our certificate does not count yet at the moment of sealing: nobody would believe the seal."""


class RollingSigner:
    """A signer that is loaded again when its files change; may be shared by threads.

    Args:
        load: loads it.
        files: those it is loaded from.

    Raises:
        UnusableKey, OSError: as `load` does, now.
    """

    def __init__(self, load: Callable[[], Signer], files: Sequence[Path]) -> None:
        self._load = load
        self._files = files
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._signer = load()
        self._before: Signer | None = None

    @property
    def current(self) -> Signer:
        """The signer that counts now."""
        with self._lock:
            try:
                stamp = self._look()
                if stamp != self._stamp:
                    self._signer, self._before = self._load(), self._signer
                    self._stamp = stamp
                    log.info("seal.exchanged", certificate=self._signer.certificate.serial_number)
            except (UnusableKey, OSError) as error:
                # Half way through an exchange, or a mistake: what we have still seals.
                log.warning("seal.not-exchanged", error=type(error).__name__)
            return self._signer

    @property
    def certificate(self) -> x509.Certificate:
        """Of the signer that counts now."""
        return self.current.certificate

    def at(self, moment: datetime) -> Signer:
        """The signer for a moment: the one that counts now, or the one before it.

        Raises:
            NotYetInForce: neither counts at that moment.
        """
        signer = self.current
        for one in (signer, self._before):
            if one is not None and one.certificate.not_valid_before_utc <= moment:
                return one
        raise NotYetInForce

    def sign(self, element: etree._Element, at: datetime) -> bytes:
        """As `Signer.sign`."""
        return self.at(at).sign(element, at)

    def sign_canonical(self, document: bytes, at: datetime) -> bytes:
        """As `Signer.sign_canonical`."""
        return self.at(at).sign_canonical(document, at)

    def sign_container(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """As `Signer.sign_container`."""
        return self.at(at).sign_container(files, at)

    def sign_message(self, base: Callable[[x509.Certificate], bytes]) -> bytes:
        """As `Signer.sign_message`."""
        return self.current.sign_message(base)

    def _look(self) -> _Stamp:
        stats = [file.stat() for file in self._files]
        return tuple((found.st_ino, found.st_mtime_ns, found.st_size) for found in stats)
