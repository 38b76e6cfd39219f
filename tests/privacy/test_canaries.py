"""SR-23, SR-24: marks are planted in batches, through both doors of a real process, and searched everywhere.

What was refused leaves nothing outside its sealed documents. What took effect stands in the columns that
`adapters.database.personal` lists, and nowhere else: no file, page, log or temporary folder. The same story
played with encryption switched off, in a scratch copy of the code, is found.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from backports import zstd
from lxml import etree

import adapters
from adapters.database import Database, tables
from adapters.database.personal import PERSONAL
from adapters.encryption import Erased
from adapters.erasure import erase
from adapters.premises import Premises
from gateway.client.https import HttpsDoor
from gateway.client.sftp import SftpDoor
from gateway.matricule import person_number
from gateway.moments import Period, Received, system_clock
from gateway.retention import terms
from tests.durability.running import command, environment, wait_until_open
from tests.house import EMPLOYER, MEMBER, House, Sender, entry, house, person, wage, wait_for

REPOSITORY = Path(adapters.__file__).parent.parent
PARTS = ("adapters", "gateway", "inbox", "outbox", "signing", "xsd")
OURS = "secugate.sqlite"


@dataclass(frozen=True, slots=True)
class Canaries:
    """What is planted: strange enough to stand nowhere by chance.

    Attributes:
        kept: in batches that take effect.
        refused: in batches that are refused as a whole or record by record.
    """

    surname: str = "ZWYRKELBACH"
    first_name: str = "QUIRINIUS"
    street: str = "KANARIEGAASS"
    born: str = "1894-11-17"
    insured: str = person_number(date(1894, 3, 29), 57)
    amount: str = "7391.83"
    reference: str = "CNRY-5521-REF"
    refused_insured: str = person_number(date(1894, 4, 23), 57)
    refused_amount: str = "8264.59"
    refused_reference: str = "CNRY-9073-REF"
    refused_surname: str = "OXENTHRUMM"
    under_way: str = "CNRY-6618-UNDER-WAY"

    @property
    def kept(self) -> tuple[str, ...]:
        return (
            self.surname,
            self.first_name,
            self.street,
            self.born,
            self.insured,
            self.amount,
            self.reference,
        )

    @property
    def refused(self) -> tuple[str, ...]:
        return (
            self.refused_insured,
            self.refused_amount,
            self.refused_reference,
            self.refused_surname,
            self.under_way,
        )


MARKS = Canaries()


@dataclass(slots=True)
class Aftermath:
    """What lies about after the story.

    Attributes:
        data: the gateway's folder, at rest.
        killed: a copy of it, made while it ran: with its log of the database and an upload under way.
        temporary: what was its folder for temporary files.
        log: what it said on standard error.
        sent: every batch that was sent.
    """

    home: House
    data: Path
    killed: Path
    temporary: Path
    log: Path
    sender: Sender
    sent: list[bytes]


def batches(home: House, sender: Sender) -> list[tuple[str, bytes]]:
    """Good ones, then hostile ones, each with marks."""
    refused = wage(
        MARKS.refused_insured,
        employer="2099990003999",
        BaseWage=MARKS.refused_amount,
        Reference=MARKS.refused_reference,
    )
    made = [
        home.signed(
            sender,
            "DEMMAT",
            [
                person(
                    Surname=MARKS.surname,
                    FirstName=MARKS.first_name,
                    Street=MARKS.street,
                    BirthDate=MARKS.born,
                )
            ],
        ),
        home.signed(sender, "DECAFF", [entry(MARKS.insured, Entry="2026-07-01")]),
        home.signed(
            sender,
            "DECSAL",
            [wage(MARKS.insured, BaseWage=MARKS.amount, Reference=MARKS.reference)],
        ),
        home.signed(sender, "DECSAL", [refused]),
        home.signed(
            sender, "DEMMAT", [person(Surname=MARKS.refused_surname, Nationality="ZZ", BirthDate="x")]
        ),
    ]
    good = home.batch(sender, "DECSAL", [refused])
    broken = {
        "cut off": good[: len(good) * 2 // 3],
        "changed after it was signed": good.replace(b"<WorkHours>173", b"<WorkHours>174"),
        "not a wage": good.replace(b"<BaseWage>", b"<BaseWage>x"),
        "an entity": b'<!DOCTYPE DECSAL [<!ENTITY a "' + MARKS.refused_surname.encode() + b'">]>' + good,
        "no XML": MARKS.refused_surname.encode() * 50,
    }
    made += [(home.name("DECSAL", sender.member), content) for content in broken.values()]
    return made


def play(folder: Path, code: Path) -> Aftermath:
    """The story, with a gateway process that runs the code in a folder."""
    with house(folder) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
    data, temporary, log = home.settings.data, folder / "temporary", folder / "gateway.log"
    temporary.mkdir()
    given = {**environment(), "TMPDIR": str(temporary), "PYTHONPATH": str(code)}
    arguments = command("serve", "--data", str(data), "--https-port", "0", "--sftp-port", "0")
    made = batches(home, sender)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=given, cwd=code
        )
    try:
        running = wait_until_open(data, process, log)
        profile = running.profile(sender)
        with closing(HttpsDoor(profile)) as https, closing(SftpDoor(profile)) as sftp:
            for number, (name, content) in enumerate(made):
                (sftp if number % 2 else https).deposit(name, content)
            wait_for(lambda: True if untreated(data) == 0 else None)
            assert list(https.collect(0))
            with sftp._sftp.open("/inbox/UNDER-WAY.part", "wb") as file:
                file.write(MARKS.under_way.encode() * 20_000)
                file.flush()
                killed = folder / "killed"
                shutil.copytree(data, killed)
        assert running.stop() == 0
    finally:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    return Aftermath(home, data, killed, temporary, log, sender, [content for _, content in made])


def untreated(data: Path) -> int:
    with closing(sqlite3.connect(f"file:{Premises(data).database}?mode=ro", uri=True)) as connection:
        query = "SELECT count(*) FROM deposit WHERE state IN ('received', 'waiting')"
        return int(connection.execute(query).fetchone()[0])


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    return play(tmp_path_factory.mktemp("canaries"), REPOSITORY)


def holding(folder: Path, marks: tuple[str, ...], *, database: bool) -> set[tuple[str, str]]:
    """The files of a folder that hold a mark, and which; with or without those of the database."""
    files = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else [folder]
    return {
        (file.name, mark)
        for file in files
        if database or not file.name.startswith(OURS)
        for mark in marks
        if mark.encode() in file.read_bytes()
    }


def unpacked(kept: object) -> bytes | None:
    """What was compressed and not encrypted, or badly: a mark hides in it from who looks for its letters."""
    place = kept.find(_FRAME) if isinstance(kept, bytes) else -1
    if place < 0:
        return None
    try:
        return zstd.ZstdDecompressor().decompress(kept[place:])
    except zstd.ZstdError:
        return None


_FRAME = b"\x28\xb5\x2f\xfd"
"""How what Zstandard has compressed begins (RFC 8878, section 3.1.1)."""


def columns_holding(data: Path, mark: str) -> set[tuple[str, str]]:
    """The columns of all tables in which a mark stands, as text, in bytes, or as a number of cents."""
    number = int(mark.replace(".", "")) if mark.replace(".", "").isdigit() else None
    found = set()
    with closing(sqlite3.connect(f"file:{Premises(data).database}?mode=ro", uri=True)) as connection:
        connection.create_function("unpacked", 1, unpacked)
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                query = f"""SELECT 1 FROM "{table}" WHERE instr(CAST("{row[1]}" AS BLOB), CAST(? AS BLOB))
                    OR instr(unpacked("{row[1]}"), CAST(? AS BLOB)) OR "{row[1]}" = ? LIMIT 1"""
                if connection.execute(query, (mark, mark, number)).fetchone():
                    found.add((table, row[1]))
    return found


def leaks(aftermath: Aftermath) -> set[tuple[str, str]]:
    """All marks that stand where none may."""
    every = MARKS.kept + MARKS.refused
    return {
        *holding(aftermath.data, every, database=False),
        *holding(aftermath.killed, every, database=False),
        *holding(aftermath.data, MARKS.refused, database=True),
        *holding(aftermath.killed, MARKS.refused, database=True),
        *holding(aftermath.temporary, every, database=True),
        *holding(aftermath.log, every, database=True),
        *(
            (f"{table}.{column}", mark)
            for folder in (aftermath.data, aftermath.killed)
            for mark in every
            for table, column in columns_holding(folder, mark)
            if (table, column) not in PERSONAL
        ),
    }


def test_no_mark_stands_outside_the_columns_that_need_it(aftermath: Aftermath) -> None:
    assert leaks(aftermath) == set()


def test_the_marks_did_arrive(aftermath: Aftermath) -> None:
    """Otherwise finding none would say nothing: they are in the documents, and in the registers."""
    gateway = aftermath.home.gateway
    read = b"".join(gateway.spool.read(deposit) for deposit in gateway.spool.ids())
    for mark in (MARKS.insured, MARKS.amount, MARKS.reference, *MARKS.refused[:3]):
        assert mark.encode() in read
    for mark in MARKS.kept:
        assert columns_holding(aftermath.data, mark), mark
    assert list((aftermath.killed / "spool" / "incoming").iterdir()), "an upload was under way"
    assert (aftermath.killed / f"{OURS}-wal").stat().st_size > 0


def test_all_that_may_hold_personal_data_is_a_column_of_ours() -> None:
    known = {(table.name, column.name) for table in tables.OURS for column in table.columns}
    assert set(PERSONAL) <= known
    assert all(PERSONAL.values())


def without_encryption(folder: Path) -> Path:
    """A scratch copy of the code that seals nothing."""
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "adapters" / "encryption.py"
    text = file.read_text()
    sealing, opening = (
        "AESGCM(secret).encrypt(nonce, content, about)",
        "AESGCM(secret).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], about)",
    )
    assert sealing in text
    assert opening in text
    text = text.replace(sealing, "bytes(content) + bytes(16)").replace(opening, "sealed[NONCE_SIZE:-16]")
    # What is compressed does not show in the file of the database; `unpacked` looks into the columns.
    packing, unpacking = "zstd.compress(content, _LEVEL)", "zstd.decompress(content)"
    assert packing in text
    assert unpacking in text
    text = text.replace(packing, "content").replace(unpacking, "content")
    file.write_text(text)
    return folder


def test_with_encryption_switched_off_the_search_finds_the_marks(tmp_path: Path) -> None:
    """Negative control."""
    code = tmp_path / "code"
    code.mkdir()
    found = leaks(play(tmp_path, without_encryption(code)))
    assert {mark for _, mark in found} >= {
        MARKS.insured,
        MARKS.amount,
        MARKS.refused_reference,
        MARKS.under_way,
    }
    places = {place for place, _ in found}
    assert {"answer.content", OURS} <= places
    assert any(len(place) == 36 for place in places), "files of the spool"


def test_a_mark_that_was_compressed_and_not_encrypted_is_found() -> None:
    """Negative control."""
    text = f"<Pay>{MARKS.amount}</Pay>".encode() * 9
    assert unpacked(b"\x02 key nonce" + zstd.compress(text, 1) + bytes(16)) == text
    assert unpacked(text) is None


def values(content: bytes) -> Iterator[str]:
    """Every value in a batch that can be read as XML."""
    root = etree.fromstring(content, etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
    for element in root.iter() if root is not None else ():
        text = (element.text or "").strip()
        if isinstance(element.tag, str) and len(text) >= 4:
            yield text


def test_the_log_holds_no_value_of_any_batch(aftermath: Aftermath) -> None:
    """SR-24: ids only. The member's own number is its id."""
    said = aftermath.log.read_text()
    assert str(MEMBER) in said, "something was logged at all"
    sent = {value for content in aftermath.sent for value in values(content)}
    sent -= {str(MEMBER), EMPLOYER, MEMBER.number, "CCSS", "test", "entry"}
    assert {MARKS.insured, MARKS.refused_amount} <= sent
    assert {value for value in sent if value in said} == set()


def test_after_an_erasure_no_document_opens_nor_in_a_backup_that_the_keys_outlived(
    aftermath: Aftermath, tmp_path: Path
) -> None:
    """And what was in the documents alone is nowhere at all: with all keys at hand, not one opens."""
    folder = tmp_path / "gateway"
    shutil.copytree(aftermath.data, folder)
    database = Database(Premises(folder).database)
    now = Received(system_clock())
    later = Received(now.at + timedelta(days=70))
    assert erase(database, MEMBER, Period.parse(str(now)[:7]), "case-17", later)
    gateway = aftermath.home.gateway
    for deposit in gateway.spool.ids():
        with pytest.raises(Erased):
            database.file_keys.unwrap(gateway.spool.path(deposit).read_bytes()[8:85], deposit)
    database.close()
    assert holding(folder, MARKS.refused, database=True) == set()
    assert terms().of_documents(["DECSAL"]).months > 0
