"""What was changed in journal, store or database behind the gateway's back is found, and named.

Every tampering is done on a copy of one small month (SR-22).
"""

from __future__ import annotations

import hashlib
import random
import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from adapters.pki import Authority, KeyKind, Subject, new_key
from adapters.premises import Premises
from gateway.client.seals import GOOD, seal_verdict
from gateway.returns import ackrec
from signing.sign import Signer
from tests.durability.month import Store, copy_of, make_month
from tests.durability.rewriting import rewrite
from tests.durability.tamperings import tamper
from tests.house import EMPLOYER, MEMBER, OTHER_MEMBER

SEED = 20260803
RANDOM_TAMPERINGS = 60


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a gateway that has seen a small month and is at rest; and as it was before the end."""
    return make_month(tmp_path_factory.mktemp("month"))


@pytest.fixture
def month(months: tuple[Path, Path]) -> Path:
    """The folder of the gateway after the month."""
    return months[0]


@pytest.fixture
def store(month: Path, tmp_path: Path) -> Store:
    """A fresh copy."""
    return copy_of(month, tmp_path / "copy")


def test_an_untouched_store_has_no_findings(store: Store) -> None:
    assert store.findings() == ()
    counts = {"journal": 50, "deposit": 8, "answer": 20, "change": 100, "journal_head": 2}
    for table, least in counts.items():
        [(count,)] = store.ask(f"SELECT count(*) FROM {table}")
        assert isinstance(count, int)
        assert count >= least


Tampering = Callable[[Store, random.Random], str]
"""Changes something in a copy; what a finding has to name: a deposit, an answer, or a journal entry."""


def _pick(store: Store, rng: random.Random, table: str, column: str = "id") -> str:
    return str(rng.choice(store.ask(f"SELECT {column} FROM {table} ORDER BY rowid"))[0])


def _other(text: str, rng: random.Random) -> str:
    """A text of the same length with one character changed to another of its kind."""
    place = rng.choice([place for place, character in enumerate(text) if character.isalnum()])
    kind = next(
        kind for kind in ("0123456789", "abcdef", "ABCDEF") if text[place] in kind or kind == "ABCDEF"
    )
    return text[:place] + rng.choice(kind.replace(text[place], "")) + text[place + 1 :]


def _flip(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


# The journal


def _entry_changed(column: str) -> Tampering:
    def tamper(store: Store, rng: random.Random) -> str:
        rows = store.ask(f"SELECT sequence, {column} FROM journal WHERE {column} <> '' ORDER BY 1")
        sequence, text = rng.choice(rows)
        store.do(f"UPDATE journal SET {column} = ? WHERE sequence = ?", _other(str(text), rng), sequence)
        return f"Journal entry {sequence}"

    return tamper


def _entry_deleted(store: Store, rng: random.Random) -> str:
    [(last,)] = store.ask("SELECT max(sequence) FROM journal")
    sequence = rng.randrange(1, int(str(last)))
    store.do("DELETE FROM journal WHERE sequence = ?", sequence)
    return f"Journal entry {sequence}"


def _entry_deleted_and_the_gap_closed(store: Store, rng: random.Random) -> str:
    sequence = int(_entry_deleted(store, rng).split()[-1])
    # Upwards one by one: the number is the key.
    for (later,) in store.ask("SELECT sequence FROM journal WHERE sequence > ? ORDER BY 1", sequence):
        store.do("UPDATE journal SET sequence = sequence - 1 WHERE sequence = ?", later)
    return f"Journal entry {sequence}"


def _entry_inserted(store: Store, rng: random.Random) -> str:
    [(last,)] = store.ask("SELECT max(sequence) FROM journal")
    sequence = rng.randrange(1, int(str(last)) + 2)
    for (later,) in store.ask("SELECT sequence FROM journal WHERE sequence >= ? ORDER BY 1 DESC", sequence):
        store.do("UPDATE journal SET sequence = sequence + 1 WHERE sequence = ?", later)
    store.do(
        "INSERT INTO journal SELECT ?, at, event, subject, member, digest, actor, changes, change, ?"
        " FROM journal WHERE sequence = ?",
        sequence,
        rng.randbytes(32).hex(),
        sequence - 1 or sequence + 1,
    )
    return f"Journal entry {sequence}"


def _entries_swapped(store: Store, rng: random.Random) -> str:
    [(last,)] = store.ask("SELECT max(sequence) FROM journal")
    first, second = sorted(rng.sample(range(1, int(str(last)) + 1), 2))
    for old, new in ((first, 0), (second, first), (0, second)):
        store.do("UPDATE journal SET sequence = ? WHERE sequence = ?", new, old)
    return f"Journal entry {first}"


# Deposits


def _bytes_changed(change: Callable[[bytes, random.Random], bytes]) -> Tampering:
    def tamper(store: Store, rng: random.Random) -> str:
        deposit = _pick(store, rng, "deposit")
        file = store.file(deposit)
        file.write_bytes(change(file.read_bytes(), rng))
        return deposit

    return tamper


def _truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _lengthened(content: bytes, rng: random.Random) -> bytes:
    return content + rng.randbytes(rng.randint(1, 9))


def _bytes_missing(store: Store, rng: random.Random) -> str:
    deposit = _pick(store, rng, "deposit")
    store.file(deposit).unlink()
    return deposit


def _bytes_of_two_deposits_swapped(store: Store, rng: random.Random) -> str:
    (one,), (two,) = rng.sample(store.ask("SELECT id FROM deposit ORDER BY rowid"), 2)
    first, second = store.file(str(one)), store.file(str(two))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    return str(one)


def _column_changed(table: str, column: str) -> Tampering:
    """A text in a row changed; the item is the row's id as the journal knows it."""

    def tamper(store: Store, rng: random.Random) -> str:
        rows = store.ask(f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid")
        identifier, text = rng.choice(rows)
        store.do(f"UPDATE {table} SET {column} = ? WHERE id = ?", _other(str(text), rng), identifier)
        return str(identifier)

    return tamper


def _blob_changed(table: str, column: str) -> Tampering:
    def tamper(store: Store, rng: random.Random) -> str:
        identifier, content = rng.choice(store.ask(f"SELECT id, {column} FROM {table} ORDER BY rowid"))
        assert isinstance(content, bytes)
        store.do(f"UPDATE {table} SET {column} = ? WHERE id = ?", _flip(content, rng), identifier)
        return str(identifier)

    return tamper


def _row_deleted(table: str) -> Tampering:
    def tamper(store: Store, rng: random.Random) -> str:
        identifier = _pick(store, rng, table)
        store.do(f"DELETE FROM {table} WHERE id = ?", identifier)
        return identifier

    return tamper


def _deposit_and_bytes_changed_alike(store: Store, rng: random.Random) -> str:
    deposit = _bytes_changed(_flip)(store, rng)
    digest = hashlib.sha256(store.file(deposit).read_bytes()).hexdigest()
    store.do("UPDATE deposit SET digest = ? WHERE id = ?", digest, deposit)
    return deposit


def _deposit_deleted_with_all_that_is_its_own(store: Store, rng: random.Random) -> str:
    deposit = _bytes_missing(store, rng)
    store.do("DELETE FROM answer WHERE deposit = ?", deposit)
    store.do("DELETE FROM deposit WHERE id = ?", deposit)
    return deposit


def _receipts_of_two_deposits_swapped(store: Store, rng: random.Random) -> str:
    (one, first), (two, second) = rng.sample(store.ask("SELECT id, receipt FROM deposit ORDER BY rowid"), 2)
    store.do("UPDATE deposit SET receipt = ? WHERE id = ?", second, one)
    store.do("UPDATE deposit SET receipt = ? WHERE id = ?", first, two)
    return str(one)


def _deposit_inserted(store: Store, rng: random.Random) -> str:
    identifier = str(uuid.UUID(bytes=rng.randbytes(16), version=4))
    content = rng.randbytes(100)
    store.file(identifier).parent.mkdir(parents=True, exist_ok=True)
    store.file(identifier).write_bytes(content)
    columns = "sender, name, size, received, door, receipt, state, changed, tries"
    store.do(
        f"INSERT INTO deposit (id, digest, {columns}) SELECT ?, ?, {columns} FROM deposit LIMIT 1",
        identifier,
        hashlib.sha256(content).hexdigest(),
    )
    return identifier


# Answers


def _answer_and_digest_changed_alike(store: Store, rng: random.Random) -> str:
    answer = _blob_changed("answer", "content")(store, rng)
    [(content,)] = store.ask("SELECT content FROM answer WHERE id = ?", answer)
    assert isinstance(content, bytes)
    store.do("UPDATE answer SET digest = ? WHERE id = ?", hashlib.sha256(content).hexdigest(), answer)
    return answer


def _answer_inserted(store: Store, rng: random.Random) -> str:
    identifier = str(uuid.UUID(bytes=rng.randbytes(16), version=4))
    columns = "recipient, kind, posted, digest, size, content, deposit, put_away"
    store.do(
        f"INSERT INTO answer (id, name, {columns}) SELECT ?, ?, {columns} FROM answer WHERE id = ?",
        identifier,
        f"SECU.ACKTRT.20990101-{rng.randrange(10**8):08d}.CCSS.{MEMBER}.XML",
        _pick(store, rng, "answer"),
    )
    return identifier


def _answers_swapped(store: Store, rng: random.Random) -> str:
    rows = store.ask("SELECT id, content, digest FROM answer ORDER BY rowid")
    (one, *first), (two, *second) = rng.sample(rows, 2)
    for identifier, content, digest in ((one, *second), (two, *first)):
        store.do("UPDATE answer SET content = ?, digest = ? WHERE id = ?", content, digest, identifier)
    return str(one)


JOURNAL: dict[str, Tampering] = {
    **{
        f"entry: {column} changed": _entry_changed(column)
        for column in ("at", "event", "subject", "member", "digest", "changes", "hash")
    },
    "entry deleted": _entry_deleted,
    "entry deleted, gap closed": _entry_deleted_and_the_gap_closed,
    "entry inserted": _entry_inserted,
    "entries swapped": _entries_swapped,
}
DEPOSITS: dict[str, Tampering] = {
    "deposit: a bit of its bytes flipped": _bytes_changed(_flip),
    "deposit: bytes truncated": _bytes_changed(_truncated),
    "deposit: bytes lengthened": _bytes_changed(_lengthened),
    "deposit: bytes missing": _bytes_missing,
    "deposit: bytes swapped with another's": _bytes_of_two_deposits_swapped,
    "deposit: bytes and digest changed alike": _deposit_and_bytes_changed_alike,
    "deposit: row deleted": _row_deleted("deposit"),
    "deposit: deleted with bytes and answers": _deposit_deleted_with_all_that_is_its_own,
    "deposit: row inserted": _deposit_inserted,
    "deposit: receipt changed": _blob_changed("deposit", "receipt"),
    "deposit: receipt swapped with another's": _receipts_of_two_deposits_swapped,
    **{
        f"deposit: {column} changed": _column_changed("deposit", column)
        for column in ("id", "sender", "digest", "name", "size", "received", "door")
    },
}
ANSWERS: dict[str, Tampering] = {
    "answer: a bit of its bytes flipped": _blob_changed("answer", "content"),
    "answer: bytes and digest changed alike": _answer_and_digest_changed_alike,
    "answer: row deleted": _row_deleted("answer"),
    "answer: row inserted": _answer_inserted,
    "answer: bytes and digest swapped with another's": _answers_swapped,
    **{
        f"answer: {column} changed": _column_changed("answer", column)
        for column in ("id", "recipient", "digest", "kind", "name", "posted", "size", "deposit")
    },
}
TAMPERINGS = JOURNAL | DEPOSITS | ANSWERS


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_a_tampering_is_found_and_named(store: Store, kind: str) -> None:
    item = TAMPERINGS[kind](store, random.Random(SEED))
    assert _named(item, store.findings())


def _named(item: str, findings: tuple[str, ...]) -> bool:
    return any(f"{item}:" in finding for finding in findings)


def test_random_tamperings_of_any_kind_with_anything_are_all_found(month: Path, tmp_path: Path) -> None:
    """SR-22 in short; `make bench-tampering` does thousands."""
    rng = random.Random(SEED)
    missed: list[str] = []
    for number in range(RANDOM_TAMPERINGS):
        store = copy_of(month, tmp_path / str(number))
        done = tamper(store, rng)
        if not store.findings():
            missed.append(f"{number}: {done}")
        shutil.rmtree(store.data)
    assert missed == []


def test_several_tamperings_at_once_are_all_named(store: Store) -> None:
    rng = random.Random(SEED)
    deposit = DEPOSITS["deposit: bytes missing"](store, rng)
    answer = ANSWERS["answer: a bit of its bytes flipped"](store, rng)
    changed = JOURNAL["entry: subject changed"](store, rng)
    findings = store.findings()
    assert all(_named(item, findings) for item in (deposit, answer, changed))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("journal", "at", "yesterday"),
        ("journal", "at", 5),
        ("journal", "hash", "no hash"),
        ("journal", "hash", b"hash"),
        ("journal", "event", b"received https"),
        ("deposit", "digest", 7),
        ("deposit", "sender", b"sender"),
        ("deposit", "receipt", "text"),
        ("answer", "content", "text"),
        ("answer", "content", 0),
        ("answer", "digest", b""),
    ],
)
def test_a_value_of_a_wrong_kind_is_a_finding_not_a_failure(
    store: Store, table: str, column: str, value: object
) -> None:
    key = "sequence" if table == "journal" else "id"
    last = "WHERE kind = 'ACKTRT' ORDER BY number DESC" if table == "answer" else "ORDER BY 1 DESC"
    [(identifier,)] = store.ask(f"SELECT {key} FROM {table} {last} LIMIT 1")
    store.do(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", value, identifier)
    item = f"Journal entry {identifier}" if table == "journal" else str(identifier)
    assert _named(item, store.findings())


@pytest.mark.parametrize(
    ("column", "spell"),
    [
        ("at", lambda at: at.replace("T", " ")),
        ("at", lambda at: at.replace("Z", "+00:00")),
        ("hash", str.upper),
        ("hash", lambda text: f"{text[:32]} {text[32:]}"),
    ],
    ids=["a blank for T", "another zone", "capitals", "a blank in between"],
)
def test_another_spelling_of_the_same_is_found(
    store: Store, column: str, spell: Callable[[str], str]
) -> None:
    [(text,)] = store.ask(f"SELECT {column} FROM journal WHERE sequence = 20")
    store.do(f"UPDATE journal SET {column} = ? WHERE sequence = 20", spell(str(text)))
    assert _named("Journal entry 20", store.findings())


def test_a_journal_rewritten_to_its_end_contradicts_the_receipts(store: Store) -> None:
    # Whoever can write to the database can compute all later hashes anew, but not seal new receipts.
    [(sequence, subject)] = store.ask(
        "SELECT sequence, subject FROM journal WHERE event LIKE 'received%' ORDER BY 1 LIMIT 1 OFFSET 1"
    )
    store.do("UPDATE journal SET at = '2026-01-01T00:00:00.000000Z' WHERE sequence = ?", sequence)
    store.forge()
    assert _named(str(subject), store.findings())


def test_a_row_changed_with_all_that_vouches_for_it_contradicts_the_seals(store: Store) -> None:
    """A wage is raised; change log and journal are written anew so that they tell of it."""
    store.do("UPDATE wage SET base_wage = base_wage + 100000 WHERE id = 1")
    assert any(finding.startswith("Wage 1:") for finding in store.findings())
    store.forge()
    findings = store.findings()
    assert not any(finding.startswith(("Wage", "Change", "Journal entry")) for finding in findings)
    assert any("it was sealed over" in finding for finding in findings)


def test_a_batch_exchanged_everywhere_contradicts_its_receipt(store: Store) -> None:
    """Bytes, row and journal changed alike, all later hashes computed anew."""
    [(deposit, sequence)] = store.ask(
        "SELECT d.id, j.sequence FROM deposit d JOIN journal j ON j.subject = d.id"
        " WHERE j.event LIKE 'received%' ORDER BY d.number LIMIT 1 OFFSET 3"
    )
    content = store.bytes_of(str(deposit)).replace(b"3812.40", b"9812.40")
    store.exchange_bytes(str(deposit), content)
    digest = hashlib.sha256(content).hexdigest()
    store.do("UPDATE deposit SET digest = ? WHERE id = ?", digest, deposit)
    store.do("UPDATE journal SET digest = ? WHERE sequence = ?", digest, sequence)
    store.forge()
    assert _named(str(deposit), store.findings())


def test_an_acknowledgement_exchanged_everywhere_contradicts_those_after_it(store: Store) -> None:
    [(answer,)] = store.ask("SELECT id FROM answer WHERE kind = 'ACKTRT' ORDER BY number LIMIT 1")
    _exchange(store, str(answer), b"<Verdict>accepted", b"<Verdict>rejected")
    assert store.findings() != ()


def test_an_invoice_exchanged_everywhere_has_no_seal(store: Store) -> None:
    """It was posted after the last acknowledgement: its own seal tells."""
    [(answer,)] = store.ask("SELECT id FROM answer WHERE kind = 'EXTCPT' ORDER BY number DESC LIMIT 1")
    _exchange(store, str(answer), b"<Direction>DEBIT", b"<Direction>CREDT")
    assert _named(str(answer), store.findings())


def _exchange(store: Store, answer: str, old: bytes, new: bytes) -> None:
    """Change an answer, and all that vouches for it but its seal."""
    content = store.answer(answer)
    changed = content.replace(old, new)
    assert changed != content
    store.exchange_answer(answer, changed)
    store.forge()


Reseal = Callable[[bytes, Path], bytes]
"""Puts another seal on a changed answer; the folder is that of the gateway."""


def _unsealed(content: bytes, _month: Path) -> bytes:
    """As it stands, under a seal that no longer fits."""
    return content


def _sealed_with(signer: Signer, content: bytes) -> bytes:
    document = etree.fromstring(content)
    document.remove(document[-1])
    return signer.sign(document, datetime.now(UTC))


def _sealed_by_a_stranger(content: bytes, _month: Path) -> bytes:
    """With a key and a certificate that the forger made; it bears the seal's name."""
    now = datetime.now(UTC)
    root = Authority.create("Secugate throw-away authority", now - DAY, now + DAY)
    return _sealed_with(_issued_by(root, "Secugate seal"), content)


def _sealed_by_a_member(content: bytes, month: Path) -> bytes:
    """With a right certificate of the authority that issued the gateway's own."""
    premises = Premises(month)
    root = Authority.load(premises.authority_key, premises.authority_certificate)
    return _sealed_with(_issued_by(root, "Secugate seal"), content)


def _issued_by(root: Authority, name: str) -> Signer:
    key, now = new_key(KeyKind.P256), datetime.now(UTC)
    return Signer(key, root.issue(Subject(name), key.public_key(), now - DAY, now + DAY))


DAY = timedelta(days=1)
SEALS = (_unsealed, _sealed_by_a_stranger, _sealed_by_a_member)


@pytest.mark.parametrize("reseal", SEALS)
def test_a_sender_tells_an_acknowledgement_that_is_not_ours(
    store: Store, month: Path, reseal: Reseal
) -> None:
    seals = Premises(month).seals
    [(answer,)] = store.ask("SELECT id FROM answer WHERE kind = 'ACKTRT' ORDER BY number LIMIT 1")
    content = store.answer(str(answer))
    assert seal_verdict(content, seals) == GOOD
    changed = content.replace(b"<Verdict>accepted", b"<Verdict>rejected")
    assert seal_verdict(reseal(changed, month), seals) != GOOD


@pytest.mark.parametrize("reseal", SEALS)
def test_a_forgery_that_agrees_with_itself_has_not_our_seal(
    store: Store, month: Path, reseal: Reseal
) -> None:
    """An early entry changed, all hashes computed anew, and every answer made to state the new ones."""
    store.do("UPDATE journal SET at = '2020-01-01T00:00:00.000000Z' WHERE sequence = 1")
    rewrite(store, lambda changed: reseal(changed, month))
    findings = store.findings()
    assert findings != ()
    assert all("seal" in finding for finding in findings)


def test_a_journal_cut_off_without_its_rows_is_found(store: Store) -> None:
    [(sequence, answer)] = store.ask(
        "SELECT sequence, substr(subject, 1, 36) FROM journal WHERE event LIKE 'posted%'"
        " ORDER BY 1 DESC LIMIT 1"
    )
    store.do("DELETE FROM journal WHERE sequence >= ?", sequence)
    assert _named(str(answer).split()[0], store.findings())


def test_a_last_entry_cut_off_is_found(store: Store) -> None:
    [(sequence,)] = store.ask("SELECT max(sequence) FROM journal")
    store.do("DELETE FROM journal WHERE sequence = ?", sequence)
    assert _named(f"Journal entry {sequence}", store.findings())


def test_an_older_copy_contradicts_a_receipt_that_left_the_house(
    store: Store, months: tuple[Path, Path]
) -> None:
    """Nothing inside can tell: only a later receipt, or acknowledgement, that a sender still has."""
    receipts = [
        ackrec.read(etree.fromstring(store.receipt(str(deposit)))).journal
        for (deposit,) in store.ask("SELECT id FROM deposit ORDER BY number")
    ]
    old = Store(months[1])
    assert old.findings() == ()
    there = {row[0]: row[1] for row in old.ask("SELECT sequence, hash FROM journal")}
    agrees = [there.get(one.sequence) == one.hash for one in receipts]
    assert agrees == [True] * (len(receipts) - 1) + [False]


def test_what_was_added_behind_the_journal_is_found(store: Store) -> None:
    """A key or a mandate that the journal does not know opens a door to somebody."""
    store.do(
        "INSERT INTO mandate (member, employer, procedures, first) VALUES (?, ?, 'DECSAL', '2020-01-01')",
        str(OTHER_MEMBER),
        EMPLOYER,
    )
    assert store.findings() != ()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("mandate", "last", None),
        ("mandate", "last", "2099-12-31"),
        ("mandate", "member", str(OTHER_MEMBER)),
        ("mandate", "procedures", "CALCUL DECAFF DECSAL DEMMAT"),
        ("certificate", "member", str(OTHER_MEMBER)),
        ("ssh_key", "member", str(OTHER_MEMBER)),
    ],
)
def test_a_right_that_was_widened_is_found(store: Store, table: str, column: str, value: object) -> None:
    """The mandate was for one procedure and has ended; keys are one member's."""
    key = "number" if table == "mandate" else "fingerprint"
    where = f"{key} = (SELECT max(number) FROM mandate)" if table == "mandate" else f"member = '{MEMBER}'"
    store.do(f"UPDATE {table} SET {column} = ? WHERE {where}", value)
    assert store.findings() != ()


