"""What was refused, corrected: from a faulty batch through its return and its fix pack to acceptance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.members import ALL
from gateway import wire
from gateway.agreement import Agreement, Spelling
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.returns import ackrec, rejected
from gateway.returns.rejected import RejectedRecord, RejectedRecords
from signing.container import open_container
from tests.flow.premises import START, someone, texts, wages
from tests.house import MEMBER, House, Outcome, Sender, wage


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def sent(home: House, sender: Sender, batch: Path, folder: Path) -> Outcome:
    """Signed and sent by the commands of a sender; what came back."""
    done = command("sign", batch, "--profile", sender.profile, "--out", folder)
    assert done.exit_code == 0, done.output
    (signed,) = folder.glob("SECU.*")
    done = command("send", signed, "--profile", sender.profile, "--out", folder)
    assert done.exit_code == 0, done.output
    (receipt,) = folder.glob("*.ACKREC.XML")
    reference = ackrec.read(etree.parse(receipt).getroot()).header.deposit
    assert reference is not None
    return home.outcome(sender, reference.id)


def collected(sender: Sender, kind: str, folder: Path) -> Path:
    done = command("collect", "--profile", sender.profile, "--out", folder)
    assert done.exit_code == 0, done.output
    return max(folder.glob(f"SECU.{kind}.*"))


def correct(batch: Path, changes: Sequence[tuple[str, str]]) -> None:
    text = batch.read_bytes().decode()  # as it is: a .dta has its own ends of lines
    for wrong, right in changes:
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    batch.write_bytes(text.encode())


def faulty(people: Sequence[str]) -> list[dict[str, str]]:
    """Four wages, the second and the fourth of which are refused."""
    one, two, three, four = people
    return [
        wage(one),
        wage(two, BaseWage="3500,00"),
        wage(three),
        wage(four, InactiveHours="8"),
    ]


@pytest.fixture
def refused(open_home: House, visitor: Sender, tmp_path: Path) -> tuple[list[str], Path]:
    """Four people, and the return about the wages of two of them."""
    people = [someone() for _ in range(4)]
    open_home.affiliate(*people)
    batch = tmp_path / open_home.name("DECSAL", visitor.member)
    batch.write_bytes(etree.tostring(open_home.plain(visitor, "DECSAL", faulty(people))))
    outcome = sent(open_home, visitor, batch, tmp_path / "first")
    assert (outcome.verdict, outcome.codes) == ("partial", ["SALRET-4", "SALRET-7"])
    return people, collected(visitor, "SALRET", tmp_path / "answers")


def test_a_fix_pack_once_corrected_is_accepted(
    open_home: House, visitor: Sender, refused: tuple[list[str], Path], tmp_path: Path
) -> None:
    people, salret = refused
    packs = tmp_path / "packs"
    done = command("fix", salret, "--profile", visitor.profile, "--out", packs, "--language", "de", "--json")
    assert done.exit_code == 0, done.output
    (batch,) = packs.glob("SECU.DECSAL.*.XML")
    assert texts(batch.read_bytes(), "Wage/Insured") == [people[1], people[3]]
    assert texts(batch.read_bytes(), "Wage/BaseWage") == ["3500,00", "3812.40"]
    listing = (packs / f"{batch.name}.txt").read_text()
    assert "SALRET-4" in listing
    assert "SALRET-7: Ausfallstunden ohne Arbeitslosenentschädigung (InactiveHours)" in listing

    correct(batch, [("3500,00", "3500.00"), ("<InactiveHours>8<", "<InactiveHours>0<")])
    outcome = sent(open_home, visitor, batch, tmp_path / "second")
    assert (outcome.verdict, outcome.kept.records, outcome.codes) == ("accepted", 2, [])
    assert [wages(open_home, insured) for insured in people] == [
        [("current", cents)] for cents in (381240, 350000, 381240, 381240)
    ]


def test_a_fix_pack_sent_as_it_is_is_refused_for_the_same_reasons(
    open_home: House, visitor: Sender, refused: tuple[list[str], Path], tmp_path: Path
) -> None:
    _, salret = refused
    assert command("fix", salret, "--out", tmp_path / "packs").exit_code == 0
    (batch,) = (tmp_path / "packs").glob("SECU.DECSAL.*.XML")
    outcome = sent(open_home, visitor, batch, tmp_path / "second")
    assert (outcome.verdict, outcome.codes) == ("rejected", ["SALRET-4", "SALRET-7"])


def test_a_dta_fix_pack_is_signed_and_accepted_as_well(
    open_home: House, visitor: Sender, refused: tuple[list[str], Path], tmp_path: Path
) -> None:
    people, salret = refused
    assert command("fix", salret, "--out", tmp_path / "packs", "--dta").exit_code == 0
    (batch,) = (tmp_path / "packs").glob("DECSAL-*.dta")
    correct(
        batch,
        [
            (";3500,00;", ";350000;"),
            (f"{people[3]};202607;381240;173;;;;;;8;", f"{people[3]};202607;381240;173;;;;;;0;"),
        ],
    )
    outcome = sent(open_home, visitor, batch, tmp_path / "second")
    assert (outcome.verdict, outcome.codes) == ("accepted", [])
    assert wages(open_home, people[1]) == [("current", 350000)]


def test_a_return_without_our_seal_gives_no_pack(
    visitor: Sender, refused: tuple[list[str], Path], tmp_path: Path
) -> None:
    _, salret = refused
    forged = tmp_path / salret.name
    forged.write_bytes(salret.read_bytes().replace(b"3500,00", b"3500,01"))
    done = command("fix", forged, "--profile", visitor.profile, "--out", tmp_path / "packs")
    assert done.exit_code == 1
    assert "seal is not good" in done.output
    assert not (tmp_path / "packs").exists()


def test_a_procedure_in_xml_only_has_no_dta_pack(tmp_path: Path) -> None:
    detret = tmp_path / "DETRET.XML"
    header = wire.AnswerHeader(MEMBER, "test", START)
    activity = RejectedRecord(1, ("9",), {"Procedure": "?"})
    document = RejectedRecords(header, (activity,))
    detret.write_bytes(etree.tostring(rejected.write("DETRET", ("Procedure",), document)))
    assert command("fix", detret, "--out", tmp_path / "xml").exit_code == 0
    assert len(list((tmp_path / "xml").glob("SECU.DEMDET.*.XML"))) == 1
    done = command("fix", detret, "--out", tmp_path / "dta", "--dta")
    assert done.exit_code == 1
    assert "DEMDET is taken in XML only" in done.output
    assert not (tmp_path / "dta").exists()


def test_records_that_a_dta_file_cannot_carry_are_named(tmp_path: Path) -> None:
    salret = tmp_path / "SALRET.XML"
    header = wire.AnswerHeader(MEMBER, "test", START)
    records = (
        RejectedRecord(3, ("99",), wage(Reference="a;b")),
        RejectedRecord(4, ("7",), wage(InactiveHours="8")),
    )
    names = (*wage(), "InactiveHours", "Reference")
    salret.write_bytes(etree.tostring(rejected.write("SALRET", names, RejectedRecords(header, records))))
    done = command("fix", salret, "--out", tmp_path, "--dta")
    assert done.exit_code == 1
    assert "record 3, Reference" in done.output
    (batch,) = tmp_path.glob("DECSAL-*.dta")
    assert batch.read_bytes().count(b"\r\n") == 2
    assert "record number 3" in (tmp_path / f"{batch.name}.txt").read_text()


def test_what_is_no_return_is_passed_over_in_one_line(
    open_home: House, visitor: Sender, refused: tuple[list[str], Path], tmp_path: Path
) -> None:
    _, salret = refused
    (salret.parent / "notes.txt").write_text("call them on Monday")
    files = sorted(file for file in salret.parent.iterdir() if not file.name.startswith("."))
    done = command("fix", *files, "--profile", visitor.profile, "--out", tmp_path / "packs", "--json")
    assert done.exit_code == 0, done.output
    returns = [str(file) for file in files if ".SALRET." in file.name]
    assert [one["from"] for one in json.loads(done.stdout)] == returns
    kinds = Counter(file.name.split(".")[1] for file in files if file.name.startswith("SECU."))
    del kinds["SALRET"]
    assert kinds["ACKREC"] and kinds["ACKTRT"]
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    assert done.stderr.splitlines() == [f"Passed over, no refused records in: {told}, 1 what is no answer"]


def test_what_is_no_return_gives_no_pack(tmp_path: Path) -> None:
    receipt = tmp_path / "ACKREC.XML"
    receipt.write_text('<ACKREC xmlns="urn:secugate:1" version="1.0"/>')
    done = command("fix", receipt, "--out", tmp_path / "packs")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Passed over, no refused records in: 1 ACKREC\n"
    assert not (tmp_path / "packs").exists()


def test_a_return_that_is_cut_off_is_not_passed_over(refused: tuple[list[str], Path], tmp_path: Path) -> None:
    _, salret = refused
    cut = tmp_path / salret.name
    cut.write_bytes(salret.read_bytes()[:-20])
    done = command("fix", cut, "--out", tmp_path / "packs")
    assert (done.exit_code, done.stdout) == (1, "")
    assert salret.name in done.stderr


@pytest.fixture(scope="module")
def reader(open_home: House) -> Sender:
    """A member who asked for `.dta` answers."""
    reader = open_home.sender(MemberId(MEMBER.matricule, "100777"), [MEMBER.matricule])
    agreed = Agreement(ALL, answers=Spelling.DTA)
    open_home.gateway.members.agree(reader.member, agreed, Received(open_home.clock()))
    return reader


@pytest.fixture
def returned(open_home: House, reader: Sender, tmp_path: Path) -> tuple[list[str], Path]:
    """Four people, and the `.dta` return about the wages of two of them, the first for two reasons."""
    people = [someone() for _ in range(4)]
    open_home.affiliate(*people)
    lines = [f"1;{MEMBER.matricule};{one};202607;381240;173;;;;;;;;;;;;;;" for one in people]
    lines[1] = lines[1].replace(";202607;381240;173;;;;;;;", ";203101;381240;173;;;;;;8;")
    lines[3] = lines[3].replace(";381240;", ";3812,40;")
    batch = tmp_path / "DECSAL-july.dta"
    batch.write_bytes("".join(f"{one}\r\n" for one in (f"0;{MEMBER.matricule};100777", *lines)).encode())
    outcome = sent(open_home, reader, batch, tmp_path / "first")
    assert (outcome.verdict, outcome.codes) == ("partial", ["SALRET-9", "SALRET-7", "SALRET-4"])
    salret = collected(reader, "SALRET", tmp_path / "answers")
    assert salret.suffix == ".ASICE"
    return people, salret


def test_a_dta_return_in_its_container_becomes_a_dta_pack(
    open_home: House, reader: Sender, returned: tuple[list[str], Path], tmp_path: Path
) -> None:
    people, salret = returned
    packs = tmp_path / "packs"
    done = command("fix", salret, "--profile", reader.profile, "--out", packs)
    assert done.exit_code == 0, done.output
    (batch,) = packs.glob("DECSAL-*.dta")
    first, second, third, end = batch.read_bytes().decode("ascii").split("\r\n")
    assert (first, end) == (f"0;{MEMBER.matricule};100777", "")
    assert (second, third) == (
        f"1;{MEMBER.matricule};{people[1]};203101;381240;173;;;;;;8;;;;;;;;",
        f"1;{MEMBER.matricule};{people[3]};202607;3812,40;173;;;;;;;;;;;;;;",
    )
    listing = (packs / f"{batch.name}.txt").read_text()
    assert all(key in listing for key in ("SALRET-4", "SALRET-7", "SALRET-9", "of the return)"))

    correct(batch, [("3812,40", "381240"), (";203101;381240;173;;;;;;8;", ";202607;350000;173;;;;;;0;")])
    outcome = sent(open_home, reader, batch, tmp_path / "second")
    assert (outcome.verdict, outcome.kept.records, outcome.codes) == ("accepted", 2, [])
    assert [wages(open_home, insured) for insured in people] == [
        [("current", cents)] for cents in (381240, 350000, 381240, 381240)
    ]


def test_a_dta_return_with_another_seal_gives_no_pack(
    open_home: House, reader: Sender, returned: tuple[list[str], Path], tmp_path: Path
) -> None:
    _, salret = returned
    forged = tmp_path / salret.name
    files = open_container(salret.read_bytes()).files
    forged.write_bytes(reader.signer.sign_container(files, open_home.clock()))
    done = command("fix", forged, "--profile", reader.profile, "--out", tmp_path / "packs")
    assert done.exit_code == 1
    assert "seal is not good" in done.output
    assert not (tmp_path / "packs").exists()
