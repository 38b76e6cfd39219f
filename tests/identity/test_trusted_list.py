"""A trusted list of the EU becomes anchors: signed, in time, granted; else nothing changes (SR-4)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates
from adapters.trusted_list import NotTrusted, read_list, write_anchors
from gateway.moments import Received
from signing.certificates import Trust, Untrusted
from signing.sign import Signer

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
DAY = timedelta(days=1)
STATUS = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
CA_QC = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"
FOR = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/"


def service(
    authority: Authority, status: str = "granted", kind: str = CA_QC, purpose: str = "ForeSeals"
) -> str:
    der = base64.b64encode(authority.certificate.public_bytes(Encoding.DER)).decode()
    return f"""<TSPService><ServiceInformation>
      <ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier>
      <ServiceName><Name xml:lang="en">A service</Name></ServiceName>
      <ServiceDigitalIdentity><DigitalId><X509Certificate>{der}</X509Certificate></DigitalId></ServiceDigitalIdentity>
      <ServiceStatus>{STATUS}{status}</ServiceStatus>
      <StatusStartingTime>2026-01-01T00:00:00Z</StatusStartingTime>
      <ServiceInformationExtensions><Extension Critical="true"><AdditionalServiceInformation>
        <URI xml:lang="en">{FOR}{purpose}</URI></AdditionalServiceInformation></Extension>
      </ServiceInformationExtensions>
    </ServiceInformation></TSPService>"""


def plain(*services: str, next_update: str = "2026-12-01T00:00:00Z") -> bytes:
    return f"""<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#"
      TSLTag="http://uri.etsi.org/19612/TSLTag"><SchemeInformation>
      <TSLVersionIdentifier>5</TSLVersionIdentifier><TSLSequenceNumber>57</TSLSequenceNumber>
      <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>
      <SchemeTerritory>LU</SchemeTerritory>
      <ListIssueDateTime>2026-06-01T00:00:00Z</ListIssueDateTime>
      <NextUpdate><dateTime>{next_update}</dateTime></NextUpdate>
    </SchemeInformation><TrustServiceProviderList><TrustServiceProvider>
      <TSPServices>{"".join(services)}</TSPServices>
    </TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>""".encode()


class Scheme:
    """An operator of a scheme, who signs lists."""

    def __init__(self) -> None:
        key = new_key(KeyKind.P256)
        root = authority("Scheme root")
        self.certificate = root.issue(Subject("Scheme"), key.public_key(), AT - 399 * DAY, AT + 99 * DAY)
        self.signer = Signer(key, self.certificate)

    def sign(self, raw: bytes) -> bytes:
        return self.signer.sign(etree.fromstring(raw), AT)


def authority(name: str = "Qualified authority") -> Authority:
    return Authority.create(name, AT - 400 * DAY, AT + 900 * DAY)


def member(of: Authority) -> x509.Certificate:
    return of.issue(Subject("member"), new_key(KeyKind.P256).public_key(), AT - DAY, AT + 99 * DAY)


@pytest.fixture
def scheme() -> Scheme:
    return Scheme()


def subjects(scheme: Scheme, raw: bytes, at: datetime = AT) -> list[str]:
    return [one.subject for one in read_list(raw, scheme.certificate, Received(at)).services]


def test_granted_authorities_for_signatures_and_seals_are_read(scheme: Scheme) -> None:
    raw = scheme.sign(
        plain(
            service(authority("Seals")),
            service(authority("Signatures"), purpose="ForeSignatures"),
            service(authority("Websites"), purpose="ForWebSiteAuthentication"),
            service(authority("Withdrawn"), status="withdrawn"),
            service(authority("Not qualified"), kind="http://uri.etsi.org/TrstSvc/Svctype/CA/PKC"),
        )
    )
    assert sorted(subjects(scheme, raw)) == ["CN=Seals", "CN=Signatures"]
    assert subjects(scheme, raw, datetime(2025, 12, 31, tzinfo=UTC)) == []


def test_a_list_that_another_signed_is_not_believed(scheme: Scheme) -> None:
    raw = scheme.sign(plain(service(authority())))
    with pytest.raises(NotTrusted, match="not signed by that certificate"):
        read_list(raw, Scheme().certificate, Received(AT))
    assert subjects(scheme, raw)


def test_an_unsigned_list_is_not_believed(scheme: Scheme) -> None:
    with pytest.raises(NotTrusted, match="not signed"):
        read_list(plain(service(authority())), scheme.certificate, Received(AT))


def test_a_changed_list_is_not_believed(scheme: Scheme) -> None:
    raw = scheme.sign(plain(service(authority(), status="withdrawn")))
    changed = raw.replace(b"Svcstatus/withdrawn", b"Svcstatus/granted")
    assert changed != raw
    with pytest.raises(NotTrusted, match="not signed"):
        read_list(changed, scheme.certificate, Received(AT))


def test_a_signed_list_wrapped_in_another_gives_only_what_is_signed(scheme: Scheme) -> None:
    """Signature wrapping: the attacker's services stand beside the signed list."""
    good = etree.fromstring(scheme.sign(plain(service(authority("Good")))))
    evil = etree.fromstring(plain(service(authority("Evil"))))
    evil.append(good)
    try:
        found = subjects(scheme, etree.tostring(evil))
    except NotTrusted:
        return
    assert found == ["CN=Good"]


def test_an_overdue_list_is_not_believed(scheme: Scheme) -> None:
    raw = scheme.sign(plain(service(authority()), next_update="2026-08-03T09:15:00Z"))
    with pytest.raises(NotTrusted, match="was to be renewed"):
        read_list(raw, scheme.certificate, Received(AT))
    assert subjects(scheme, raw, AT - timedelta(seconds=1))


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense", b"<a/>", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"]
)
def test_what_is_no_list_is_not_believed(scheme: Scheme, raw: bytes) -> None:
    with pytest.raises(NotTrusted):
        read_list(raw, scheme.certificate, Received(AT))


def test_something_else_that_is_signed_is_no_list(scheme: Scheme) -> None:
    with pytest.raises(NotTrusted, match="not for the list"):
        read_list(scheme.sign(b'<a xmlns="urn:x"/>'), scheme.certificate, Received(AT))


def test_members_are_believed_from_the_grant_until_the_list_drops_the_authority(
    scheme: Scheme, tmp_path: Path
) -> None:
    qualified, other = authority("Qualified"), authority("Other")
    (tmp_path / "anchors").mkdir()
    write_certificates(tmp_path / "anchors" / "own.pem", authority("Own").certificate)
    (tmp_path / "list.crl").write_bytes(qualified.crl({}, AT - 300 * DAY, AT + 99 * DAY))
    trust = Trust(tmp_path / "anchors", tmp_path)
    found = member(qualified)
    with pytest.raises(Untrusted):
        trust.judge(found, (), AT)
    first = read_list(scheme.sign(plain(service(qualified))), scheme.certificate, Received(AT))
    assert write_anchors(first, tmp_path / "anchors", "members") == []
    assert trust.judge(found, (), AT).at == AT
    later = Received(AT + 2 * DAY)
    second = read_list(scheme.sign(plain(service(other))), scheme.certificate, later)
    [ended] = write_anchors(second, tmp_path / "anchors", "members")
    assert ended.startswith("trusted-list-lu-")
    with pytest.raises(Untrusted):
        trust.judge(found, (), AT + 3 * DAY)
    assert trust.judge(found, (), AT + DAY).at == AT + DAY
    assert write_anchors(second, tmp_path / "anchors", "members") == []
