"""The counter: one deposit, from its bytes to its outcome.

The order of checks. Nothing runs before those in front of it have passed; only the name, which
depends on nothing else, is judged beside them, so that its faults are told together with theirs.

0. The bytes are stored (`inbox.receive`, before we are called).
1. The name keeps to the pattern, names the sender, and was not used before.
2. The text is XML within limits, without document type, entities or instructions; or it is a container,
   within limits, that every program unpacks alike. What is encrypted is opened first; then there is one
   answer to all that checks 2 to 5 may find (`signing.encrypted`).
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

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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
from signing import certificates, container, detached, encrypted, profile, verify


class Judge(Protocol):
    """Believes certificates: `signing.certificates.Trust`, or what asks it."""

    def judge(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], at: datetime, /
    ) -> certificates.Evidence:
        """Believe a certificate at a moment, or raise `Untrusted` or `CannotTell`."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the counter needs to know to judge a deposit before its content.

    Attributes:
        environment: ours, `production` or `test`.
        trust: the authorities we accept and their revocation lists.
        member_of: the member for whom a certificate was registered at a moment, if any.
        look: judges the files that come with a batch.
        agreement_of: what was agreed with a member at a moment, if anything.
        decrypt: opens what was encrypted for us; raises `CannotOpen`.
    """

    environment: str
    trust: Judge
    member_of: Callable[[x509.Certificate, Received], MemberId | None]
    look: Look
    agreement_of: Callable[[MemberId, Received], Agreement | None]
    decrypt: Callable[[bytes], bytes]


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
    misnamed = check_name(deposit, desk.environment, _extensions(raw))
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


def check_name(deposit: Deposit, environment: str, extensions: frozenset[names.Extension]) -> list[Anomaly]:
    """Check 1, as far as name and first bytes tell; whether it was used before is for the register.

    Args:
        deposit: whose name it is.
        environment: ours.
        extensions: with which a name may end, by the first bytes.
    """
    if _is_bare_dta(deposit, extensions):
        return []  # told by itself: another name alone would not help
    try:
        name = names.parse(deposit.name)
    except ValueError:
        return [Anomaly("FILE-NAME", value=deposit.name[:LONGEST_VALUE])]
    anomalies = []
    if not name.incoming or name.extension not in extensions:
        anomalies.append(Anomaly("FILE-NAME", value=deposit.name))
    if environment == "production" and name.office is not names.Office.PRODUCTION:
        anomalies.append(Anomaly("FILE-ENVIRONMENT", value=name.office))
    if str(name.member) != deposit.sender:
        anomalies.append(Anomaly("FILE-SENDER", value=str(name.member)))
    return anomalies


_DOCUMENT = frozenset({names.Extension.XML})


def _extensions(raw: bytes) -> frozenset[names.Extension]:
    """How the name of a deposit may end, by its first bytes."""
    if raw.startswith(container.MAGIC):
        return frozenset({names.Extension.ASICE, names.Extension.ASICS})
    return frozenset({names.Extension.P7M}) if encrypted.is_encrypted(raw) else _DOCUMENT


def _is_bare_dta(deposit: Deposit, extensions: frozenset[names.Extension]) -> bool:
    return deposit.name.lower().endswith(".dta") and extensions == _DOCUMENT


def _open(raw: bytes, deposit: Deposit, desk: Desk) -> Examined:
    received = Received(deposit.received)
    sender = MemberId(deposit.sender[:13], deposit.sender[13:])
    agreement = desk.agreement_of(sender, received)
    expected = Expected(deposit.sender, _procedure_in(deposit.name), received, desk.environment, agreement)
    if _is_bare_dta(deposit, _extensions(raw)):
        raise Rejected(Anomaly("FILE-CONTAINER", value="a .dta file by itself, without a signature"))
    signed, evidence = _signed(raw, deposit, desk, received)  # 2, 3, 4, 5
    if isinstance(signed, verify.VerifiedFiles):
        return Examined(contents.read_files(signed.files, expected, desk.look), evidence)  # 6, 7
    return Examined(contents.read_document(signed.content, expected), evidence)  # 6, 7


_Signed = tuple[verify.Verified | verify.VerifiedFiles, certificates.Evidence]


def _signed(raw: bytes, deposit: Deposit, desk: Desk, received: Received) -> _Signed:
    """Checks 2 to 5 of a deposit, encrypted or not."""
    if not encrypted.is_encrypted(raw):
        return _judged(raw, deposit, desk, received)
    try:
        return _judged(desk.decrypt(raw), deposit, desk, received)
    except (encrypted.CannotOpen, Rejected):
        # One answer to everything: who has only changed the bytes of another learns nothing of them.
        raise Rejected(Anomaly("FILE-ENCRYPTED")) from None


def _judged(raw: bytes, deposit: Deposit, desk: Desk, received: Received) -> _Signed:
    """Checks 2 to 5 of a document or container."""
    if raw.startswith(container.MAGIC):
        boxed = _container_claim(raw, deposit.name)  # 2, 3
        evidence = _judge(boxed, deposit, desk, received)  # 4
        with _flaws_are_refusals():
            return detached.verify(boxed, boxed.certificate), evidence  # 5
    claim = _claim(raw)  # 2, 3
    evidence = _judge(claim, deposit, desk, received)  # 4
    with _flaws_are_refusals():
        return verify.verify(claim, claim.certificate), evidence  # 5


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


def _container_claim(raw: bytes, name: str) -> detached.DetachedClaim:
    try:
        opened = container.open_container(raw)
    except container.BadContainer as fault:
        raise _not_a_container(fault.reason) from None
    if name.endswith(_OTHER_KIND[opened.kind]):
        raise Rejected(Anomaly("FILE-NAME", value=name[:LONGEST_VALUE]))
    if any(content.startswith(container.MAGIC) for content in opened.files.values()):
        raise _not_a_container("a container stands in the container")
    with contents.unreadable_is_refused(), _flaws_are_refusals():
        return detached.examine(opened)


_OTHER_KIND = {
    container.Kind.ONE: f".{names.Extension.ASICE}",
    container.Kind.SEVERAL: f".{names.Extension.ASICS}",
}


def _not_a_container(reason: str) -> Rejected:
    return Rejected(Anomaly("FILE-CONTAINER", value=reason[:LONGEST_VALUE]))


def _judge(
    claim: profile.Claim | detached.DetachedClaim, deposit: Deposit, desk: Desk, received: Received
) -> certificates.Evidence:
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
