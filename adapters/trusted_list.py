"""A trusted list of the EU as anchors of ours (Regulation (EU) 910/2014, art. 22; ETSI TS 119 612).

Off by default, and nothing is fetched: an operator names a file and the certificate that must have signed
it, taken from the list of lists. Only what the signature covers is read (pyHanko knows the format). Needs the
extra `secugate[trust-list]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry_unsafe
from pyhanko.sign.validation.qualified.tsp import QcCertType, TSPRegistry
from pyhanko_certvalidator.authority import AuthorityWithCert
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from gateway.moments import Received
from signing.anchors import Anchoring

TSL = "http://uri.etsi.org/02231/v2#"
LARGEST = 50_000_000
_FOR_MEMBERS = frozenset({QcCertType.QC_ESIGN, QcCertType.QC_ESEAL})


class NotTrusted(Exception):
    """A list that is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A qualified authority that is granted.

    Attributes:
        certificate: its own, DER.
        granted: since when.
    """

    certificate: bytes
    granted: datetime

    @property
    def subject(self) -> str:
        """Its name (RFC 4514)."""
        return x509.load_der_x509_certificate(self.certificate).subject.rfc4514_string()


@dataclass(frozen=True, slots=True)
class TrustedList:
    """What a verified list says.

    Attributes:
        territory: country code.
        number: sequence number of the list.
        at: the moment for which it was read.
        services: the authorities granted then that issue certificates for signatures or seals.
    """

    territory: str
    number: str
    at: Received
    services: tuple[Service, ...]


def read_list(raw: bytes, signer: x509.Certificate, at: Received) -> TrustedList:
    """Verify a list and read who is granted at a moment.

    Args:
        raw: its XML.
        signer: the certificate that must have signed it.
        at: the moment, at which the list must not be overdue either.

    Raises:
        NotTrusted: it is not signed by that certificate, is overdue, or cannot be read.
    """
    if len(raw) > LARGEST:
        raise NotTrusted(f"more than {LARGEST} bytes")
    signed = _signed(raw, signer, at)
    try:
        root = etree.fromstring(signed, _parser())
        territory, number = _text(root, "SchemeTerritory"), _text(root, "TSLSequenceNumber")
        due = datetime.fromisoformat(_text(root, "NextUpdate/{*}dateTime"))
        registry, _ = trust_list_to_registry_unsafe(signed.decode())
        services = tuple(_granted(registry, at))
    except Exception as error:  # whatever two libraries say of what they cannot read
        raise NotTrusted(f"the list cannot be read ({type(error).__name__})") from error
    if due <= at.at:
        raise NotTrusted(f"the list was to be renewed by {due}")
    if not (territory.isalpha() and territory.isupper()):
        raise NotTrusted("the list is of no country")
    return TrustedList(territory, number, at, services)


def write_anchors(found: TrustedList, folder: Path, purpose: str) -> list[str]:
    """Make a list's authorities anchors; those of an earlier list that are not in this one count no more.

    These are kept with an end, so that what was received before is still judged as of then.

    Returns:
        Names of the files that were ended.
    """
    prefix = f"trusted-list-{found.territory.lower()}-"
    source = f"trusted list of {found.territory}, number {found.number}"
    named = {f"{prefix}{_fingerprint(one.certificate)}.pem": one for one in found.services}
    for name, service in named.items():
        # The terms first: an anchor without them would count for ever.
        _write_terms(folder / name, {"source": source, "from": service.granted, "purposes": [purpose]})
        (folder / name).write_bytes(
            x509.load_der_x509_certificate(service.certificate).public_bytes(Encoding.PEM)
        )
    ended = []
    for file in sorted(folder.glob(f"{prefix}*.pem")):
        known = Anchoring.beside(file)
        if file.name not in named and (known.last is None or known.last > found.at.at):
            terms = {"source": known.source, "from": known.first, "until": found.at.at}
            _write_terms(file, {**terms, "purposes": sorted(known.purposes)})
            ended.append(file.name)
    return ended


def _write_terms(anchor: Path, terms: dict[str, object]) -> None:
    arriving = anchor.with_suffix(".arriving")
    arriving.write_text(yaml.safe_dump(terms, sort_keys=False), encoding="utf-8")
    arriving.replace(anchor.with_suffix(".yaml"))


def _fingerprint(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).fingerprint(SHA256()).hex()[:32]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _signed(raw: bytes, signer: x509.Certificate, at: Received) -> bytes:
    """What the signature of a list covers: the list itself."""
    try:
        root = etree.fromstring(raw, _parser())
        if root.getroottree().docinfo.internalDTD is not None:
            raise NotTrusted("the list has a document type")
        config = XAdESSignatureConfiguration(
            require_x509=True, expect_references=True, verification_time=at.at
        )
        results = XAdESVerifier().verify(raw, x509_cert=signer, expect_config=config)
    except (SignXMLException, etree.XMLSyntaxError, ValueError, TypeError) as error:
        raise NotTrusted(f"the list is not signed by that certificate ({type(error).__name__})") from error
    for result in results:
        if result.signed_xml is not None and result.signed_xml.tag == f"{{{TSL}}}TrustServiceStatusList":
            return bytes(result.signed_data)
    raise NotTrusted("the signature is not for the list")


def _text(root: etree._Element, name: str) -> str:
    found = root.find(f"{{{TSL}}}SchemeInformation/{{*}}{name}")
    if found is None or not found.text:
        raise ValueError(f"no {name}")
    return found.text.strip()


def _granted(registry: TSPRegistry, at: Received) -> Iterable[Service]:
    for authority in registry.known_certificate_authorities:
        if not isinstance(authority, AuthorityWithCert) or not _is_authority(authority.certificate):
            continue
        for service in registry.applicable_service_definitions(authority, at.at):
            told = service.base_info
            kinds = told.additional_info_certificate_type
            if not kinds or not kinds.isdisjoint(_FOR_MEMBERS):
                yield Service(authority.certificate.dump(), told.valid_from)
                break


def _is_authority(certificate: asn1_x509.Certificate) -> bool:
    return bool(certificate.ca)
