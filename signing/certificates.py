"""May a certificate be believed at a moment? Three verdicts: yes, no, cannot tell yet.

Judged at the moment of receipt, from files of ours only, nothing is fetched:

1. the certificate is an end entity's and may be used for digital signatures;
2. a path leads to one of our anchors;
3. every certificate on it was valid at the moment;
4. for every certificate on it there is a revocation list which covers the moment, and on which it is not
   revoked before it.

A list covers a moment unless its next update was due before it. One issued later than the moment covers it
too, and knows more: a deposit that arrived while the list was stale is judged once the next one is there.
But it must have been issued while the certificate was valid, because an expired one may be left out
(RFC 5280, section 5: only unexpired certificates need to be listed).
Sources: RFC 5280 section 6; ETSI EN 319 102-1 for the three verdicts.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    PathValidationError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath

from signing.parse import LONGEST_REASON

_Answer = TypeVar("_Answer")


class Distrust(StrEnum):
    """Why a certificate is not believed; the words are stable."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    PATH = "path"
    """No valid path to an anchor; also when a certificate above the signer's is expired or revoked."""
    USAGE = "usage"
    """Not an end entity's, or not for digital signatures."""


class Untrusted(Exception):
    """A certificate that is not believed.

    Attributes:
        kind: the sort of reason.
        reason: what is wrong, in English, at most 200 characters.
    """

    def __init__(self, kind: Distrust, reason: str) -> None:
        self.kind = kind
        self.reason = reason[:LONGEST_REASON]
        super().__init__(f"{kind}: {self.reason}")


