"""Fetching revocation lists and OCSP answers from where certificates say they are; if hosts are named.

A certificate is a stranger's text: what it names is asked only over HTTP or HTTPS, at a host that the
operator has named, without following anybody elsewhere, for so long and so many bytes. What comes is
put into the folders of `signing.certificates.Trust`, which believes nothing that is not signed by the
right authority. What cannot be fetched leaves what is there: the certificate is judged by that.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx2
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

log = structlog.get_logger()

SECONDS = 5.0
"""For one answer, from the first byte asked to the last one read."""
ALL_SECONDS = 10.0
"""For all that one judgement asks for."""
LARGEST_LIST = 20_000_000
LARGEST_ANSWER = 100_000
FRESH_SECONDS = 3600.0
"""For which what was fetched is not fetched again."""
PAUSE_SECONDS = 60.0
"""After a failure."""
CERTIFICATES = 6
"""Of those a sender sends along, so many are looked at."""

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class NotFetched(Exception):
    """It did not come, or is not what was asked for."""


class _Wanted(NamedTuple):
    """Something to fetch: from where, what to send if anything, into which file, and how to read it."""

    url: str
    body: bytes | None
    file: Path
    largest: int
    check: Callable[[bytes, Path], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take and stay, in seconds."""

    one: float = SECONDS
    all: float = ALL_SECONDS
    fresh: float = FRESH_SECONDS
    pause: float = PAUSE_SECONDS


class Fetching:
    """Brings lists and answers for certificates; may be shared by threads.

    Args:
        hosts: names, with `:port` where it is not the usual one, that may be asked.
        anchors, crls, answers: the folders of trust.
    """

    def __init__(
        self, hosts: Iterable[str], anchors: Path, crls: Path, answers: Path, limits: Limits | None = None
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._anchors = anchors
        self._crls = crls
        self._answers = answers
        self._limits = limits or Limits()
        self._again: dict[Path, float] = {}
        """When each file may be fetched again."""
        self._lock = threading.Lock()

    def __call__(self, certificates: Sequence[x509.Certificate]) -> None:
        """Fetch what the certificates name and what is not fresh; never raises for what others do."""
        with self._lock:
            until = time.monotonic() + self._limits.all
            for wanted in self._wanted(certificates[:CERTIFICATES]):
                now = time.monotonic()
                if now > until:
                    return
                if now >= self._again.get(wanted.file, 0.0):
                    self._again[wanted.file] = now + self._bring(wanted)

    def _bring(self, wanted: _Wanted) -> float:
        """Fetch one; after how many seconds it may be fetched again."""
        try:
            found = self._ask(wanted)
            wanted.check(found, wanted.file)
        except (NotFetched, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            # What others answered is not for the log, only how we judged it.
            reason = str(error) if isinstance(error, NotFetched) else type(error).__name__
            log.warning("revocation.not-fetched", host=urlsplit(wanted.url).hostname, reason=reason)
            return self._limits.pause
        wanted.file.parent.mkdir(mode=0o700, exist_ok=True)
        arriving = wanted.file.with_suffix(".arriving")
        arriving.write_bytes(found)
        arriving.replace(wanted.file)
        return self._limits.fresh

    def _ask(self, wanted: _Wanted) -> bytes:
        until = time.monotonic() + self._limits.one
        headers = {"Content-Type": "application/ocsp-request"} if wanted.body is not None else {}
        method = "GET" if wanted.body is None else "POST"
        found = bytearray()
        # Neither proxies nor names and passwords from the environment; nobody is followed elsewhere.
        with (
            httpx2.Client(timeout=self._limits.one, trust_env=False, follow_redirects=False) as http,
            http.stream(method, wanted.url, content=wanted.body, headers=headers) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise NotFetched(f"answered {answer.status_code}")
            for chunk in answer.iter_raw():
                found += chunk
                if len(found) > wanted.largest:
                    raise NotFetched(f"more than {wanted.largest} bytes")
                if time.monotonic() > until:
                    raise NotFetched("took too long")
        return bytes(found)

    def _wanted(self, certificates: Sequence[x509.Certificate]) -> Iterator[_Wanted]:
        for certificate in certificates:
            for url in filter(self._allowed, _list_urls(certificate)):
                file = self._crls / f"fetched-{_digest(url.encode())}.crl"
                yield _Wanted(url, None, file, LARGEST_LIST, _is_newer_list)
            urls = [url for url in _responder_urls(certificate) if self._allowed(url)]
            issuer = self._issuer(certificate, certificates) if urls else None
            if issuer is None:
                continue
            for url in urls:
                request = ocsp.OCSPRequestBuilder().add_certificate(
                    certificate,
                    issuer,
                    # Names the certificate and protects nothing; many responders know no other.
                    hashes.SHA1(),  # noqa: S303
                )
                body = request.build().public_bytes(Encoding.DER)
                file = self._answers / f"fetched-{_digest(url.encode(), body)}.ocsp"
                yield _Wanted(url, body, file, LARGEST_ANSWER, _is_answer)

    def _allowed(self, url: str) -> bool:
        """Whether an address is one of HTTP at a host that was named."""
        try:
            parts = urlsplit(url)
            named = parts.netloc.lower()
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and named in self._hosts

    def _issuer(
        self, certificate: x509.Certificate, others: Sequence[x509.Certificate]
    ) -> x509.Certificate | None:
        """Who issued a certificate, among those sent along and our anchors."""
        for file in (None, *sorted(self._anchors.glob("*.pem"))):
            known = others if file is None else x509.load_pem_x509_certificates(file.read_bytes())
            for one in known:
                try:
                    certificate.verify_directly_issued_by(one)
                except (ValueError, TypeError, InvalidSignature):
                    continue
                return one
        return None


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _is_newer_list(raw: bytes, file: Path) -> None:
    """Make sure that it is a list, of the same issuer and not older than the one that it would replace."""
    found = x509.load_der_x509_crl(raw)
    if file.exists():
        standing = x509.load_der_x509_crl(file.read_bytes())
        if found.issuer != standing.issuer or found.last_update_utc < standing.last_update_utc:
            raise NotFetched("an older list, or another one's")


def _is_answer(raw: bytes, _file: Path) -> None:
    """Make sure that the responder has answered."""
    if ocsp.load_der_ocsp_response(raw).response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise NotFetched("the responder said nothing")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """An extension; none as well when it cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    except (ValueError, TypeError):  # an address that is none is the latter
        return None


def _list_urls(certificate: x509.Certificate) -> Iterator[str]:
    for point in _extension(certificate, x509.CRLDistributionPoints) or ():
        for name in point.full_name or ():
            if isinstance(name, x509.UniformResourceIdentifier):
                yield name.value


def _responder_urls(certificate: x509.Certificate) -> Iterator[str]:
    for access in _extension(certificate, x509.AuthorityInformationAccess) or ():
        place = access.access_location
        if access.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            place, x509.UniformResourceIdentifier
        ):
            yield place.value
