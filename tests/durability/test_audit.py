"""P6: receipts that left the house show a rewritten history to whoever holds three of them.

Receipts and acknowledgements are those that members got; then the store is tampered with by somebody who may
write to everything in it, without and with the key of the seal.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database import Database
from adapters.heads import Heads, Proofs
from adapters.pki import Authority, KeyKind, Subject, new_key
from adapters.premises import Premises
from gateway.client.audit import Audit, audit
from gateway.client.https import enter
from gateway.moments import Received
from gateway.returns import jouhed
from gateway.seal import Seal
from gateway.wire import read_journal
from signing.certificates import load_seals
from signing.journal import Broken, check_inclusion
from signing.sign import Signer
from signing.verify import verify_seal
from tests.durability.month import Store, copy_of, make_month
from tests.durability.rewriting import rewrite
from tests.house import EMPLOYER, MEMBER, House, Sender, house, profile


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A gateway after a small month, and as it was before its end."""
    return make_month(tmp_path_factory.mktemp("month"))


@pytest.fixture
def store(months: tuple[Path, Path], tmp_path: Path) -> Store:
    """A fresh copy."""
    return copy_of(months[0], tmp_path / "copy")


@pytest.fixture
def receipts(months: tuple[Path, Path], tmp_path: Path) -> list[Path]:
    """Three documents that members hold: an early receipt, an acknowledgement, the last receipt."""
    there = Store(months[0])
    query = "SELECT id FROM answer WHERE kind = ? ORDER BY number"
    found = [there.ask(query, kind) for kind in ("ACKREC", "ACKTRT")]
    files = []
    for number, ((identifier,),) in enumerate((found[0][:1], found[1][1:2], found[0][-1:])):
        files.append(tmp_path / f"{'ABC'[number]}.xml")
        files[-1].write_bytes(there.answer(str(identifier)))
    return files


@dataclass(frozen=True, slots=True)
class Folder:
    """A store as the source of an audit."""

    store: Store

    def head(self) -> bytes | None:
        with closing(Database(Premises(self.store.data).database)) as database:
            return Proofs(database).newest()

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        with closing(Database(Premises(self.store.data).database)) as database:
            proof = Proofs(database).consistency(first, second)
        return None if proof is None else proof.hashes


def audited(store: Store, receipts: list[Path]) -> Audit:
    seals = list(load_seals(Premises(store.data).seals))
    return audit({file.name: file.read_bytes() for file in receipts}, Folder(store), seals)


def test_three_receipts_and_an_untouched_store(store: Store, receipts: list[Path]) -> None:
    found = audited(store, receipts)
    assert (found.proven, found.findings) == (("A.xml", "B.xml", "C.xml"), ())


def own_seal(store: Store) -> Callable[[bytes], bytes]:
    """The seal of the gateway itself, in the hands of an insider."""
    premises = Premises(store.data)
    return _with(Signer.load(premises.signing_key, premises.signing_certificate))


def _with(signer: Signer) -> Callable[[bytes], bytes]:
    def seal(content: bytes) -> bytes:
        document = etree.fromstring(content)
        document.remove(document[-1])
        return signer.sign(document, datetime.now(UTC))

    return seal


def raise_a_class(store: Store) -> None:
    """What an insider wants: an employer's accident factor was never 0.85."""
    store.do("UPDATE employer_year SET accident_factor = 130 WHERE id = 1")


def test_history_rewritten_with_the_key_of_the_seal_is_shown_by_receipts_alone(
    store: Store, receipts: list[Path]
) -> None:
    """Everything inside agrees, under good seals: `verify` is green, and three old receipts are not."""
    raise_a_class(store)
    rewrite(store, own_seal(store))
    assert store.findings() == ()
    found = audited(store, receipts)
    assert found.proven == ()
    assert [finding.partition(":")[0] for finding in found.findings] == ["A.xml", "B.xml", "C.xml"]
    assert all("rewritten" in finding for finding in found.findings)


def test_history_rewritten_without_the_key_is_found_twice(store: Store, receipts: list[Path]) -> None:
    raise_a_class(store)
    store.forge()
    assert any("sealed over" in finding for finding in store.findings())
    found = audited(store, receipts)
    assert (found.proven, len(found.findings)) == ((), 3)


def test_a_head_under_another_seal_is_not_believed(store: Store, receipts: list[Path]) -> None:
    now = datetime.now(UTC)
    key = new_key(KeyKind.P256)
    first, last = now - timedelta(days=1), now + timedelta(days=1)
    root = Authority.create("Secugate throw-away authority", first, last)
    stranger = Signer(key, root.issue(Subject("Secugate seal"), key.public_key(), first, last))
    raise_a_class(store)
    rewrite(store, _with(stranger))
    found = audited(store, receipts)
    assert found.size is None
    assert [finding.partition(":")[0] for finding in found.findings] == ["Head"]


def test_an_older_copy_put_in_its_place_is_shown(months: tuple[Path, Path], receipts: list[Path]) -> None:
    found = audited(Store(months[1]), receipts)
    assert found.proven == ("A.xml", "B.xml")
    assert found.findings[0].startswith("C.xml: it is over")


