"""SR-23: keys per sender and month, apart from the data; erasure is provable and survives a restore."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database import Database
from adapters.database.answers import SqlCollection
from adapters.database.deposits import Deposits
from adapters.database.documents import check_master
from adapters.encryption import Erased, MasterKey, UnusableMasterKey, name_of
from adapters.erasure import NotErased, erase, open_store, rotate_master
from adapters.premises import Premises, database_of, seal_of, spool_of
from adapters.settings import Settings
from adapters.spool import Spool
from adapters.verification import inspect
from gateway.batch import MemberId
from gateway.moments import Period, Received
from inbox.receive import Gone, Inbox, Receipt, receive
from outbox.collect import collect
from signing.certificates import load_seals
from tests.flow.premises import someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, MovingClock, house, wage

AUGUST = datetime(2026, 8, 20, 9, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 6, 9, tzinfo=UTC)
MONTH = Period(2026, 8)


@dataclass(slots=True)
class Story:
    """The store of a gateway at rest: two members sent a batch in August and in October each.

    Attributes:
        sent: id and bytes of each deposit, by member and month.
    """

    settings: Settings
    clock: MovingClock
    sent: Mapping[tuple[MemberId, int], tuple[str, bytes]]
    database: Database

    @property
    def spool(self) -> Spool:
        return spool_of(self.settings, self.database)

    @property
    def shelves(self) -> SqlCollection:
        return SqlCollection(self.database)

    def rows(self, query: str, *given: object) -> list[sa.Row[tuple[object, ...]]]:
        with self.database.read() as connection:
            return list(connection.exec_driver_sql(query, given).all())

    def do(self, statement: str, *given: object) -> None:
        with self.database.write() as connection:
            assert connection.exec_driver_sql(statement, given).rowcount

    def findings(self) -> Sequence[str]:
        seals = load_seals(Premises(self.settings.data).seals)
        return inspect(self.database, self.spool, seals).findings

    def receive(self, content: bytes, name: str = "again.XML") -> Receipt:
        """The same door for all: no engine runs behind it."""
        seal = seal_of(Premises(self.settings.data), self.settings)
        inbox = Inbox(self.spool.begin, Deposits(self.database, seal, lambda: None), self.clock)
        upload = inbox.begin()
        upload.write(0, content)
        return receive(inbox, upload, sender=str(MEMBER), name=name, door="https")

    def erase(self, reason: str = "case-17") -> bool:
        return erase(self.database, MEMBER, MONTH, reason, Received(self.clock()))

    def readable(self, member: MemberId, month: int) -> bool:
        """Whether the deposit of a month and all its answers can be read; all of it, or nothing."""
        deposit, content = self.sent[member, month]
        found = set()
        shelf = [
            one.answer.id for one in self.shelves.after(str(member), 0, 1000) if one.answer.deposit == deposit
        ]
        assert len(shelf) >= 2
        for answer in shelf:
            try:
                found.add(self.shelves.content(str(member), answer) is not None)
            except Erased:
                found.add(False)
        try:
            found.add(self.spool.read(deposit) == content)
        except Erased:
            found.add(False)
        (one,) = found
        return one


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[tuple[MemberId, int], tuple[str, bytes]]]:
    """The folder of the gateway at rest, and what was sent."""
    clock, sent = MovingClock(AUGUST), {}
    with house(tmp_path_factory.mktemp("played"), clock=clock) as home:
        senders = {}
        for member, employer in ((MEMBER, EMPLOYER), (OTHER_MEMBER, OTHER_EMPLOYER)):
            home.employer(employer)
            senders[employer] = home.sender(member, [employer])
        for month, at in ((8, AUGUST + timedelta(hours=1)), (10, OCTOBER)):
            clock.at = at
            for employer, sender in senders.items():
                who = someone()
                home.affiliate(who, employer=employer)
                record = wage(who, employer=employer, Period="2026-07")
                name, content = home.signed(sender, "DECSAL", [record])
                deposit = home.receive(sender, name, content).deposit
                assert home.outcome(sender, deposit).codes == []
                sent[sender.member, month] = (deposit, content)
                for one in home.gateway.outbox.collection.after(str(sender.member), 0, 1000):
                    collect(
                        home.gateway.outbox,
                        recipient=str(sender.member),
                        answer_id=one.answer.id,
                        door="https",
                    )
    return home.settings.data, sent


@pytest.fixture
def story(
    played: tuple[Path, dict[tuple[MemberId, int], tuple[str, bytes]]], tmp_path: Path
) -> Iterator[Story]:
    data, sent = played
    settings = Settings(data=tmp_path / "gateway")
    shutil.copytree(data, settings.data)
    clock = MovingClock(OCTOBER + timedelta(hours=1))
    made = Story(settings, clock, sent, database_of(settings, clock))
    yield made
    made.database.close()


def test_after_an_erasure_nobody_reads_it_and_the_journal_verifies(story: Story) -> None:
    assert story.findings() == ()
    assert story.readable(MEMBER, 8)
    assert story.erase()
    assert not story.readable(MEMBER, 8)
    assert story.readable(MEMBER, 10)
    assert story.readable(OTHER_MEMBER, 8)
    ((subject, member),) = story.rows("SELECT subject, member FROM journal WHERE event = 'erased'")
    assert member == str(MEMBER)
    assert str(subject).endswith(" 2026-08 case-17")
    assert story.findings() == ()
    assert not story.erase(), "there is nothing left to erase"


def test_the_same_bytes_again_are_answered_as_erased_and_leave_nothing(story: Story) -> None:
    _, content = story.sent[MEMBER, 8]
    assert story.receive(content).repeated
    story.erase()
    before = sorted(story.spool.ids())
    with pytest.raises(Gone):
        story.receive(content)
    assert sorted(story.spool.ids()) == before
    assert story.findings() == ()


def test_what_is_erased_is_hidden_from_folders(story: Story) -> None:
    shown = story.shelves.visible(str(MEMBER))
    story.erase()
    left = story.shelves.visible(str(MEMBER))
    assert {f"{one.answer.posted:%Y-%m}" for one in shown} == {"2026-08", "2026-10"}
    assert {f"{one.answer.posted:%Y-%m}" for one in left} == {"2026-10"}


def test_no_copy_of_the_wrapped_key_is_left_in_database_or_log(story: Story) -> None:
    query = "SELECT wrapped FROM data_key WHERE member = ? AND month = '2026-08'"
    ((wrapped,),) = story.rows(query, str(MEMBER))
    assert isinstance(wrapped, bytes)
    folder = story.settings.data

    def holding() -> list[str]:
        return [file.name for file in folder.glob("secugate.sqlite*") if wrapped in file.read_bytes()]

    assert holding(), "it was there: the search finds it"
    story.erase()
    assert holding() == []


@pytest.mark.parametrize(
    ("at", "said"),
    [(datetime(2026, 8, 31, 23, 59, tzinfo=UTC), "over"), (datetime(2026, 9, 1, 23, 59, tzinfo=UTC), "over")],
)
def test_a_month_is_erased_only_when_nothing_of_it_can_come_any_more(
    story: Story, at: datetime, said: str
) -> None:
    with pytest.raises(NotErased, match=said):
        erase(story.database, MEMBER, MONTH, "case-17", Received(at))
    assert story.readable(MEMBER, 8)
    assert erase(story.database, MEMBER, MONTH, "case-17", Received(at + timedelta(days=1, minutes=2)))


def test_what_was_never_collected_is_not_erased(story: Story) -> None:
    story.do("UPDATE answer SET collected = NULL WHERE kind = 'ACKTRT'")
    with pytest.raises(NotErased, match="never collected"):
        story.erase()
    assert story.readable(MEMBER, 8)


def test_what_is_not_treated_is_not_erased(story: Story) -> None:
    story.do("UPDATE deposit SET state = 'parked'")
    with pytest.raises(NotErased, match="not treated"):
        story.erase()


@pytest.mark.parametrize("reason", ["", "Mme Wantz a demandé", "x" * 41, "a\nb"])
def test_a_reason_has_no_room_for_a_name(story: Story, reason: str) -> None:
    with pytest.raises(NotErased, match="reason"):
        story.erase(reason)


def test_a_key_that_vanishes_without_an_erasure_is_found(story: Story) -> None:
    """Negative control: `verify` does not believe a row that says erased; the journal has to."""
    story.do("UPDATE data_key SET wrapped = NULL, destroyed = made WHERE month = '2026-08'")
    assert any("the journal tells of no erasure" in one for one in story.findings())


def test_a_document_made_to_look_erased_is_found(story: Story) -> None:
    """A October answer is made to name the key that was erased for August."""
    story.erase()
    shelf = "SELECT id, content FROM answer WHERE posted LIKE ? AND recipient = ? LIMIT 1"
    ((_, old),) = story.rows(shelf, "2026-08%", str(MEMBER))
    ((identifier, new),) = story.rows(shelf, "2026-10%", str(MEMBER))
    assert isinstance(old, bytes) and isinstance(new, bytes)
    story.do("UPDATE answer SET content = ? WHERE id = ?", old[:17] + new[17:], identifier)
    assert any("the journal tells of no erasure" in one for one in story.findings())


def restore(story: Story, backup: Path) -> None:
    """The store as it was, beside the keys as they are."""
    story.database.close()
    for name in ("secugate.sqlite", "secugate.sqlite-wal", "secugate.sqlite-shm"):
        (story.settings.data / name).unlink(missing_ok=True)
    shutil.rmtree(story.settings.data / "spool")
    shutil.copy(backup / "secugate.sqlite", story.settings.data)
    shutil.copytree(backup / "spool", story.settings.data / "spool")


def back_up(story: Story, folder: Path) -> Path:
    folder.mkdir()
    with story.database.engine.connect() as connection:
        connection.connection.cursor().execute("VACUUM INTO ?", (str(folder / "secugate.sqlite"),))
    shutil.copytree(story.settings.data / "spool", folder / "spool")
    return folder


def test_a_restored_backup_does_not_bring_it_back(story: Story, tmp_path: Path) -> None:
    backup = back_up(story, tmp_path / "backup")
    story.erase()
    restore(story, backup)
    assert story.readable(MEMBER, 8), "the backup holds the key: only the start takes it away"
    assert open_store(story.database, Received(story.clock())) == 1
    assert not story.readable(MEMBER, 8)
    assert story.readable(OTHER_MEMBER, 8)
    assert story.findings() == ()
    assert open_store(story.database, Received(story.clock())) == 0


def test_without_the_list_beside_the_master_key_a_backup_would_bring_it_back(
    story: Story, tmp_path: Path
) -> None:
    """Negative control."""
    backup = back_up(story, tmp_path / "backup")
    story.erase()
    restore(story, backup)
    story.database.master.destroyed.unlink()
    assert open_store(story.database, Received(story.clock())) == 0
    assert story.readable(MEMBER, 8)


def test_the_master_key_is_changed_without_touching_a_document(story: Story) -> None:
    """SR-25: while the gateway runs."""
    database = story.database
    files = {file: file.read_bytes() for file in (story.settings.data / "spool").rglob("*") if file.is_file()}
    contents = story.rows("SELECT id, content FROM answer ORDER BY number")
    running = database_of(story.settings, story.clock)
    with running.read() as connection:
        check_master(connection)
    before = database.master.file.read_bytes()
    assert rotate_master(database) == 4
    assert database.master.file.read_bytes() != before
    assert len(database.master.file.read_bytes().split()) == 1
    assert database.master.file.stat().st_mode & 0o777 == 0o600
    assert {file: file.read_bytes() for file in files} == files
    assert story.rows("SELECT id, content FROM answer ORDER BY number") == contents
    story.database = running
    assert all(story.readable(member, month) for member in (MEMBER, OTHER_MEMBER) for month in (8, 10))
    story.clock.at = OCTOBER + timedelta(days=60)
    receipt = story.receive(b"of a month that has no key yet", "new.XML")
    assert story.spool.read(receipt.deposit) == b"of a month that has no key yet"
    assert {row.master for row in story.rows("SELECT DISTINCT master FROM data_key")} == {
        name_of(base64.b64decode(database.master.file.read_bytes()))
    }
    assert story.findings() == ()
    database.close()


def test_the_old_master_key_opens_nothing_any_more(story: Story) -> None:
    """With it, neither the store nor a backup made after the change can be read."""
    database = story.database
    old = database.master.file.read_bytes()
    rotate_master(database)
    database.master.file.write_bytes(old)
    fresh = database_of(story.settings, story.clock)
    with pytest.raises(UnusableMasterKey), fresh.read() as connection:
        check_master(connection)
    fresh.close()


def test_a_rotation_cut_off_anywhere_leaves_all_readable(story: Story) -> None:
    database = story.database
    database.master.add_new()
    assert story.readable(MEMBER, 8)
    fresh = database_of(story.settings, story.clock)
    with fresh.read() as connection:
        check_master(connection)
    assert rotate_master(fresh) == 4
    assert len(database.master.file.read_bytes().split()) == 1
    assert story.readable(MEMBER, 8)
    fresh.close()


@pytest.mark.parametrize("fault", ["missing", "open", "other", "empty", "garbage"])
def test_a_start_without_the_right_master_key_is_refused(story: Story, fault: str) -> None:
    """SR-25, P8: refused with the reason, before a door opens."""
    file = story.database.master.file
    if fault == "missing":
        file.unlink()
    elif fault == "open":
        file.chmod(0o640)
    elif fault == "other":
        file.unlink()
        MasterKey(file).make()
    else:
        file.write_bytes(b"" if fault == "empty" else b"not a key\n")
    fresh = database_of(story.settings, story.clock)
    with pytest.raises(UnusableMasterKey):
        open_store(fresh, Received(story.clock()))
    fresh.close()
