"""Containers at the counter: the operator's `.dta` files, signed, and what goes with a batch."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.members import ALL
from gateway import contents, dta, names, wire
from gateway.agreement import Agreement
from gateway.client.parcels import group
from gateway.contents.checks import MOST_RECORDS, Expected
from gateway.moments import Received
from gateway.names import Extension
from gateway.outcome import Rejected
from gateway.procedures import procedure
from tests.flow.premises import registered, someone, wages
from tests.house import EMPLOYER, INSURED, MEMBER, OTHER_MEMBER, House, Outcome, Sender, entry, wage
from xsd import catalogue

FIRST = f"0;{MEMBER.matricule};{MEMBER.number}\r\n"
WAGE = f"1;{EMPLOYER};{INSURED};202607;300000;160;0;0;0;0;0;0;0;;;;;;;\r\n"
"""Of a person who is not affiliated."""


@pytest.fixture
def insured(home: House) -> str:
    """Somebody who has been affiliated for long."""
    matricule = someone()
    home.affiliate(matricule)
    return matricule


def as_dta(code: str, records: list[Mapping[str, str]]) -> bytes:
    form = catalogue().form(code, "1.0", next(iter(catalogue().entries[code].versions.values())).first)
    return dta.write(MEMBER, records, form)


def anomalies(outcome: Outcome) -> list[tuple[str | None, ...]]:
    root = etree.fromstring(outcome.answers["ACKTRT"])
    return [
        tuple(found.findtext(f"{{*}}{name}") for name in ("Code", "Record", "Field", "Line"))
        for found in root.iterfind("{*}Anomaly")
    ]


def test_a_dta_file_is_declared_like_its_xml(home: House, sender: Sender, insured: str) -> None:
    good, bad = wage(insured), wage(insured, Period="2026-05", InactiveHours="8")
    outcome = home.send_files(sender, "DECSAL", {"DECSAL.dta": as_dta("DECSAL", [good, bad])})
    assert (outcome.verdict, outcome.codes) == ("partial", ["SALRET-7"])
    assert anomalies(outcome) == [("SALRET-7", "2", "InactiveHours", "3")]
    assert wages(home, insured) == [("current", 381240)]
    again = home.send(sender, "DECSAL", [good, bad])
    assert (again.verdict, again.codes) == (outcome.verdict, outcome.codes)


def test_a_broken_line_is_refused_alone_and_the_others_count(
    home: House, sender: Sender, insured: str
) -> None:
    good = WAGE.replace(INSURED, insured)
    lines = [good, good.replace(";;;;;;;", ";;;;;;"), good.replace("300000", '"3000"'), "\r\n"]
    content = (FIRST + "".join(lines)).encode()
    outcome = home.send_files(sender, "DECSAL", {"DECSAL.dta": content})
    assert outcome.verdict == "partial"
    assert anomalies(outcome) == [("SALRET-99", str(n), None, str(n + 1)) for n in (2, 3, 4)]
    assert wages(home, insured) == [("current", 300000)]
    rejected = etree.fromstring(outcome.answers["SALRET"]).findall("{*}Rejected")
    assert [one.get("record") for one in rejected] == ["2", "3", "4"]


def test_the_very_fields_of_a_faulty_dta_record_come_back(home: House, sender: Sender) -> None:
    outcome = home.send_files(
        sender, "DECSAL", {"DECSAL.dta": (FIRST + WAGE.replace(INSURED, "189312010573X")).encode()}
    )
    [rejected] = etree.fromstring(outcome.answers["SALRET"]).findall("{*}Rejected")
    assert rejected.findtext("{*}Code") == "3"
    assert rejected.findtext("{*}Insured") == "189312010573X"
    assert rejected.findtext("{*}BaseWage") == "3000.00"


def test_an_xml_batch_in_a_container(home: House, sender: Sender, insured: str) -> None:
    content = etree.tostring(home.plain(sender, "DECSAL", [wage(insured)]))
    assert home.send_files(sender, "DECSAL", {"wages.xml": content}).verdict == "accepted"


def refused(home: House, sender: Sender, name: str, content: bytes, *codes: str) -> None:
    before = registered(home)
    outcome = home.outcome(sender, home.receive(sender, name, content).deposit)
    assert (outcome.verdict, outcome.codes) == ("rejected", list(codes))
    assert set(outcome.answers) == {"ACKREC", "FAIL", "ACKTRT"}
    assert registered(home) == before


HOSTILE: dict[str, tuple[dict[str, bytes], str]] = {
    "two batches": ({"DECSAL.dta": b"x", "DECAFF.dta": b"x"}, "FILE-CONTAINER"),
    "no batch": ({"readme.txt": b"x"}, "FILE-CONTAINER"),
    "another procedure": ({"DECAFF.dta": FIRST.encode()}, "FILE-PROCEDURE"),
    "no procedure": ({"WAGES.dta": FIRST.encode()}, "FILE-PROCEDURE"),
    "no first record": ({"DECSAL.dta": WAGE.encode()}, "FILE-DTA"),
    "nothing at all": ({"DECSAL.dta": b""}, "FILE-DTA"),
    "no record": ({"DECSAL.dta": FIRST.encode()}, "FILE-EMPTY"),
    "another member": ({"DECSAL.dta": (f"0;{EMPLOYER};999999\r\n" + WAGE).encode()}, "FILE-SENDER"),
    "a strange attachment": ({"DECSAL.dta": (FIRST + WAGE).encode(), "photo.png": b"x"}, "FILE-ATTACHMENT"),
    "a scan that goes with another procedure": (
        {
            "DECSAL.dta": (FIRST + WAGE).encode(),
            f"CARTID189312010.{MEMBER.matricule}_{MEMBER.number}.JPG": b"x",
        },
        "FILE-ATTACHMENT",
    ),
    "lines without number": ({"DECSAL.dta": FIRST.encode() + b"1\r\n" * 250_000}, "FILE-LIMITS"),
    "xml that is none": ({"a.xml": b"<DECSAL"}, "FILE-NOT-XML"),
    "xml with an entity": ({"a.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, "FILE-DTD"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_container_refused_as_a_whole(home: House, sender: Sender, case: str) -> None:
    files, code = HOSTILE[case]
    content = sender.signer.sign_container(files, home.clock())
    refused(home, sender, home.name("DECSAL", MEMBER, Extension.ASICE), content, code)


@pytest.mark.parametrize("code", ["DECSAL", "PAYROLL"])
def test_a_batch_with_a_signature_of_its_own_in_a_container(
    home: House, sender: Sender, other: Sender, code: str
) -> None:
    content = home.plain(sender, "DECSAL", [wage()])
    content.tag = etree.QName(content, code).text
    signed = other.signer.sign(content, home.clock())
    box = sender.signer.sign_container({"a.xml": signed}, home.clock())
    refused(home, sender, home.name(code, MEMBER, Extension.ASICE), box, "SIG-PLACE")


def test_the_scan_of_another_member_is_refused(home: House, sender: Sender) -> None:
    other = f"CARTID189312010.{OTHER_MEMBER.matricule}_{OTHER_MEMBER.number}.JPG"
    root = home.plain(sender, "DEMMAT", [{"Employer": EMPLOYER}])
    content = sender.signer.sign_container({"a.xml": etree.tostring(root), other: b"x"}, home.clock())
    refused(home, sender, home.name("DEMMAT", MEMBER, Extension.ASICE), content, "FILE-ATTACHMENT")


def test_a_payroll_file_has_no_dta_layout(home: House, sender: Sender) -> None:
    box = sender.signer.sign_container({"PAYROLL.dta": (FIRST + WAGE).encode()}, home.clock())
    refused(home, sender, home.name("PAYROLL", MEMBER, Extension.ASICE), box, "FILE-DTA")


def test_a_file_that_is_no_container_or_says_so_only_in_its_name(home: House, sender: Sender) -> None:
    box = sender.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock())
    name = home.name("DECSAL", MEMBER, Extension.ASICE)
    refused(home, sender, name, b"PK\x03\x04 nonsense", "FILE-CONTAINER")
    refused(home, sender, home.name("DECSAL", MEMBER), box, "FILE-NAME")
    document = home.batch(sender, "DECSAL", [wage()])
    refused(home, sender, home.name("DECSAL", MEMBER, Extension.ASICE), document, "FILE-NAME")


def test_a_bare_dta_file_is_told_how_it_is_sent(home: House, sender: Sender) -> None:
    refused(home, sender, "DECSAL.dta", (FIRST + WAGE).encode(), "FILE-CONTAINER")


def test_the_command_packs_a_payroll_with_its_scans(sender: Sender, tmp_path: Path) -> None:
    scan = tmp_path / f"CARTID189312010.{MEMBER.matricule}_{MEMBER.number}.JPG"
    batch = tmp_path / f"SECU.PAYROLL.20260803-09150012.{MEMBER}.CCSS.XML"
    for file in (scan, batch):
        file.write_bytes(b"<x/>")
    [parcel] = group([batch, scan])
    assert (parcel.procedure, parcel.attachments, parcel.is_container) == ("PAYROLL", (scan,), True)


def test_a_container_changed_after_it_was_signed(home: House, sender: Sender) -> None:
    box = sender.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock())
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(box)) as signed, zipfile.ZipFile(changed, "w") as archive:
        for each in signed.infolist():
            archive.writestr(each, signed.read(each).replace(b"300000", b"900000"))
    name = home.name("DECSAL", MEMBER, Extension.ASICE)
    refused(home, sender, name, changed.getvalue(), "SIG-BROKEN")


def test_the_container_of_another_member(home: House, sender: Sender, other: Sender) -> None:
    box = other.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock())
    refused(home, sender, home.name("DECSAL", MEMBER, Extension.ASICE), box, "SIG-SENDER")


def test_the_command_packs_payroll_output_with_its_name(home: House, sender: Sender, tmp_path: Path) -> None:
    (tmp_path / "DECAFF-august.dta").write_bytes(as_dta("DECAFF", [entry(someone())]))
    signed = tmp_path / "signed"
    command = ["sign", str(tmp_path / "DECAFF-august.dta"), "--profile", str(sender.profile)]
    done = CliRunner().invoke(app, [*command, "--out", str(signed)])
    assert done.exit_code == 0, done.output
    (file,) = signed.iterdir()
    assert names.parse(file.name).extension is Extension.ASICE
    assert names.parse(file.name).type == procedure("DECAFF").code
    outcome = home.outcome(sender, home.receive(sender, file.name, file.read_bytes()).deposit)
    assert outcome.verdict == "accepted"


@pytest.mark.parametrize("files", [["photo.png"], [f"CARTID189312010.{EMPLOYER}_100001.JPG"]])
def test_the_command_says_which_file_goes_with_no_batch(
    sender: Sender, tmp_path: Path, files: list[str]
) -> None:
    for name in (*files, "DECSAL.dta"):
        (tmp_path / name).write_bytes(b"x")
    paths = [str(tmp_path / name) for name in (*files, "DECSAL.dta")]
    done = CliRunner().invoke(
        app, ["sign", *paths, "--profile", str(sender.profile), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 2
    assert files[0] in done.output.replace("\n", "")


def test_more_records_than_anybody_has_are_refused_before_they_are_judged() -> None:
    root = wire.begin("DECSAL")
    for _ in range(MOST_RECORDS + 1):
        etree.SubElement(root, f"{{{wire.NAMESPACE}}}Wage")
    received = Received.parse("2026-08-03T07:15:00.000000Z")
    expected = Expected(str(MEMBER), "DECSAL", received, "test", Agreement(ALL))
    with pytest.raises(Rejected) as refusal:
        contents.read_document(root, expected)
    assert [anomaly.code for anomaly in refusal.value.anomalies] == ["FILE-LIMITS"]
