"""May a certificate be believed at a moment? Three verdicts: yes, no, cannot tell yet.

Judged at the moment of receipt, from files of ours only; whoever fetches such files does it before:

1. the certificate is an end entity's and may be used for digital signatures;
2. a path leads to one of our anchors that counted for members at the moment;
3. every certificate on it was valid at the moment;
4. for every certificate on it there is a revocation list, or an OCSP answer if it names a responder, which
   covers the moment;
5. no list and no answer that covers the moment says that one of them was revoked before it: a "good"
   hides no "revoked" that stands elsewhere.

A list or answer covers a moment unless its next update was due before it. One issued later than the moment
covers it too, and knows more: a deposit that arrived while the list was stale is judged once the next one
is there, and a revocation after receipt changes nothing. But it must have been issued while the certificate
was valid, because an expired one may be left out (RFC 5280, section 5: only unexpired certificates need to
be listed).
Sources: RFC 5280 section 6; RFC 6960; ETSI EN 319 102-1 for the three verdicts.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, cast

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.errors import (
    CRLValidationError,
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    OCSPValidationError,
    PathValidationError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.util import ConsList

from signing.anchors import MEMBERS, Anchor, asn1_of, is_authority, read_anchors
from signing.parse import LONGEST_REASON
from signing.revocation import LoadedAnswer, LoadedList, RevocationList, StatusAnswer, read_answer, read_list

LONGEST_CHAIN = 10
"""Certificates beside the signer's that are looked at."""
OF_ONE_NAME = 2
"""Of them with the same subject: an authority may have two, such as one for its lists. The validator tries
every order of certificates that name each other: twenty of one name would keep it busy for ever."""
MOST_BELIEVED = 4_000
"""Certificates of whom a yes is remembered."""

_Result = TypeVar("_Result")

# What it logs names people and quotes tracebacks; the verdict says all there is to say.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


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
        seen: what was judged and consulted; None where the certificate alone told enough.
    """

    def __init__(self, kind: Distrust, reason: str, seen: Evidence | None = None) -> None:
        self.kind = kind
        self.reason = reason[:LONGEST_REASON]
        self.seen = seen
        super().__init__(f"{kind}: {self.reason}")


class CannotTell(Exception):
    """What tells of revocation is missing, stale or unreadable: neither yes nor no, to be asked later."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what a certificate was believed; kept with the deposit.

    Attributes:
        at: the moment judged.
        certificates: the path, from the certificate up to the anchor, each in DER.
        lists: the revocation lists consulted.
        answers: the OCSP answers consulted.
    """

    at: datetime
    certificates: tuple[bytes, ...] = field(repr=False)
    lists: tuple[RevocationList, ...]
    answers: tuple[StatusAnswer, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """Subjects from the certificate up to the anchor (RFC 4514)."""
        loaded = map(x509.load_der_x509_certificate, self.certificates)
        return tuple(one.subject.rfc4514_string() for one in loaded)

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each certificate on the path, hexadecimal, in the same order."""
        return tuple(hashlib.sha256(der).hexdigest() for der in self.certificates)


