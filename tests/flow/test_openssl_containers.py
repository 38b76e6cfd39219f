"""Containers made with openssl and zip, by the commands of docs/containers.md, through the whole gateway."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from gateway.names import Extension
from gateway.returns import ackrec
from tests.flow.premises import someone
from tests.house import EMPLOYER, MEMBER, House, Sender, person, profile, scans
from tests.tools import tool

PAGE = (Path(__file__).parents[2] / "docs" / "containers.md").read_text()


def command(name: str, folder: Path, sender: Sender, **variables: str) -> None:
    """Run the commands of the page with this name, as a reader would paste them."""
    for needed in ("openssl", "zip", "unzip"):
        tool(needed)
    found = re.findall(rf"```sh {name}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1
    known = profile(sender)
    given = {"CERT": str(known.certificate), "KEY": str(known.key), "ROOT": str(known.trust), **variables}
    script = ["sh", "-eu", "-c", found[0]]
    subprocess.run(script, cwd=folder, env={**os.environ, **given}, check=True, timeout=60)


@pytest.fixture
def batch(home: House, tmp_path: Path) -> bytes:
    matricule = someone()
    home.affiliate(matricule)
    line = f"1;{EMPLOYER};{matricule};202607;300000;160;0;0;0;0;0;0;0;;;;;;;\r\n"
    content = f"0;{MEMBER.matricule};{MEMBER.number}\r\n{line}".encode()
    (tmp_path / "DECSAL.dta").write_bytes(content)
    return content


def stem(home: House, code: str) -> str:
    return home.name(code, MEMBER).removesuffix(".XML")


def test_one_file_with_openssl_and_zip(home: House, sender: Sender, tmp_path: Path, batch: bytes) -> None:
    name = stem(home, "DECSAL")
    command("asics", tmp_path, sender, NAME=name)
    content = (tmp_path / f"{name}.ASICS").read_bytes()
    receipt = home.receive(sender, f"{name}.ASICS", content)
    outcome = home.outcome(sender, receipt.deposit)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])
    assert ackrec.CODE in etree.QName(etree.fromstring(receipt.content)).localname
    command("check", tmp_path, sender, NAME=name)
    assert (tmp_path / "verified.dta").read_bytes() == batch


def test_several_files_with_openssl_and_zip(home: House, sender: Sender, tmp_path: Path) -> None:
    record = person()
    (tmp_path / "DEMMAT.xml").write_bytes(etree.tostring(home.plain(sender, "DEMMAT", [record])))
    pictures = scans(MEMBER, [date.fromisoformat(record["BirthDate"])])
    for file, content in pictures.items():
        (tmp_path / file).write_bytes(content)
    name = stem(home, "DEMMAT")
    command("asice", tmp_path, sender, NAME=name, FILES=" ".join(["DEMMAT.xml", *pictures]))
    receipt = home.receive(sender, f"{name}.ASICE", (tmp_path / f"{name}.ASICE").read_bytes())
    outcome = home.outcome(sender, receipt.deposit)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])


@pytest.mark.parametrize("extension", [Extension.ASICE, Extension.XML, Extension.P7M])
def test_the_name_says_which_container_it_is(
    home: House, sender: Sender, tmp_path: Path, batch: bytes, extension: Extension
) -> None:
    name = stem(home, "DECSAL")
    command("asics", tmp_path, sender, NAME=name)
    content = (tmp_path / f"{name}.ASICS").read_bytes()
    outcome = home.outcome(sender, home.receive(sender, f"{name}.{extension}", content).deposit)
    assert outcome.codes == ["FILE-NAME"]


def test_a_batch_changed_after_it_was_signed(
    home: House, sender: Sender, tmp_path: Path, batch: bytes
) -> None:
    name = stem(home, "DECSAL")
    command("asics", tmp_path, sender, NAME=name)
    (tmp_path / "DECSAL.dta").write_bytes(batch.replace(b"300000", b"900000"))
    subprocess.run([tool("zip"), "-q", "-X", f"{name}.ASICS", "DECSAL.dta"], cwd=tmp_path, check=True)
    content = (tmp_path / f"{name}.ASICS").read_bytes()
    outcome = home.outcome(sender, home.receive(sender, f"{name}.ASICS", content).deposit)
    assert outcome.codes == ["SIG-BROKEN"]