class CannotTell(Exception):
    """Revocation lists are missing, stale or unreadable: neither yes nor no, to be asked again later."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A revocation list that was consulted.

    Attributes:
        issuer: its issuer's name (RFC 4514).
        number: CRL number; None where the list has none.
        this_update, next_update: its dates, in UTC; the latter None where the list has none.
        digest: SHA-256 of its DER form, hexadecimal.
    """

    issuer: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    digest: str

    def covers(self, at: datetime) -> bool:
        """Whether it still held at a moment; one issued later does."""
        return self.next_update is None or at <= self.next_update


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what a certificate was believed; kept with the deposit.

    Attributes:
        at: the moment judged.
        path: subjects from the certificate up to the anchor (RFC 4514).
        digests: SHA-256 of each certificate on the path, hexadecimal, in the same order.
        lists: the revocation lists consulted.
    """

    at: datetime
    path: tuple[str, ...]
    digests: tuple[str, ...]
    lists: tuple[RevocationList, ...]


_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _List:
    parsed: asn1_crl.CertificateList
    described: RevocationList


@dataclass(frozen=True, slots=True)
class _Material:
    stamp: _Stamp
    anchors: tuple[asn1_x509.Certificate, ...]
    lists: tuple[_List, ...]
    unreadable: tuple[str, ...]


class Trust:
    """Our anchors and revocation lists, read again whenever the files change.

    May be shared by threads; they are let in one by one, because the parsed ASN.1 completes itself as it
    is read.

    Args:
        anchors: a PEM file of root certificates, or a folder of such files (`*.pem`).
        crls: a folder of revocation lists, PEM or DER (`*.pem`, `*.crl`).

    Raises:
        ValueError: no anchor, or one that is no certification authority's.
        OSError: a file cannot be read.
    """

    def __init__(self, anchors: Path, crls: Path) -> None:
        self._anchors = anchors
        self._crls = crls
        self._lock = threading.Lock()
        self._material = self._read(self._stamp())

    def judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime
    ) -> Evidence:
        """Believe a certificate at a moment, or raise.

        Args:
            certificate: the signer's.
            chain: certificates that may stand between it and an anchor.
            at: the moment of receipt, aware.

        Raises:
            Untrusted: no.
            CannotTell: not yet.
        """
        _check_usage(certificate)
        with self._lock:
            self._refresh()
            return self._judge(certificate, chain, at)

    def _judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime
    ) -> Evidence:
        lists = [
            entry
            for entry in self._material.lists
            if entry.described.this_update <= max(at, certificate.not_valid_after_utc)
        ]
        context = ValidationContext(
            trust_roots=self._material.anchors,
            crls=[entry.parsed for entry in lists],
            allow_fetching=False,
            moment=at,
            # Not "hard-fail": that lets a revoked certificate pass if it names no distribution point.
            revocation_mode="require",
            # A list issued after the moment still says who was revoked before it.
            retroactive_revinfo=True,
            time_tolerance=timedelta(0),
        )
        validator = CertificateValidator(_asn1(certificate), map(_asn1, chain), context)
        try:
            path = _run(validator.async_validate_path())
        except InsufficientRevinfoError as error:
            raise CannotTell(f"{error}{self._unreadable()}") from error
        except (MemoryError, OSError):
            raise
        except Exception as error:  # whatever a sender's chain can make the validator do means no
            raise Untrusted(_kind(error), str(error)) from error
        return _evidence(at, path, lists, context)

    def _unreadable(self) -> str:
        names = ", ".join(self._material.unreadable)
        return f" (unreadable: {names})" if names else ""

    def _refresh(self) -> None:
        stamp = self._stamp()
        if stamp == self._material.stamp:
            return
        try:
            self._material = self._read(stamp)
        except ValueError as error:
            raise CannotTell(str(error)) from error

    def _stamp(self) -> _Stamp:
        stats = [(str(file), file.stat()) for file in (*self._anchor_files(), *self._crl_files())]
        return tuple((name, found.st_ino, found.st_mtime_ns, found.st_size) for name, found in stats)

    def _anchor_files(self) -> list[Path]:
        return sorted(self._anchors.glob("*.pem")) if self._anchors.is_dir() else [self._anchors]

    def _crl_files(self) -> list[Path]:
        return sorted([*self._crls.glob("*.pem"), *self._crls.glob("*.crl")])

    def _read(self, stamp: _Stamp) -> _Material:
        anchors = [anchor for file in self._anchor_files() for anchor in _read_anchors(file)]
        if not anchors:
            raise ValueError(f"no trust anchor in {self._anchors}")
        lists: list[_List] = []
        unreadable: list[str] = []
        for file in self._crl_files():
            try:
                lists.append(_read_list(file.read_bytes()))
            except ValueError:
                unreadable.append(file.name)
        return _Material(stamp, tuple(anchors), tuple(lists), tuple(unreadable))


def load_certificate(file: Path) -> x509.Certificate:
    """The first certificate of a PEM file.

    Raises:
        ValueError: there is none.
        OSError: the file cannot be read.
    """
    return x509.load_pem_x509_certificate(file.read_bytes())


def load_seals(place: Path) -> tuple[x509.Certificate, ...]:
    """The certificates with which a gateway seals, and sealed before.

    Args:
        place: a PEM file, or a folder of such files (`*.pem`).

    Raises:
        ValueError: there is none.
        OSError: a file cannot be read.
    """
    files = sorted(place.glob("*.pem")) if place.is_dir() else [place]
    found = [one for file in files for one in x509.load_pem_x509_certificates(file.read_bytes())]
    if not found:
        raise ValueError(f"no certificate in {place}")
    return tuple(found)


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        if _is_authority(certificate):
            raise Untrusted(Distrust.USAGE, "the certificate is a certification authority's")
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise Untrusted(Distrust.USAGE, "the certificate does not say what it is for") from None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Untrusted(Distrust.USAGE, f"the certificate's extensions cannot be read ({error})") from None
    if not usage.digital_signature:
        raise Untrusted(Distrust.USAGE, "the certificate is not for digital signatures")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _read_anchors(file: Path) -> list[asn1_x509.Certificate]:
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    for certificate in certificates:
        if not _is_authority(certificate):
            raise ValueError(f"{file}: {certificate.subject.rfc4514_string()} is no certification authority")
    return [_asn1(certificate) for certificate in certificates]


def _read_list(raw: bytes) -> _List:
    pem = raw.lstrip().startswith(b"-----BEGIN")
    loaded = x509.load_pem_x509_crl(raw) if pem else x509.load_der_x509_crl(raw)
    der = loaded.public_bytes(Encoding.DER)
    try:
        number = loaded.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        number = None
    described = RevocationList(
        issuer=loaded.issuer.rfc4514_string(),
        number=number,
        this_update=loaded.last_update_utc,
        next_update=loaded.next_update_utc,
        digest=hashlib.sha256(der).hexdigest(),
    )
    return _List(asn1_crl.CertificateList.load(der, strict=True), described)


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER), strict=True)


def _kind(error: Exception) -> Distrust:
    if isinstance(error, PathValidationError) and error.is_ee_cert:
        if isinstance(error, ExpiredError):
            return Distrust.EXPIRED
        if isinstance(error, NotYetValidError):
            return Distrust.NOT_YET_VALID
        if isinstance(error, RevokedError):
            return Distrust.REVOKED
    return Distrust.PATH


def _evidence(
    at: datetime, path: ValidationPath, lists: Iterable[_List], context: ValidationContext
) -> Evidence:
    ders = [certificate.dump() for certificate in reversed(list(path.iter_certs(include_root=True)))]
    consulted = [entry for entry in lists if context.revinfo_manager.check_crl_issuer(entry.parsed)]
    return Evidence(
        at=at,
        path=tuple(x509.load_der_x509_certificate(der).subject.rfc4514_string() for der in ders),
        digests=tuple(hashlib.sha256(der).hexdigest() for der in ders),
        lists=tuple(entry.described for entry in consulted if entry.described.covers(at)),
    )


def _run(coroutine: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Run a coroutine that never waits, in any thread, whether an event loop runs there or not.

    The validator is written for fetching over the network, which is off here.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: _Answer = end.value
        return answer
    coroutine.close()
    raise RuntimeError("the certificate validator waits for something, although fetching is off")