_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Material:
    stamp: _Stamp
    anchors: tuple[Anchor, ...]
    lists: tuple[LoadedList, ...]
    answers: tuple[LoadedAnswer, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Yes:
    """That a certificate is believed, at any moment from one on and before another one."""

    evidence: Evidence
    until: datetime

    def holds(self, at: datetime) -> bool:
        return self.evidence.at <= at < self.until


def _fetch_nothing(certificates: Sequence[x509.Certificate]) -> None:
    """Lists and answers are brought by others."""


class Trust:
    """Our anchors, revocation lists and OCSP answers, read again whenever the files change.

    May be shared by threads; they are let in one by one, because the parsed ASN.1 completes itself as it
    is read. A yes is given again, without another look at the path, up to the next moment that anything of it
    names; never where there is an OCSP answer, and never after a file has changed.

    Args:
        anchors: a PEM file of root certificates, or a folder of such files (`*.pem`), each with what is
            known of it beside it (`*.yaml`) if need be.
        crls: a folder of revocation lists, PEM or DER (`*.pem`, `*.crl`).
        ocsp: a folder of OCSP answers, DER (`*.ocsp`); none without it.
        fetch: called before certificates are judged, to bring new lists and answers into these folders.

    Raises:
        ValueError: no anchor, or one that is no certification authority's.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        anchors: Path,
        crls: Path,
        ocsp: Path | None = None,
        fetch: Callable[[Sequence[x509.Certificate]], None] = _fetch_nothing,
    ) -> None:
        self._anchors = anchors
        self._crls = crls
        self._ocsp = ocsp
        self._fetch = fetch
        self._lock = threading.Lock()
        self._material = self._read(self._stamp())
        self._believed: dict[bytes, _Yes] = {}

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
        self._fetch([certificate, *chain])
        judged = _digest([certificate, *chain])
        with self._lock:
            self._refresh()
            known = self._believed.get(judged)
            if known is not None and known.holds(at):
                return replace(known.evidence, at=at)
            evidence = self._judge(certificate, chain, at)
            self._remember(judged, chain, evidence)
            return evidence

    def _judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime
    ) -> Evidence:
        try:
            leaf, others = asn1_of(certificate), _helpful(certificate, chain)
        except (MemoryError, OSError):
            raise
        except Exception as error:  # as below
            raise Untrusted(Distrust.PATH, f"a certificate cannot be read ({error})") from error
        latest = max(at, certificate.not_valid_after_utc)
        lists = [one for one in self._material.lists if one.described.this_update <= latest]
        serials = {one.serial_number for one in (leaf, *others)}
        answers = [
            one
            for one in self._material.answers
            if one.described.this_update <= latest and not serials.isdisjoint(one.described.serials)
        ]
        context = self._context(at, lists, answers)
        validator = CertificateValidator(leaf, others, context)
        try:
            path = _run(validator.async_validate_path())
            good = self._look_further(path, at, lists, answers)
        except InsufficientRevinfoError as error:
            raise CannotTell(f"{error}{self._unreadable()}") from error
        except (MemoryError, OSError):
            raise
        except Exception as error:  # whatever a sender's chain can make the validator do means no
            seen = _seen(at, [leaf, *others], lists, answers)
            raise Untrusted(_kind(error), str(error), seen) from error
        return _evidence(at, path, lists, good, context)

    def _remember(self, judged: bytes, chain: Sequence[x509.Certificate], evidence: Evidence) -> None:
        """Keep a yes until the next moment from which on it might be a no, or rest on something else."""
        path = [x509.load_der_x509_certificate(der) for der in evidence.certificates]
        if not set(chain).issubset(path):
            return  # such as an authority's other certificate, for its lists: that ends as well
        serials = {one.serial_number for one in path}
        if any(serials & one.described.serials for one in self._material.answers):
            return
        moments: list[datetime | None] = []
        for certificate in path:
            moments += [certificate.not_valid_before_utc, certificate.not_valid_after_utc]
        for anchor in self._material.anchors:
            moments += [anchor.known.first, anchor.known.last]
        for one in self._material.lists:
            moments += [one.described.this_update, one.described.next_update]
            entries = map(one.loaded.get_revoked_certificate_by_serial_number, serials)
            moments += [entry.revocation_date_utc for entry in entries if entry is not None]
        if len(self._believed) == MOST_BELIEVED:
            self._believed.clear()
        until = min(moment for moment in moments if moment is not None and moment >= evidence.at)
        self._believed[judged] = _Yes(evidence, until)

    def _context(
        self,
        at: datetime,
        lists: Iterable[LoadedList],
        answers: Iterable[LoadedAnswer],
        others: Iterable[asn1_x509.Certificate] = (),
    ) -> ValidationContext:
        return ValidationContext(
            other_certs=others,
            trust_roots=[one.root for one in self._material.anchors if one.known.counts(MEMBERS, at)],
            crls=[one.parsed for one in lists],
            ocsps=[one.parsed for one in answers],
            allow_fetching=False,
            moment=at,
            # Not "hard-fail": that lets a revoked certificate pass if it names no distribution point.
            revocation_mode="require",
            # A list issued after the moment still says who was revoked before it.
            retroactive_revinfo=True,
            time_tolerance=timedelta(0),
        )

    def _look_further(
        self, path: ValidationPath, at: datetime, lists: Sequence[LoadedList], answers: Sequence[LoadedAnswer]
    ) -> list[LoadedAnswer]:
        """The OCSP answers that hold; each list and answer is asked alone where one might hide another.

        The validator is content with the first that says good.

        Raises:
            RevokedError: one says that a certificate on the path was revoked.
        """
        good: list[LoadedAnswer] = []
        others = list(path.iter_certs(include_root=False))
        for certificate in others:
            of_issuer = [one for one in lists if one.parsed.issuer == certificate.issuer]
            for answer in answers:
                context = self._context(at, lists, [answer], others)
                with suppress(*_NOTHING_SAID):
                    _run(verify_ocsp_response(certificate, path, context, _place(path, certificate)))
                    good.append(answer)
            for alone in of_issuer if answers or len(of_issuer) > 1 else ():
                with suppress(*_NOTHING_SAID):
                    _run(verify_crl(certificate, path, self._context(at, [alone], [], others)))
        return good

    def _unreadable(self) -> str:
        names = ", ".join(self._material.unreadable)
        return f" (unreadable: {names})" if names else ""

    def _refresh(self) -> None:
        stamp = self._stamp()
        if stamp == self._material.stamp:
            return
        self._believed.clear()
        try:
            self._material = self._read(stamp)
        except ValueError as error:
            raise CannotTell(str(error)) from error

    def _stamp(self) -> _Stamp:
        files = (*self._anchor_files(), *self._known_files(), *self._crl_files(), *self._ocsp_files())
        stats = [(str(file), file.stat()) for file in files]
        return tuple((name, found.st_ino, found.st_mtime_ns, found.st_size) for name, found in stats)

    def _anchor_files(self) -> list[Path]:
        return sorted(self._anchors.glob("*.pem")) if self._anchors.is_dir() else [self._anchors]

    def _known_files(self) -> list[Path]:
        return [known for file in self._anchor_files() if (known := file.with_suffix(".yaml")).exists()]

    def _ocsp_files(self) -> list[Path]:
        return sorted(self._ocsp.glob("*.ocsp")) if self._ocsp else []

    def _crl_files(self) -> list[Path]:
        return sorted([*self._crls.glob("*.pem"), *self._crls.glob("*.crl")])

    def _read(self, stamp: _Stamp) -> _Material:
        anchors = [anchor for file in self._anchor_files() for anchor in read_anchors(file)]
        if not anchors:
            raise ValueError(f"no trust anchor in {self._anchors}")
        lists: list[LoadedList] = []
        answers: list[LoadedAnswer] = []
        unreadable: list[str] = []
        for file in (*self._crl_files(), *self._ocsp_files()):
            try:
                if file.suffix == ".ocsp":
                    answers.append(read_answer(file.read_bytes()))
                else:
                    lists.append(read_list(file.read_bytes()))
            except ValueError:
                unreadable.append(file.name)
        return _Material(stamp, tuple(anchors), tuple(lists), tuple(answers), tuple(unreadable))


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


def _digest(certificates: Iterable[x509.Certificate]) -> bytes:
    return hashlib.sha256(b"".join(one.fingerprint(hashes.SHA256()) for one in certificates)).digest()


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        if is_authority(certificate):
            raise Untrusted(Distrust.USAGE, "the certificate is a certification authority's")
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise Untrusted(Distrust.USAGE, "the certificate does not say what it is for") from None
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Untrusted(Distrust.USAGE, f"the certificate's extensions cannot be read ({error})") from None
    if not usage.digital_signature:
        raise Untrusted(Distrust.USAGE, "the certificate is not for digital signatures")


def _helpful(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> list[asn1_x509.Certificate]:
    """The certificates of a chain to look at: those that lead up from the signer's, then others."""
    left = list(dict.fromkeys(chain))[: 2 * LONGEST_CHAIN]
    ordered: list[x509.Certificate] = []
    below = [certificate]
    while below:
        signed = below.pop(0)
        above = [one for one in left if _has_signed(one, signed)]
        left = [one for one in left if one not in above]
        ordered += above
        below += above
    of_name: Counter[str] = Counter()
    found: list[asn1_x509.Certificate] = []
    for one in map(asn1_of, [*ordered, *left]):
        of_name[one.subject.hashable] += 1
        if of_name[one.subject.hashable] <= OF_ONE_NAME:
            found.append(one)
    return found[:LONGEST_CHAIN]


def _has_signed(above: x509.Certificate, below: x509.Certificate) -> bool:
    """Whether the key of one certificate has signed another one; names are for the validator to compare."""
    try:
        key, value, text = above.public_key(), below.signature, below.tbs_certificate_bytes
        parameters = below.signature_algorithm_parameters
        if isinstance(key, rsa.RSAPublicKey) and below.signature_hash_algorithm is not None:
            key.verify(value, text, cast(AsymmetricPadding, parameters), below.signature_hash_algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, text, cast(ec.EllipticCurveSignatureAlgorithm, parameters))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, text)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AttributeError):
        return False
    return True


