"""The counter: one deposit, from its bytes to its outcome.

The order of checks. Nothing runs before those in front of it have passed; only the name, which
depends on nothing else, is judged beside them, so that its faults are told together with theirs.

0. The bytes are stored (`inbox.receive`, before we are called).
1. The name keeps to the pattern, names the sender, and was not used before.
2. The text is XML within limits, without document type, entities or instructions.
3. There is one signature, in its place, made with allowed algorithms over the whole batch.
4. Its certificate is a registered key of the member who deposited, valid and not revoked at the
   moment of receipt.
5. The signature holds. From here on only what the verifier handed back is read.
6. The batch is meant for us: procedure, version in force, recipient, environment, sender.
7. Every record has its form; those that have not are refused one by one.
8. The sender has a mandate for each employer (`gateway.procedures`).
9. The content is judged, record by record, and takes effect.

`examine` makes checks 1 to 7 and needs no lock; `treat` makes 8 and 9 inside the transaction of
the effect. Only `Rejected` is the sender's fault. `NotYet` is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from gateway import envelope, names
from gateway.batch import Anomaly, Batch, Header, MemberId
from gateway.context import Context
from gateway.moments import Received
from gateway.outcome import NotYet, Outcome, Rejected
from gateway.procedures import PROCEDURES, procedure
from inbox.receive import Deposit
from signing import certificates, parse, profile, verify
from xsd import Form, NotInForce, UnknownForm, catalogue

RECIPIENT = "CCSS"
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What the counter needs to know to judge a deposit before its content.

    Attributes:
        environment: ours, `production` or `test`.
        trust: the authorities we accept and their revocation lists.
        member_of: the member for whom a certificate was registered at a moment, if any.
    """

    environment: str
    trust: certificates.Trust
    member_of: Callable[[x509.Certificate, Received], MemberId | None]


@dataclass(frozen=True, slots=True)
class Examined:
    """A batch that passed checks 1 to 7, and on what its signer's certificate was believed."""

    batch: Batch
    evidence: certificates.Evidence


def examine(raw: bytes, deposit: Deposit, desk: Desk) -> Examined:
    """Checks 1 to 7: from the bytes of a deposit to its batch.

    Raises:
        Rejected: the sender's fault with the file, with all anomalies that could be found.
        NotYet: a check that cannot be made now.
    """
    misnamed = check_name(deposit)
    try:
        examined = _open(raw, deposit, desk)
    except Rejected as refusal:
        raise Rejected(*misnamed, *refusal.anomalies) from None
    if misnamed:
        raise Rejected(*misnamed)
    return examined


def treat(batch: Batch, context: Context) -> Outcome:
    """Checks 8 and 9, and the effect, through the handler of the procedure."""
    return procedure(batch.header.procedure).handle(batch, context)


def check_name(deposit: Deposit) -> list[Anomaly]:
    """Check 1, as far as the name alone tells; whether it was used before is for the register."""
    try:
        name = names.parse(deposit.name)
    except ValueError:
        return [Anomaly("FILE-NAME", value=deposit.name[:LONGEST_VALUE])]
    anomalies = []
    if not name.incoming:
        anomalies.append(Anomaly("FILE-NAME", value=deposit.name))
    if str(name.member) != deposit.sender:
        anomalies.append(Anomaly("FILE-SENDER", value=str(name.member)))
    return anomalies


def _open(raw: bytes, deposit: Deposit, desk: Desk) -> Examined:
    received = Received(deposit.received)
    claim = _claim(raw)  # 2, 3
    evidence = _judge(claim, deposit, desk, received)  # 4
    content = _verify(claim)  # 5
    form = _form(content, deposit, received)  # 6
    return Examined(_read(content, form, deposit, desk), evidence)  # 6, 7