def test_what_is_no_receipt_of_ours_is_told(store: Store, receipts: list[Path]) -> None:
    changed = receipts[0].read_bytes().replace(b"<Sequence>", b"<Sequence>1")
    receipts[0].write_bytes(changed)
    receipts[1].write_bytes(b"no receipt")
    found = audited(store, receipts)
    assert found.proven == ("C.xml",)
    assert all("does not bear the seal" in finding for finding in found.findings)


def test_the_command_over_a_folder(store: Store, receipts: list[Path], tmp_path: Path) -> None:
    seals = str(Premises(store.data).seals)
    arguments = ["audit", "--receipts", *map(str, receipts), "--seal", seals, "--data", str(store.data)]
    good = CliRunner().invoke(app, [*arguments, "--json"])
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["proven"] == ["A.xml", "B.xml", "C.xml"]
    raise_a_class(store)
    rewrite(store, own_seal(store))
    bad = CliRunner().invoke(app, arguments)
    assert bad.exit_code == 1
    assert "A.xml: the journal was rewritten since" in bad.output


# Heads


def test_a_head_is_sealed_within_a_minute_of_whatever_is_entered_and_not_else(store: Store) -> None:
    premises = Premises(store.data)
    signer = Signer.load(premises.signing_key, premises.signing_certificate)
    at = datetime.now(UTC)
    sealed = []
    with closing(Database(premises.database, lambda: at)) as database:
        heads = Heads(database, Seal(signer, "test"))
        for second in range(0, 300, 10):
            if second in (20, 30, 200):
                with database.write() as connection:
                    connection.exec_driver_sql("UPDATE employer_year SET public = 1 - public WHERE id = 1")
            before = store.ask("SELECT count(*) FROM journal_head")
            heads.sweep(Received(at + timedelta(seconds=second)))
            if store.ask("SELECT count(*) FROM journal_head") != before:
                sealed.append(second)
    assert sealed == [20, 70, 200]
    assert store.findings() == ()


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An open gateway."""
    with house(tmp_path_factory.mktemp("open"), doors=True) as home:
        home.employer(EMPLOYER)
        yield home


@pytest.fixture(scope="module")
def member(open_home: House) -> Sender:
    return open_home.sender(MEMBER, [EMPLOYER])


@contextmanager
def client(home: House, sender: Sender | None) -> Iterator[httpx2.Client]:
    assert home.doors is not None
    context = ssl.create_default_context(cafile=str(home.trust))
    if sender is not None:
        known = profile(sender)
        context.load_cert_chain(known.certificate, known.key)
    with httpx2.Client(base_url=home.doors.https, verify=context, timeout=30) as opened:
        yield opened


def test_any_member_gets_the_head_and_proofs_over_https(open_home: House, member: Sender) -> None:
    content = open_home.receive(member, "x.xml", b"no batch").content
    receipt = read_journal(verify_seal(content, load_seals(open_home.seals)).content)
    Heads(open_home.gateway.database, open_home.gateway.seal).sweep(Received(open_home.clock()))
    with client(open_home, member) as http:
        document = verify_seal(http.get("/v1/journal/head").content, load_seals(open_home.seals)).content
        head = jouhed.read(document).journal
        asked = {"sequence": receipt.sequence, "size": head.sequence}
        proof = http.get("/v1/journal/inclusion", params=asked).json()
    assert head.hash == proof["root"]
    hashes = [bytes.fromhex(each) for each in proof["proof"]]
    leaf, root, index = bytes.fromhex(proof["leaf"]), bytes.fromhex(head.hash), receipt.sequence - 1
    check_inclusion(leaf, index, head.sequence, hashes, root)
    with pytest.raises(Broken):
        check_inclusion(leaf, index, head.sequence, hashes, bytes.fromhex(receipt.hash))
    with enter(profile(member)) as door:
        found = audit({"receipt": content}, door, list(load_seals(open_home.seals)))
    assert (found.proven, found.findings) == (("receipt",), ())


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("inclusion?sequence=1&size=1", 200),
        ("inclusion?sequence=2&size=1", 404),
        ("inclusion?sequence=1&size=999999", 404),
        ("consistency?first=1&second=9223372036854775807", 404),
        ("consistency?first=2&second=1", 404),
        ("consistency?first=0&second=1", 400),
        ("consistency?first=-1&second=1", 400),
        ("consistency?first=1&second=9223372036854775808", 400),
        ("inclusion?sequence=x&size=1", 400),
        ("inclusion", 400),
    ],
)
def test_sizes_that_are_not_there_are_refused(
    open_home: House, member: Sender, address: str, status: int
) -> None:
    with client(open_home, member) as http:
        assert http.get(f"/v1/journal/{address}").status_code == status


@pytest.mark.parametrize("address", ["head", "inclusion?sequence=1&size=1", "consistency?first=1&second=1"])
def test_nobody_without_a_certificate_gets_any(open_home: House, address: str) -> None:
    with client(open_home, None) as http:
        assert http.get(f"/v1/journal/{address}").status_code == 401