@pytest.mark.parametrize("table", ["mandate", "certificate", "ssh_key"])
def test_a_right_that_was_taken_away_is_found(store: Store, table: str) -> None:
    store.do(f"DELETE FROM {table} WHERE member = ?", str(MEMBER))
    assert store.findings() != ()


@pytest.mark.parametrize("state", ["received", "rejected", "parked"])
def test_a_state_that_the_journal_does_not_tell_is_found(store: Store, state: str) -> None:
    """Put back to `received` it would take effect a second time."""
    deposit = _pick(store, random.Random(SEED), "deposit WHERE state = 'done'")
    store.do("UPDATE deposit SET state = ? WHERE id = ?", state, deposit)
    assert _named(deposit, store.findings())


def test_a_folder_in_place_of_the_bytes_is_found(store: Store) -> None:
    deposit = _bytes_missing(store, random.Random(SEED))
    store.file(deposit).mkdir()
    assert _named(deposit, store.findings())


def test_a_statement_that_does_not_add_up_is_found(store: Store) -> None:
    """What was billed is looked at as well; how closely, the tests of accounts tell."""
    [(number,)] = store.ask("SELECT min(number) FROM statement")
    store.do("UPDATE statement SET balance = balance - 100 WHERE number = ?", number)
    assert _named(f"Statement 202607-{number:0>7}", store.findings())