_UNREADABLE: dict[type[parse.Unreadable], str] = {
    parse.NotXml: "FILE-NOT-XML",
    parse.ForbiddenMarkup: "FILE-DTD",
    parse.OverLimit: "FILE-LIMITS",
}
_FLAWS = {
    profile.Flaw.MISSING: "SIG-MISSING",
    profile.Flaw.PLACE: "SIG-PLACE",
    profile.Flaw.PROFILE: "SIG-PROFILE",
    profile.Flaw.BROKEN: "SIG-BROKEN",
}
_DISTRUSTS = {
    certificates.Distrust.EXPIRED: "SIG-CERTIFICATE-EXPIRED",
    certificates.Distrust.NOT_YET_VALID: "SIG-CERTIFICATE-EXPIRED",
    certificates.Distrust.REVOKED: "SIG-CERTIFICATE-REVOKED",
    certificates.Distrust.PATH: "SIG-CERTIFICATE-PATH",
    certificates.Distrust.USAGE: "SIG-CERTIFICATE-PATH",
}


def _claim(raw: bytes) -> profile.Claim:
    try:
        return profile.examine(parse.parse(raw))
    except parse.Unreadable as fault:
        raise Rejected(Anomaly(_UNREADABLE[type(fault)], line=fault.line, value=fault.reason)) from None
    except profile.BadSignature as flaw:
        raise Rejected(Anomaly(_FLAWS[flaw.kind], value=flaw.reason)) from None


def _judge(claim: profile.Claim, deposit: Deposit, desk: Desk, received: Received) -> certificates.Evidence:
    member = desk.member_of(claim.certificate, received)
    if member is None:
        subject = claim.certificate.subject.rfc4514_string()
        raise Rejected(Anomaly("SIG-CERTIFICATE-UNKNOWN", value=subject[:LONGEST_VALUE]))
    if str(member) != deposit.sender:
        raise Rejected(Anomaly("SIG-SENDER"))
    try:
        return desk.trust.judge(claim.certificate, claim.chain, received.at)
    except certificates.Untrusted as no:
        raise Rejected(Anomaly(_DISTRUSTS[no.kind], value=no.reason[:LONGEST_VALUE])) from None
    except certificates.CannotTell as unknown:
        raise NotYet(f"revocation of the signer's certificate cannot be checked: {unknown}") from None


def _verify(claim: profile.Claim) -> etree._Element:
    try:
        return verify.verify(claim, claim.certificate).content
    except profile.BadSignature as flaw:
        raise Rejected(Anomaly(_FLAWS[flaw.kind], value=flaw.reason)) from None


def _form(content: etree._Element, deposit: Deposit, received: Received) -> Form:
    code = etree.QName(content).localname
    version = content.get("version", "")
    if code not in {each.code for each in PROCEDURES} or code != _code_in(deposit.name, code):
        raise Rejected(Anomaly("FILE-PROCEDURE", path=f"/{code}", value=code[:LONGEST_VALUE]))
    try:
        return catalogue().form(code, version, received.day)
    except (UnknownForm, NotInForce):
        raise Rejected(
            Anomaly("FILE-VERSION", field="version", path=f"/{code}/@version", value=version[:LONGEST_VALUE])
        ) from None


def _code_in(name: str, otherwise: str) -> str:
    """The procedure a file name speaks of; a name without pattern has been refused already."""
    try:
        return names.parse(name).type
    except ValueError:
        return otherwise


def _read(content: etree._Element, form: Form, deposit: Deposit, desk: Desk) -> Batch:
    checked = form.check(content)
    if checked.faults:
        raise Rejected(*(envelope.anomaly(fault) for fault in checked.faults))
    header = envelope.read_header(content)
    misdirected = _misdirected(header, deposit, desk)
    if misdirected:
        raise Rejected(*misdirected)
    batch = envelope.read(header, checked)
    if batch.size == 0:
        raise Rejected(Anomaly("FILE-EMPTY"))
    return batch


def _misdirected(header: Header, deposit: Deposit, desk: Desk) -> list[Anomaly]:
    expected = (
        ("FILE-SENDER", "Sender", str(header.sender), deposit.sender),
        ("FILE-RECIPIENT", "Recipient", header.recipient, RECIPIENT),
        ("FILE-ENVIRONMENT", "Environment", header.environment, desk.environment),
    )
    return [
        Anomaly(code, field=field, path=f"/{header.procedure}/Header/{field}", value=seen)
        for code, field, seen, due in expected
        if seen != due
    ]
