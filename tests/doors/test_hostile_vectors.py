"""SR-1 to SR-9: every hostile file through both live doors, from the upload to the acknowledgement.

The files are in tests/vectors/hostile (written for this project) and tests/vectors/borrowed (other people's).
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from gateway.client import https, sftp
from gateway.client.doors import Door
from gateway.returns import acktrt
from gateway.states import OPEN
from tests.flow.premises import answers, kinds, registered, rows
from tests.house import House, Sender, profile, wage, wait_for
from tests.vectors.hostile import Vector, all_vectors
from tests.vectors.hostile.forging import Forger

BORROWED = Path(__file__).parents[1] / "vectors" / "borrowed"
VECTORS = all_vectors()
DOORS = {"https": https.enter, "sftp": sftp.enter}


@dataclass(frozen=True, slots=True)
class Sent:
    """A file, and as what it was deposited."""

    vector: Vector
    title: str
    content: bytes


@pytest.fixture(params=["https", "sftp"])
def forger(request: pytest.FixtureRequest, open_home: House, visitor: Sender, neighbour: Sender) -> Forger:
    """One member comes through one door, the other through the other."""
    pair = (visitor, neighbour) if request.param == "https" else (neighbour, visitor)
    return Forger(open_home, *pair)


@pytest.fixture
def door(request: pytest.FixtureRequest, forger: Forger, visitor: Sender) -> Iterator[Door]:
    enter = DOORS["https" if forger.sender is visitor else "sftp"]
    with enter(profile(forger.sender)) as opened:
        yield opened


def deposited(home: House, sender: Sender, title: str) -> str | None:
    """The deposit of a name, once it has been treated."""
    found = rows(
        home,
        "SELECT id, state FROM deposit WHERE sender = :sender AND name = :name",
        sender=str(sender.member),
        name=title,
    )
    return None if not found or found[0]["state"] in {state.value for state in OPEN} else str(found[0]["id"])


def outcome(home: House, sender: Sender, title: str) -> tuple[str, tuple[str, ...]]:
    """Verdict and codes of the one acknowledgement of a deposit."""
    deposit = wait_for(lambda: deposited(home, sender, title))
    given = answers(home, deposit)
    assert [kind for kind, _ in given].count(acktrt.CODE) == 1, (title, kinds(given))
    [content] = [content for kind, content in given if kind == acktrt.CODE]
    known = acktrt.read(etree.fromstring(content))
    return known.verdict.value, tuple(anomaly.code for anomaly in known.anomalies)


def test_there_are_as_many_vectors_as_we_say() -> None:
    assert len(VECTORS) >= 400


def test_every_hostile_file_is_refused_with_its_code(forger: Forger, door: Door) -> None:
    home = forger.home
    before = registered(home)
    sent = []
    for vector in VECTORS:
        one = Sent(vector, (vector.title or Forger.title)(forger), vector.make(forger))
        door.deposit(one.title, one.content)
        sent.append(one)
    wrong = {}
    for one in sent:
        verdict, codes = outcome(home, forger.sender, one.title)
        if (verdict, codes) != ("rejected", one.vector.codes):
            wrong[one.vector.name] = (verdict, codes, one.vector.codes)
    assert wrong == {}
    assert registered(home) == before
    no_fault_of_ours(home)
    control(forger, door)


def no_fault_of_ours(home: House) -> None:
    """P5: nothing was given up, nothing failed on the way."""
    assert rows(home, "SELECT id, fault FROM deposit WHERE fault <> '' OR state = 'parked'") == []


def control(forger: Forger, door: Door) -> None:
    """Behind all of them a good file is treated."""
    title = forger.title()
    door.deposit(title, forger.good())
    verdict, codes = outcome(forger.home, forger.sender, title)
    assert (verdict, [code for code in codes if code.startswith(("FILE", "SIG"))]) == ("accepted", [])


# borrowed


def archived(name: str) -> dict[str, bytes]:
    """The files of a borrowed set."""
    with zipfile.ZipFile(BORROWED / name) as archive:
        return {each: archive.read(each) for each in sorted(archive.namelist()) if each.endswith(".xml")}


NO_XML = {"FILE-NOT-XML", "FILE-DTD", "FILE-LIMITS"}
NO_SIGNATURE = NO_XML | {"SIG-MISSING", "SIG-PLACE", "SIG-PROFILE"}


@pytest.mark.parametrize(
    ("name", "most", "due"),
    [
        ("w3c-not-well-formed.zip", 150, NO_XML),
        ("xml-signatures.zip", 100, NO_SIGNATURE),
        ("xml-bombs.zip", 6, NO_XML | {"SIG-MISSING"}),
    ],
)
def test_every_borrowed_file_is_refused(
    forger: Forger, door: Door, name: str, most: int, due: set[str]
) -> None:
    sent = {}
    for file, content in archived(name).items():
        if content:
            title = forger.title()
            door.deposit(title, content)
            sent[file] = title
    assert len(sent) >= most
    found = {file: outcome(forger.home, forger.sender, title) for file, title in sent.items()}
    assert {file: one for file, one in found.items() if one[0] != "rejected" or not set(one[1]) <= due} == {}
    no_fault_of_ours(forger.home)


def test_naughty_strings_in_every_field_are_refused_or_kept_as_they_are(forger: Forger, door: Door) -> None:
    """SR-8, SR-9: each string of the list comes back in the answer character by character."""
    strings = json.loads((BORROWED / "naughty-strings.json").read_bytes())
    records = [naughty(text, forger) for text in strings if writable(text)]
    assert len(records) > 450
    home, title = forger.home, forger.title()
    root = home.plain(forger.sender, "DECSAL", [wage(employer=forger.sender.member.matricule)])
    root.remove(root[1])
    for fields in records:
        record = etree.SubElement(root, "{urn:secugate:1}Wage")
        for field, text in fields.items():
            etree.SubElement(record, f"{{urn:secugate:1}}{field}").text = text
    door.deposit(title, forger.sign(root))
    verdict, codes = outcome(home, forger.sender, title)
    assert verdict in ("rejected", "partial")
    assert all(code.startswith("SALRET-") for code in codes)
    deposit = wait_for(lambda: deposited(home, forger.sender, title))
    [returned] = [content for kind, content in answers(home, deposit) if kind == "SALRET"]
    read = etree.fromstring(returned)
    told = Counter(found.text or "" for found in read.iter("{urn:secugate:1}Insured"))
    given = Counter(fields["Insured"][:200] for fields in records)
    assert told == given
    no_fault_of_ours(home)


def writable(text: str) -> bool:
    try:
        etree.Element("x").text = text
    except ValueError:
        return False
    return "\r" not in text


def naughty(text: str, forger: Forger) -> Mapping[str, str]:
    return {**wage(employer=forger.sender.member.matricule), "Insured": text, "Reference": text}
