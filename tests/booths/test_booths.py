"""SR-7: what examining an untrusted deposit may cost, and that it may die without harming anybody."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509

from adapters.booth import Booths, Budget, Fault, words
from adapters.booth.process import cannot_open
from adapters.booth.words import Garbled
from adapters.pki import Authority, KeyKind, Subject, new_key
from gateway import names, process, wire
from gateway.agreement import Agreement
from gateway.batch import Anomaly, Header, MemberId
from gateway.outcome import NotYet, Rejected
from gateway.procedures import PROCEDURES, procedure
from inbox.receive import Deposit
from signing import certificates
from signing.sign import Signer
from tests.house import EMPLOYER, INSURED, MEMBER, OTHER_MEMBER, wage

NOW = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
FIRST, LAST = NOW - timedelta(days=1), NOW + timedelta(days=1)
NAME = str(names.FileName("DECSAL", names.stamp(NOW), MEMBER, incoming=True, extension=names.Extension.XML))
ODD = (sys.executable, "-I", "-B", str(Path(__file__).with_name("odd.py")))


class Believing:
    """Believes every certificate, but one verdict can be put in its mouth."""

    def __init__(self, verdict: Exception | None = None) -> None:
        self.verdict = verdict
        self.evidence = certificates.Evidence(NOW, (b"somebody",), ())

    def judge(
        self, _: x509.Certificate, __: Sequence[x509.Certificate], ___: datetime, /
    ) -> certificates.Evidence:
        if self.verdict is not None:
            raise self.verdict
        return self.evidence


@pytest.fixture(scope="module")
def signer() -> Signer:
    key = new_key(KeyKind.P256)
    authority = Authority.create("authority", FIRST, LAST)
    return Signer(key, authority.issue(Subject("member"), key.public_key(), FIRST, LAST))


@pytest.fixture(scope="module")
def booths() -> Iterator[Booths]:
    opened = Booths()
    yield opened
    opened.close()


def desk(trust: Believing | None = None, member: MemberId | None = MEMBER) -> process.Desk:
    return process.Desk(
        environment="test",
        trust=trust or Believing(),
        member_of=lambda *_: member,
        look=lambda kind, content: f"{kind} of {len(content)} bytes is not taken",
        agreement_of=lambda *_: Agreement(frozenset(each.code for each in PROCEDURES)),
        decrypt=cannot_open,
    )


def batch(signer: Signer, records: int = 2, sender: MemberId = MEMBER) -> bytes:
    header = Header("DECSAL", "1.0", sender, "CCSS", "test", NOW)
    wages = [wage(INSURED, EMPLOYER, Reference=str(number)) for number in range(records)]
    return signer.sign(wire.write_batch(header, procedure("DECSAL").record, wages), NOW)


def deposit(raw: bytes, name: str = NAME) -> Deposit:
    return Deposit("00000000-0000-0000-0000-000000000000", str(MEMBER), name, len(raw), "", NOW, "https")


def refusal(
    booths: Booths, raw: bytes, at: process.Desk | None = None, name: str = NAME
) -> tuple[Anomaly, ...]:
    with pytest.raises(Rejected) as refused:
        booths.examine(raw, deposit(raw, name), at or desk())
    return refused.value.anomalies


# what comes out is what would come out without


def test_a_good_batch_is_the_same_as_without_a_booth(booths: Booths, signer: Signer) -> None:
    raw, trust = batch(signer), Believing()
    found = booths.examine(raw, deposit(raw), desk(trust))
    assert found == process.examine(raw, deposit(raw), desk(trust))
    assert found.evidence is trust.evidence
    assert len(found.batch.records) == 2


def test_records_that_break_their_form_are_the_same_as_without_a_booth(
    booths: Booths, signer: Signer
) -> None:
    header = Header("DECSAL", "1.0", MEMBER, "CCSS", "test", NOW)
    root = wire.write_batch(header, "Wage", [wage(BaseWage="-1"), wage(), {"Employer": "é; \u202e"}])
    raw = signer.sign(root, NOW)
    found = booths.examine(raw, deposit(raw), desk())
    assert found == process.examine(raw, deposit(raw), desk())
    assert len(found.batch.malformed) == 2


def spoilt(signer: Signer) -> dict[str, bytes]:
    good = batch(signer)
    return {
        "nothing": b"",
        "not XML": b"1;2;3",
        "document type": good.replace(b"?>\n", b"?>\n<!DOCTYPE DECSAL>", 1),
        "deep": b"<a>" * 200 + b"</a>" * 200,
        "changed": good.replace(b"3812.40", b"9812.40"),
        "unsigned": b"<DECSAL xmlns='urn:secugate:1' version='1.0'/>",
        "no container": b"PK\x03\x04" + bytes(50),
        "empty": batch(signer, 0),
        "of another": batch(signer, sender=OTHER_MEMBER),
    }


@pytest.mark.parametrize(
    "defect",
    [
        "nothing",
        "not XML",
        "document type",
        "deep",
        "changed",
        "unsigned",
        "no container",
        "empty",
        "of another",
    ],
)
def test_a_refusal_is_the_same_as_without_a_booth(booths: Booths, signer: Signer, defect: str) -> None:
    raw = spoilt(signer)[defect]
    with pytest.raises(Rejected) as without:
        process.examine(raw, deposit(raw), desk())
    assert refusal(booths, raw) == without.value.anomalies


def test_a_container_is_looked_at_by_the_service(booths: Booths, signer: Signer) -> None:
    header = Header("DEMMAT", "1.0", MEMBER, "CCSS", "test", NOW)
    document = wire.write_batch(header, "Person", [{"Employer": EMPLOYER}])
    scan = f"CARTID189102030.{MEMBER.matricule}_{MEMBER.number}.JPG"
    from lxml import etree  # noqa: PLC0415

    raw = signer.sign_container({"DEMMAT.xml": etree.tostring(document), scan: b"not a picture"}, NOW)
    name = str(
        names.FileName("DEMMAT", names.stamp(NOW), MEMBER, incoming=True, extension=names.Extension.ASICE)
    )
    found = booths.examine(raw, deposit(raw, name), desk())
    assert found == process.examine(raw, deposit(raw, name), desk())
    assert [one.fault for one in found.batch.attachments] == ["CARTID of 13 bytes is not taken"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (certificates.Distrust.EXPIRED, "SIG-CERTIFICATE-EXPIRED"),
        (certificates.Distrust.REVOKED, "SIG-CERTIFICATE-REVOKED"),
        (certificates.Distrust.PATH, "SIG-CERTIFICATE-PATH"),
    ],
)
def test_no_of_the_trust_comes_through(
    booths: Booths, signer: Signer, kind: certificates.Distrust, code: str
) -> None:
    at = desk(Believing(certificates.Untrusted(kind, "because")))
    assert [one.code for one in refusal(booths, batch(signer), at)] == [code]


def test_cannot_tell_of_the_trust_comes_through(booths: Booths, signer: Signer) -> None:
    raw = batch(signer)
    with pytest.raises(NotYet, match="no list"):
        booths.examine(raw, deposit(raw), desk(Believing(certificates.CannotTell("no list"))))


def test_an_unknown_certificate_is_refused(booths: Booths, signer: Signer) -> None:
    assert [one.code for one in refusal(booths, batch(signer), desk(member=None))] == [
        "SIG-CERTIFICATE-UNKNOWN"
    ]


def test_a_fault_of_the_service_is_no_fault_of_the_sender(booths: Booths, signer: Signer) -> None:
    """P5: a register that cannot be asked is ours."""

    def away(*_: object) -> MemberId | None:
        raise ConnectionError("the database is away")

    raw = batch(signer)
    with pytest.raises(ConnectionError):
        booths.examine(raw, deposit(raw), replace(desk(), member_of=away))
    assert booths.examine(raw, deposit(raw), desk()).batch.size == 2


# what it may cost


def test_the_budget_of_a_small_deposit_is_small() -> None:
    assert Budget.of(bytes(100_000)).memory < 256 << 20
    assert Budget.of(bytes(100_000)).seconds == 2
    assert Budget.of(bytes(10_000_000)).seconds < 25


@pytest.fixture(scope="module")
def odd() -> Iterator[Booths]:
    """Booths that do what the deposit is called; nobody waits for them longer than a few seconds."""
    opened = Booths(ODD, patience=-14.0)
    yield opened
    opened.close()


def test_a_deposit_that_takes_too_long_is_refused(signer: Signer) -> None:
    patient = Booths(ODD)
    [anomaly] = refusal(patient, batch(signer), name="spins")
    patient.close()
    assert anomaly.code == "FILE-LIMITS"
    assert anomaly.value == "more than 4 s of processor time were needed to read it"


def test_a_deposit_that_takes_too_much_memory_is_refused(odd: Booths, signer: Signer) -> None:
    [anomaly] = refusal(odd, batch(signer), name="hoards")
    assert anomaly.code == "FILE-LIMITS"
    assert "MiB of memory" in str(anomaly.value)


@pytest.mark.parametrize("name", ["crashes", "ends"])
def test_a_booth_that_breaks_is_our_fault(odd: Booths, signer: Signer, name: str) -> None:
    """P5: nobody knows whether the sender meant it; an operator looks."""
    raw = batch(signer)
    for _ in range(3):
        with pytest.raises(Fault):
            odd.examine(raw, deposit(raw, name), desk())


@pytest.mark.parametrize("name", ["sleeps", "dribbles", "spins_on"])
def test_a_booth_that_says_nothing_is_closed(odd: Booths, signer: Signer, name: str) -> None:
    raw = batch(signer)
    with pytest.raises(Fault):
        odd.examine(raw, deposit(raw, name), desk())


# what it may do


@pytest.mark.parametrize("what", ["opens", "writes", "connects", "listens", "asks_a_name", "pipes"])
def test_a_booth_can_open_nothing(odd: Booths, signer: Signer, what: str) -> None:
    [anomaly] = refusal(odd, batch(signer), name=what)
    assert anomaly.value in ("OSError", "gaierror")


@pytest.mark.parametrize("what", ["opens", "connects", "pipes"])
def test_control_outside_a_booth_it_can(what: str) -> None:
    from odd import _TRIED  # noqa: PLC0415

    opened = _TRIED[what]()
    for each in opened if isinstance(opened, tuple) else (opened,):
        os.close(each if isinstance(each, int) else each.detach())


@pytest.mark.parametrize(
    "name",
    [
        "says_junk",
        "says_too_much",
        "asks_for_what_is_not_there",
        "says_a_batch_of_somebody_else",
        "says_a_batch_that_nobody_signed",
    ],
)
def test_what_a_booth_says_is_not_believed(odd: Booths, signer: Signer, name: str) -> None:
    raw = batch(signer)
    with pytest.raises(Garbled):
        odd.examine(raw, deposit(raw, name), desk())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.pop("records"),
        lambda told: told.update(records=None),
        lambda told: told.update(records=[[1, 1]]),
        lambda told: told.update(records=[["1", 1, {}]]),
        lambda told: told.update(records=[[1, 1, {"Insured": 1}]]),
        lambda told: told.update(records=[[1, 1, {"Insured": None}]]),
        lambda told: told.update(records=[[True, 1, {}]]),
        lambda told: told.update(header=[]),
        lambda told: told.update(header=[None] * 9),
        lambda told: told["header"].__setitem__(6, "yesterday"),
        lambda told: told.update(parts=[{}]),
        lambda told: told.update(anomalies=[["X"]]),
        lambda told: told.update(attachments=[["a", "b", "c", 1]]),
    ],
)
def test_a_batch_spelt_otherwise_is_not_read(signer: Signer, spoil: object) -> None:
    raw = batch(signer)
    told = words.batch_words(process.examine(raw, deposit(raw), desk()).batch)
    assert words.batch_of(told).size == 2
    cast("type[object]", spoil)(told)  # type: ignore[call-arg]
    with pytest.raises(Garbled):
        words.batch_of(told)


# nobody else is harmed


def test_after_a_deposit_that_died_others_are_served(booths: Booths, signer: Signer) -> None:
    raw = batch(signer)
    house = booths._standing()
    os.killpg(house._process.pid, 9)
    with pytest.raises(Fault):
        booths.examine(raw, deposit(raw), desk())
    assert booths.examine(raw, deposit(raw), desk()).batch.size == 2


def test_a_booth_is_kept_for_good_deposits_of_one_sender_only(booths: Booths, signer: Signer) -> None:
    def kept() -> dict[str, int]:
        return {sender: booth._child for sender, booth in booths._kept.items()}

    raw = batch(signer)
    booths.examine(raw, deposit(raw), desk())
    first = kept()
    booths.examine(raw, deposit(raw), desk())
    assert kept() == first
    assert list(first) == [str(MEMBER)]
    refusal(booths, raw[:-20])
    assert kept() == {}
    theirs = batch(signer, sender=OTHER_MEMBER)
    name = NAME.replace(str(MEMBER), str(OTHER_MEMBER))
    booths.examine(
        theirs, replace(deposit(theirs, name), sender=str(OTHER_MEMBER)), desk(member=OTHER_MEMBER)
    )
    booths.examine(raw, deposit(raw), desk())
    assert kept()[str(MEMBER)] != kept()[str(OTHER_MEMBER)]
