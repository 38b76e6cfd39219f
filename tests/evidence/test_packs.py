"""Evidence packs (P6, SR-4, SR-22): from bytes over both doors to a pack that two judges accept, ours and
other people's commands; and every way of changing one that we could think of, refused by both."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.installation import issue_encryption
from adapters.premises import Premises
from gateway.client import https, sftp
from gateway.evidence import pack as layout
from gateway.evidence.check import Verdict
from gateway.names import Extension
from tests.evidence.packs import (
    ask,
    bad,
    commands,
    fetch,
    files_in,
    judged,
    proven,
    run_the_page,
    sealed_again,
)
from tests.flow.premises import look_over, rows, someone
from tests.house import (
    EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Sender,
    house,
    person,
    profile,
    wage,
)
from tests.signing.workshop import authority
from tests.tools import tool
from tests.vectors.containers.building import Hand, manifest, of_one, of_several, reference, signature

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("evidence"), doors=True) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture(scope="module")
def member(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


@pytest.fixture(scope="module")
def neighbour(home: House) -> Sender:
    return home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])


def deposited(home: House, member: Sender, door: str = "https", code: str = "DECSAL") -> str:
    """The id of a batch that was sent over a door, treated, and partly refused."""
    insured = someone()
    home.affiliate(insured)
    records = [wage(insured, Period="2024-07"), wage("1893120105731", Period="2024-07")]
    name, content = home.signed(member, code, records if code == "DECSAL" else [person()])
    with {"https": https, "sftp": sftp}[door].enter(profile(member)) as opened:
        opened.deposit(name, content)
    [row] = rows(home, "SELECT id FROM deposit WHERE name = :name", name=name)
    home.wait(member, row["id"])
    return str(row["id"])


@pytest.fixture(scope="module")
def deposit(home: House, member: Sender) -> str:
    return deposited(home, member)


@pytest.fixture(scope="module")
def pack(member: Sender, deposit: str) -> bytes:
    return fetch(member, deposit)


@pytest.fixture(scope="module")
def other_pack(home: House, member: Sender) -> bytes:
    """The pack of another batch of the same member."""
    return fetch(member, deposited(home, member))


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_p6_a_batch_of_either_door_is_proven_by_both_judges(
    home: House, member: Sender, door: str, tmp_path: Path
) -> None:
    pack = fetch(member, deposited(home, member, door))
    checks = judged(home, pack)
    assert {check.verdict for name, check in checks.items() if name != "time stamps"} == {Verdict.GOOD}
    assert checks["time stamps"].verdict is Verdict.OPEN
    assert "1 accepted, 1 rejected" in checks["acknowledgement"].told
    assert f"received {door}" in checks["what the journal says"].told
    assert proven(done := run_the_page(home, tmp_path / "judge", pack)), done.stderr


def test_p6_a_container_with_its_signature_inside_is_proven_too(
    home: House, member: Sender, tmp_path: Path
) -> None:
    pack = fetch(member, deposited(home, member, code="DEMMAT"))
    assert "batch.asic" in files_in(pack)
    assert not bad(home, pack)
    assert proven(done := run_the_page(home, tmp_path / "judge", pack)), done.stderr


@pytest.mark.parametrize("several", [False, True], ids=["ASiC-S", "ASiC-E"])
def test_p6_a_container_with_a_cms_signature_is_proven_too(
    home: House, member: Sender, several: bool, tmp_path: Path
) -> None:
    insured = someone()
    home.affiliate(insured)
    batch = home.plain(member, "DECSAL", [wage(insured, Period="2024-07")])
    name, content = "DECSAL.xml", etree.tostring(batch)
    hand = Hand(member.signer.key, member.signer.certificate)
    described = manifest(reference(name, content))
    boxed = (
        of_several({name: content}, described, signature(described, hand))
        if several
        else of_one(name, content, signature(content, hand))
    )
    extension = Extension.ASICE if several else Extension.ASICS
    receipt = home.receive(member, home.name("DECSAL", MEMBER, extension), boxed)
    assert home.outcome(member, receipt.deposit).verdict == "accepted"
    pack = fetch(member, receipt.deposit)
    assert not bad(home, pack)
    assert proven(done := run_the_page(home, tmp_path / "judge", pack)), done.stderr
    forged = files_in(pack) | {"batch.asic": boxed.replace(b"3812.40", b"9812.40")}
    assert bad(home, sealed_again(home, forged)) == {"receipt", "signature of the batch"}


def test_p6_an_encrypted_batch_is_proven_with_what_was_found_in_it(
    home: House, member: Sender, tmp_path: Path
) -> None:
    insured = someone()
    home.affiliate(insured)
    plain = home.batch(member, "DECSAL", [wage(insured, Period="2024-07")])
    (tmp_path / "plain").write_bytes(plain)
    premises = Premises(home.settings.data)
    issue_encryption(premises, home.clock())
    command = [tool("openssl"), "cms", "-encrypt", "-binary", "-aes-256-cbc", "-in", "plain"]
    command += ["-outform", "DER", str(premises.encryption_certificate)]
    sent = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60).stdout
    receipt = home.receive(member, home.name("DECSAL", MEMBER, Extension.P7M), sent)
    assert home.outcome(member, receipt.deposit).verdict == "accepted"
    pack = fetch(member, receipt.deposit)
    files = files_in(pack)
    assert (files["batch.p7m"], files["opened.xml"]) == (sent, plain)
    assert "as found in what was encrypted" in judged(home, pack)["signature of the batch"].told
    assert proven(done := run_the_page(home, tmp_path / "judge", pack)), done.stderr
    forged = sealed_again(home, files | {"opened.xml": plain.replace(b"3812.40", b"9812.40")})
    assert bad(home, forged) == {"signature of the batch"}
    assert not proven(run_the_page(home, tmp_path / "judge", forged))


def test_p6_it_holds_the_very_bytes(home: House, member: Sender, deposit: str, pack: bytes) -> None:
    files = files_in(pack)
    assert files["batch.xml"] == home.gateway.spool.read(deposit)
    mine = {
        one.answer.id
        for one in home.gateway.outbox.collection.after(str(member.member), 0, 1000)
        if one.answer.deposit == deposit
    }
    contents = {home.content(member, one) for one in mine}
    assert len(contents) == 3
    assert contents <= set(files.values())


def test_p6_a_refused_batch_is_proven_to_have_been_refused(
    home: House, member: Sender, neighbour: Sender, tmp_path: Path
) -> None:
    name, content = home.signed(member, "DECSAL", [wage(someone())])
    receipt = home.receive(member, name, content.replace(b"3812.40", b"3812.41"))
    home.wait(member, receipt.deposit)
    pack = fetch(member, receipt.deposit)
    checks = judged(home, pack)
    assert not bad(home, pack)
    assert "SIG-BROKEN" in checks["signature of the batch"].told
    assert proven(done := run_the_page(home, tmp_path / "judge", pack)), done.stderr


def test_p6_what_was_fetched_and_acknowledged_is_in_the_pack(home: House, member: Sender) -> None:
    deposit = deposited(home, member)
    [answer] = [
        one["id"]
        for one in ask(member, "GET", "/v1/outbox?limit=1000").json()["answers"]
        if one["deposit"] == deposit and one["type"] == "SALRET"
    ]
    content = ask(member, "GET", f"/v1/outbox/{answer}").content
    held = {"digest": hashlib.sha256(content).hexdigest()}
    assert ask(member, "POST", f"/v1/outbox/{answer}/acknowledged", json=held).status_code == 200
    pack = fetch(member, deposit)
    assert not bad(home, pack)
    told = judged(home, pack)["what the journal says"].told
    assert "collected https" in told
    assert "acknowledged https" in told


# whose it is


def test_p7_another_member_s_evidence_and_none_are_the_same_answer(
    home: House, deposit: str, neighbour: Sender
) -> None:
    theirs = ask(neighbour, "GET", f"/v1/deposits/{deposit}/evidence")
    none = ask(neighbour, "GET", "/v1/deposits/00000000-0000-4000-8000-000000000000/evidence")
    assert (theirs.status_code, theirs.content) == (none.status_code, none.content)
    assert theirs.json()["code"] == "DOOR-NOT-FOUND"
    events = rows(
        home,
        "SELECT count(*) AS n FROM journal WHERE member = :m AND event LIKE 'evidence%'",
        m=str(neighbour.member),
    )
    assert events == [{"n": 0}]


def test_sr22_each_pack_that_leaves_is_entered_with_its_digest(home: House, member: Sender) -> None:
    deposit = deposited(home, member)
    pack = fetch(member, deposit)
    found = rows(
        home, "SELECT digest FROM journal WHERE event = 'evidence https' AND subject = :id", id=deposit
    )
    assert found == [{"digest": hashlib.sha256(pack).hexdigest()}]


# the operator's command, and the judge's


def cli(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_p6_the_operator_makes_a_pack_and_anybody_judges_it(
    home: House, deposit: str, tmp_path: Path
) -> None:
    file, seals = tmp_path / "made.asice", str(home.seals)
    data = ["--data", str(home.settings.data)]
    status, told = cli(
        "--reason", "asked by a court", "evidence", "make", "--deposit", deposit, "--out", str(file), *data
    )
    assert status == 0, told
    status, told = cli(
        "evidence", "verify", str(file), "--seal", seals, "--anchor", str(home.trust), "--json"
    )
    assert status == 0, told
    assert json.loads(told)["proven"] is True
    status, told = cli("evidence", "verify", str(file), "--seal", str(home.trust))
    assert status == 1
    assert "not the gateway's seal" in told
    status, told = cli("evidence", "verify", str(file), "--seal", seals)
    assert status == 0
    assert "Nothing in it was changed" in told
    assert cli("evidence", "make", "--deposit", "none", "--out", str(file), *data)[0] == 1


def test_p6_an_anchor_that_is_not_ours_is_not_believed(home: House, pack: bytes, tmp_path: Path) -> None:
    assert bad(home, pack, anchors=[authority("another root").certificate]) == {"certificate of its signer"}


# negative controls: the seal


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), value=st.integers(1, 255))
def test_p6_no_byte_of_what_is_in_a_pack_can_be_changed(
    home: House, pack: bytes, place: int, value: int
) -> None:
    flipped = bytearray(pack)
    flipped[place % len(pack)] ^= value
    if bad(home, bytes(flipped)) != {"seal of the pack"}:
        # A bit that means nothing, such as the time of an entry in the ZIP file.
        assert files_in(bytes(flipped)) == files_in(pack)


def test_p6_a_file_added_or_taken_out_is_found_by_both_judges(
    home: House, pack: bytes, tmp_path: Path
) -> None:
    added = io.BytesIO(pack)
    with zipfile.ZipFile(added, "a") as archive:
        archive.writestr("SECU.EXTRA.XML", "<x/>")
    assert bad(home, added.getvalue()) == {"seal of the pack"}
    assert not proven(run_the_page(home, tmp_path / "judge", added.getvalue()))


@given(st.binary(max_size=300))
def test_sr7_whatever_is_called_a_pack_gets_a_verdict(home: House, raw: bytes) -> None:
    assert bad(home, raw) == {"seal of the pack"}


@settings(max_examples=80, deadline=None)
@given(place=st.integers(0, 10**6), content=st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_p6_every_file_of_a_pack_matters_and_none_makes_a_check_fail_to_answer(
    home: House, pack: bytes, place: int, content: bytes
) -> None:
    files = files_in(pack)
    names = sorted(set(files) - {layout.README})
    assert bad(home, sealed_again(home, files | {names[place % len(names)]: content}))


# negative controls: what a gateway that lies under its own seal would have to pass


def without(name: str) -> Callable[[Files, Files], object]:
    return lambda files, _other: [files.pop(one) for one in list(files) if one.startswith(name)]


def from_other(name: str) -> Callable[[Files, Files], object]:
    return lambda files, other: files.update({name: other[name]})


def changed(name: str, before: bytes, after: bytes) -> Callable[[Files, Files], object]:
    def edit(files: Files, _other: Files) -> None:
        assert before in files[name]
        files[name] = files[name].replace(before, after)

    return edit


def leaf_told_otherwise(files: Files, _other: Files) -> None:
    """An entry that was rewritten after the head was sealed."""
    name = next(one for one, content in files.items() if one.endswith(".leaf") and b"treated" in content)
    files[name] = files[name].replace(b"treated", b"TREATED")


def path_of_another(files: Files, _other: Files) -> None:
    first, second = sorted(name for name in files if name.endswith(".path"))[:2]
    files[first], files[second] = files[second], files[first]


def entry_of_another(files: Files, other: Files) -> None:
    """A foreign entry with its own way to the root: right by itself, but about another batch."""
    files.update({name: content for name, content in other.items() if name.startswith(layout.ENTRY)})
    files[layout.HEAD] = other[layout.HEAD]


def cut(name: str) -> Callable[[Files, Files], object]:
    return lambda files, _other: files.update({name: b"".join(files[name].splitlines(keepends=True)[:-1])})


def batch_of_another(files: Files, other: Files) -> None:
    files["batch.xml"] = other["batch.xml"]


LIES: dict[str, tuple[Callable[[Files, Files], object], set[str], bool]] = {
    "the batch of another deposit": (batch_of_another, {"receipt"}, True),
    "a changed batch": (
        changed("batch.xml", b"3812.40", b"9812.40"),
        {"receipt", "signature of the batch"},
        True,
    ),
    "no batch": (without("batch.xml"), {"receipt", "signature of the batch"}, True),
    "a changed receipt": (
        changed("receipt.xml", b"SECU.DECSAL", b"SECU.DECAFF"),
        {"receipt"},
        True,
    ),
    "the acknowledgement of another": (
        from_other("acknowledgement.xml"),
        {"acknowledgement", "returns", "what the journal says", "journal since then"},
        True,
    ),
    "a return left out": (without("SECU."), {"returns"}, False),
    "no certificate": (without("signer.pem"), {"signature of the batch"}, False),
    "no revocation list": (without("crls.pem"), {"certificate of its signer"}, True),
    "no entries": (without("entry-"), {"journal", "what the journal says"}, True),
    "a rewritten entry": (leaf_told_otherwise, {"journal", "what the journal says"}, True),
    "the path of another entry": (path_of_another, {"journal"}, True),
    "entries of another batch": (
        entry_of_another,
        {"journal", "what the journal says", "journal since then"},
        True,
    ),
    "a consistency proof cut short": (cut("receipt.consistency"), {"journal since then"}, True),
    "no head": (without("head.xml"), {"journal", "journal since then"}, True),
}


@pytest.mark.parametrize("lie", LIES)
def test_p6_what_does_not_agree_is_found(
    home: House, pack: bytes, other_pack: bytes, lie: str, tmp_path: Path
) -> None:
    edit, found, told_by_the_page = LIES[lie]
    files = files_in(pack)
    edit(files, files_in(other_pack))
    forged = sealed_again(home, files)
    assert found <= bad(home, forged)
    assert proven(run_the_page(home, tmp_path / "judge", forged)) is not told_by_the_page


def test_the_control_of_the_controls(home: House, pack: bytes, tmp_path: Path) -> None:
    """Sealed again without any lie, both judges accept it: it is the lies that they find."""
    same = sealed_again(home, files_in(pack))
    assert not bad(home, same)
    assert proven(run_the_page(home, tmp_path / "judge", same))


def test_every_pack_brings_the_commands_of_the_page(pack: bytes) -> None:
    readme = files_in(pack)["README.txt"].decode()
    assert readme.split("of commands -----\n")[1].split("----- end")[0] == commands()
