"""The counter: one deposit, from its bytes to its outcome.

The order of checks. Nothing runs before those in front of it have passed; only the name, which
depends on nothing else, is judged beside them, so that its faults are told together with theirs.

0. The bytes are stored (`inbox.receive`, before we are called).
1. The name keeps to the pattern, names the sender, and was not used before.
2. The text is XML within limits, without document type, entities or instructions; or it is a container,
   within limits, that every program unpacks alike.
3. There is one signature, in its place, made with allowed algorithms over the whole batch, or over every
   file in the container.
4. Its certificate is a registered key of the member who deposited, valid and not revoked at the
   moment of receipt.
5. The signature holds. From here on only what the verifier handed back is read.
6. The batch is meant for us: procedure, agreed with the sender, version in force, recipient, environment,
   sender; in the test environment it tells of nobody real.
7. Every record has its form; those that have not are refused one by one. (6 and 7: `gateway.contents`.)
8. The sender has a mandate for each employer (`gateway.procedures`).
9. The content is judged, record by record, and takes effect.

`examine` makes checks 1 to 7 and needs no lock; `treat` makes 8 and 9 inside the transaction of
the effect. Only `Rejected` is the sender's fault. `NotYet` is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509

from gateway import contents, names
from gateway.agreement import Agreement
from gateway.attachments import Look
from gateway.batch import Anomaly, Batch, MemberId
from gateway.contents.checks import LONGEST_VALUE, Expected
from gateway.context import Context
from gateway.moments import Received
from gateway.outcome import NotYet, Outcome, Rejected
from gateway.procedures import procedure
from inbox.receive import Deposit
from signing import certificates, container, profile, verify


@dataclass(frozen=True, slots=True)
class Desk:
    """What the counter needs to know to judge a deposit before its content.

    Attributes:
        environment: ours, `production` or `test`.
        trust: the authorities we accept and their revocation lists.
        member_of: the member for whom a certificate was registered at a moment, if any.
        look: judges the files that come with a batch.
        agreement_of: what was agreed with a member at a moment, if anything.
    """

    environment: str
    trust: certificates.Trust
    member_of: Callable[[x509.Certificate, Received], MemberId | None]
    look: Look
    agreement_of: Callable[[MemberId, Received], Agreement | None]


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
    misnamed = check_name(deposit, desk.environment, is_container=raw.startswith(container.MAGIC))
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


def check_name(deposit: Deposit, environment: str, *, is_container: bool) -> list[Anomaly]:
    """Check 1, as far as name and first bytes tell; whether it was used before is for the register."""
    if _is_bare_dta(deposit, is_container=is_container):
        return []  # told by itself: another name alone would not help
    try:
        name = names.parse(deposit.name)
    except ValueError:
        return [Anomaly("FILE-NAME", value=deposit.name[:LONGEST_VALUE])]
    anomalies = []
    if not name.incoming or (name.extension is names.Extension.ASICE) != is_container:
        anomalies.append(Anomaly("FILE-NAME", value=deposit.name))
    if environment == "production" and name.office is not names.Office.PRODUCTION:
        anomalies.append(Anomaly("FILE-ENVIRONMENT", value=name.office))
    if str(name.member) != deposit.sender:
        anomalies.append(Anomaly("FILE-SENDER", value=str(name.member)))
    return anomalies


def _is_bare_dta(deposit: Deposit, *, is_container: bool) -> bool:
    return deposit.name.lower().endswith(".dta") and not is_container


def _open(raw: bytes, deposit: Deposit, desk: Desk) -> Examined:
    received = Received(deposit.received)
    sender = MemberId(deposit.sender[:13], deposit.sender[13:])
    agreement = desk.agreement_of(sender, received)
    expected = Expected(deposit.sender, _procedure_in(deposit.name), received, desk.environment, agreement)
    if raw.startswith(container.MAGIC):
        files, claim = _container_claim(raw)  # 2, 3
        evidence = _judge(claim, deposit, desk, received)  # 4
        with _flaws_are_refusals():
            signed = verify.verify_container(claim, claim.certificate, files).files  # 5
        return Examined(contents.read_files(signed, expected, desk.look), evidence)  # 6, 7
    if _is_bare_dta(deposit, is_container=False):
        raise Rejected(Anomaly("FILE-CONTAINER", value="a .dta file by itself, without a signature"))
    claim = _claim(raw)  # 2, 3
    evidence = _judge(claim, deposit, desk, received)  # 4
    with _flaws_are_refusals():
        content = verify.verify(claim, claim.certificate).content  # 5
    return Examined(contents.read_document(content, expected), evidence)  # 6, 7


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


@contextmanager
def _flaws_are_refusals() -> Iterator[None]:
    try:
        yield
    except profile.BadSignature as flaw:
        raise Rejected(Anomaly(_FLAWS[flaw.kind], value=flaw.reason)) from None


def _claim(raw: bytes) -> profile.Claim:
    root = contents.parsed(raw)
    with _flaws_are_refusals():
        return profile.examine(root)


def _container_claim(raw: bytes) -> tuple[Mapping[str, bytes], profile.Claim]:
    try:
        opened = container.open_container(raw)
    except container.BadContainer as fault:
        raise Rejected(Anomaly("FILE-CONTAINER", value=fault.reason[:LONGEST_VALUE])) from None
    root = contents.parsed(opened.signatures)
    with _flaws_are_refusals():
        return opened.files, profile.examine_container(root, opened.files)


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


def _procedure_in(name: str) -> str | None:
    """The procedure a file name speaks of; a name without pattern is refused beside."""
    try:
        return names.parse(name).type
    except ValueError:
        return None
