"""Our anchors: root certificates in PEM files, each with what is known of it in a YAML file beside it.

Sources: RFC 5280, section 6.1.1; RFC 5937.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import yaml
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers, derive_quals_from_cert
from pyhanko_certvalidator.name_trees import default_excluded_subtrees, default_permitted_subtrees
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

MEMBERS = "members"
"""The purpose of an anchor whose people may be our members."""


@dataclass(frozen=True, slots=True)
class Anchoring:
    """What is known of the certificates in a file of anchors: the YAML file of the same name beside it.

    Attributes:
        source: where they come from, in words.
        first, last: aware moments from and until which they count; None for no end.
        purposes: what for, such as `members`.
    """

    source: str = ""
    first: datetime | None = None
    last: datetime | None = None
    purposes: frozenset[str] = frozenset({MEMBERS})

    def counts(self, purpose: str, at: datetime) -> bool:
        """Whether they count for a purpose at a moment."""
        begun = self.first is None or self.first <= at
        return purpose in self.purposes and begun and (self.last is None or at <= self.last)

    @classmethod
    def beside(cls, anchors: Path) -> Anchoring:
        """What stands beside a PEM file; without such a file it counts for members, always.

        Raises:
            ValueError: it cannot be read.
            OSError: the same.
        """
        file = anchors.with_suffix(".yaml")
        if not file.exists():
            return cls()
        try:
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
            unknown = found.keys() - {"source", "from", "until", "purposes"}
            if unknown or not isinstance(found.get("purposes", []), list):
                raise ValueError(f"what does not belong there: {', '.join(map(str, unknown)) or 'purposes'}")
            return cls(
                str(found.get("source", "")),
                _moment(found.get("from"), time.min),
                _moment(found.get("until"), time.max),
                frozenset(map(str, found.get("purposes", [MEMBERS]))),
            )
        except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
            raise ValueError(f"{file} cannot be read: {error}") from error


def _moment(given: object, of_day: time) -> datetime | None:
    """A moment as YAML gives it; of a day its begin or end, in UTC."""
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    if isinstance(given, date):
        return datetime.combine(given, of_day, UTC)
    raise ValueError(f"{given} is no day")


def anchors_for(folder: Path, purpose: str) -> list[Path]:
    """The files of anchors in a folder that have a purpose, at whatever time.

    Raises:
        ValueError: what is known of one cannot be read.
    """
    return [file for file in sorted(folder.glob("*.pem")) if purpose in Anchoring.beside(file).purposes]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A root certificate of ours, with what is known of it.

    Attributes:
        root: as the validator of paths takes it.
        known: from when, until when and what for it counts.
    """

    root: CertTrustAnchor
    known: Anchoring


def read_anchors(file: Path) -> list[Anchor]:
    """The anchors of a PEM file.

    Raises:
        ValueError: one is no certification authority's, or what is known of it cannot be read.
        OSError: the file cannot be read.
    """
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    for certificate in certificates:
        if not is_authority(certificate):
            raise ValueError(f"{file}: {certificate.subject.rfc4514_string()} is no certification authority")
    known = Anchoring.beside(file)
    return [Anchor(_root(certificate), known) for certificate in certificates]


def _root(certificate: x509.Certificate) -> CertTrustAnchor:
    """An anchor, with the names to which its own certificate constrains it.

    RFC 5280 (6.1.1 d) takes key and name of an anchor only; RFC 5937 takes its constraints as well. Whoever
    made a root for some names did not mean others. Policies of its certificate ask nothing of ours.

    Raises:
        ValueError, TypeError: what it says of names cannot be read.
    """
    parsed = asn1_of(certificate)
    told = derive_quals_from_cert(parsed).standard_parameters
    if told is None:
        return CertTrustAnchor(parsed)
    constrained = PKIXValidationParams(
        # Kinds of names of which nothing is said stay as they are without constraints.
        initial_permitted_subtrees=default_permitted_subtrees() | (told.initial_permitted_subtrees or {}),
        initial_excluded_subtrees=default_excluded_subtrees() | (told.initial_excluded_subtrees or {}),
    )
    return CertTrustAnchor(parsed, TrustQualifiers(standard_parameters=constrained))


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate says that it is a certification authority's (RFC 5280, 4.2.1.9).

    Raises:
        ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType: its extensions
            cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def asn1_of(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """A certificate as the validator of paths takes it.

    Raises:
        ValueError, TypeError: it cannot be read strictly.
    """
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER), strict=True)