def _kind(error: Exception) -> Distrust:
    if isinstance(error, PathValidationError) and error.is_ee_cert:
        if isinstance(error, ExpiredError):
            return Distrust.EXPIRED
        if isinstance(error, NotYetValidError):
            return Distrust.NOT_YET_VALID
        if isinstance(error, RevokedError):
            return Distrust.REVOKED
    return Distrust.PATH


_NOTHING_SAID = (OCSPValidationError, CRLValidationError, ValueError)
"""A list or answer is of another certificate, does not cover the moment, or is not to be believed."""


def _place(path: ValidationPath, certificate: asn1_x509.Certificate) -> ValProcState:
    """Where a certificate stands on a path, so that what is found there is said of the right one."""
    place = [one.sha256 for one in path.iter_certs(include_root=True)].index(certificate.sha256)
    return ValProcState(cert_path_stack=ConsList.sing(path), init_index=place)


def _evidence(
    at: datetime,
    path: ValidationPath,
    lists: Iterable[LoadedList],
    answers: Iterable[LoadedAnswer],
    context: ValidationContext,
) -> Evidence:
    ders = [certificate.dump() for certificate in reversed(list(path.iter_certs(include_root=True)))]
    consulted = [entry for entry in lists if context.revinfo_manager.check_crl_issuer(entry.parsed)]
    return Evidence(
        at=at,
        certificates=tuple(ders),
        lists=tuple(entry.described for entry in consulted if entry.described.covers(at)),
        answers=tuple(dict.fromkeys(answer.described for answer in answers)),
    )


def _seen(
    at: datetime,
    certificates: Sequence[asn1_x509.Certificate],
    lists: Iterable[LoadedList],
    answers: Iterable[LoadedAnswer],
) -> Evidence:
    """What was looked at for a certificate that is not believed: there is no path to say what counted."""
    issuers = {one.issuer.hashable for one in certificates}
    return Evidence(
        at=at,
        certificates=tuple(one.dump() for one in certificates),
        lists=tuple(one.described for one in lists if one.parsed.issuer.hashable in issuers),
        answers=tuple(dict.fromkeys(one.described for one in answers)),
    )


def _run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine that never waits, in any thread, whether an event loop runs there or not.

    The validator is written for fetching over the network, which is off here.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: _Result = end.value
        return result
    coroutine.close()
    raise RuntimeError("the certificate validator waits for something, although fetching is off")
