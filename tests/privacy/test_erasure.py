"""SR-23: keys for each sender and month, kept apart from the data; erasure is provable and survives a restore."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from lxml import etree

from adapters.database.documents import check_master
from adapters.encryption import Erased, MasterKey, UnusableMasterKey
from adapters.erasure import NotErased, erase, open_store, rotate_master
from adapters.serve import Gateway
from gateway.moments import Period, Received
from gateway.returns import acktrt
from inbox.receive import Gone, Receipt
from outbox.collect import collect
from tests.flow.premises import rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, MovingClock, Sender, house, wage

MAY = datetime(2026, 5, 20, 9, tzinfo=UTC)
JULY = datetime(2026, 7, 6, 9, tzinfo=UTC)
MONTH = Period(2026, 5)


@dataclass(slots=True)
class Story:
    """Two members each sent a batch in May and in July, and collected all answers."""

    home: House
    clock: MovingClock
    mine: Sender
    other: Sender
    sent: dict[tuple[str, int], tuple[Receipt, bytes]]

    def erase(self, reason: str = "case-17") -> bool:
        return erase(self.home.gateway.database, MEMBER, MONTH, reason, Received(self.clock()))

    def readable(self, sender: Sender, month: int) -> bool:
        """Whether the deposit of a month and all its answers can be read; all of it, or nothing."""
        receipt, content = self.sent[str(sender.member), month]
        shelf = [
            listed.answer.id
            for listed in self.home.gateway.outbox.collection.after(str(sender.member), 0, 1000)
            if listed.answer.deposit == receipt.deposit
        ]
        assert len(shelf) >= 2
        found = set()
        for answer in shelf:
            try:
                found.add(self.home.gateway.outbox.collection.content(str(sender.member), answer) is not None)
            except Erased:
                found.add(False)
        try:
            found.add(self.home.gateway.spool.read(receipt.deposit) == content)
        except Erased:
            found.add(False)
        (one,) = found
        return one


def collect_all(home: House, sender: Sender) -> None:
    for listed in home.gateway.outbox.collection.after(str(sender.member), 0, 1000):
        if listed.collected is None:
            collect(home.gateway.outbox, recipient=str(sender.member), answer_id=listed.answer.id, door="https")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    clock = MovingClock(MAY)
    with house(tmp_path, clock=clock) as home:
        made = {}
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            home.employer(employer)
        mine, other = home.sender(MEMBER, [EMPLOYER]), home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
        for month, at in ((5, MAY), (7, JULY)):
            clock.at = at
            for sender, employer in ((mine, EMPLOYER), (other, OTHER_EMPLOYER)):
                who = someone()
                home.affiliate(who, employer=employer)
                name, content = home.signed(sender, "DECSAL", [wage(who, employer=employer)])
                receipt = home.receive(sender, name, content)
                home.wait(sender, receipt.deposit)
                made[str(sender.member), month] = (receipt, content)
                collect_all(home, sender)
        yield Story(home, clock, mine, other, made)


def test_after_an_erasure_nobody_reads_it_and_the_journal_verifies(story: Story) -> None:
    assert story.home.findings() == ()
    assert story.readable(story.mine, 5)
    assert story.erase()
    assert not story.readable(story.mine, 5)
    assert story.readable(story.mine, 7)
    assert story.readable(story.other, 5)
    (entry,) = rows(story.home, "SELECT subject, member FROM journal WHERE event = 'erased'")
    assert entry["member"] == str(MEMBER)
    assert entry["subject"].endswith(" 2026-05 case-17")
    assert story.home.findings() == ()
    assert not story.erase(), "there is nothing left to erase"


def test_the_same_bytes_again_are_answered_as_erased_and_leave_nothing(story: Story) -> None:
    _, content = story.sent[str(MEMBER), 5]
    assert story.home.receive(story.mine, "again.XML", content).repeated
    story.erase()
    before = sorted(story.home.gateway.spool.ids())
    with pytest.raises(Gone):
        story.home.receive(story.mine, "again.XML", content)
    assert sorted(story.home.gateway.spool.ids()) == before
    assert story.home.findings() == ()


def test_what_is_erased_is_hidden_from_folders(story: Story) -> None:
    shown = story.home.gateway.outbox.collection.visible(str(MEMBER))
    story.erase()
    left = story.home.gateway.outbox.collection.visible(str(MEMBER))
    assert {f"{one.answer.posted:%Y-%m}" for one in shown} == {"2026-05", "2026-07"}
    assert {f"{one.answer.posted:%Y-%m}" for one in left} == {"2026-07"}


def test_no_copy_of_the_wrapped_key_is_left_in_database_or_log(story: Story) -> None:
    (key,) = rows(story.home, "SELECT wrapped FROM data_key WHERE member = :m AND month = '2026-05'", m=str(MEMBER))
    folder = story.home.settings.data

    def holding() -> list[str]:
        return [file.name for file in folder.glob("secugate.sqlite*") if key["wrapped"] in file.read_bytes()]

    assert holding(), "it was there: the search finds it"
    story.erase()
    assert holding() == []


@pytest.mark.parametrize(
    ("at", "said"),
    [(datetime(2026, 5, 31, 23, 59, tzinfo=UTC), "over"), (datetime(2026, 6, 1, 23, 59, tzinfo=UTC), "over")],
)
def test_a_month_is_erased_only_when_nothing_of_it_can_come_any_more(
    story: Story, at: datetime, said: str
) -> None:
    with pytest.raises(NotErased, match=said):
        erase(story.home.gateway.database, MEMBER, MONTH, "case-17", Received(at))
    assert story.readable(story.mine, 5)
    assert erase(story.home.gateway.database, MEMBER, MONTH, "case-17", Received(at + timedelta(days=1, minutes=2)))


def test_what_was_never_collected_is_not_erased(story: Story) -> None:
    with story.home.gateway.database.write() as connection:
        connection.exec_driver_sql("UPDATE answer SET collected = NULL WHERE kind = 'ACKTRT'")
    with pytest.raises(NotErased, match="never collected"):
        story.erase()
    assert story.readable(story.mine, 5)


def test_what_is_not_treated_is_not_erased(story: Story) -> None:
    with story.home.gateway.database.write() as connection:
        connection.exec_driver_sql("UPDATE deposit SET state = 'parked'")
    with pytest.raises(NotErased, match="not treated"):
        story.erase()


@pytest.mark.parametrize("reason", ["", "Mme Wantz a demandé", "x" * 41, "a\nb"])
def test_a_reason_has_no_room_for_a_name(story: Story, reason: str) -> None:
    with pytest.raises(NotErased, match="reason"):
        story.erase(reason)


def test_a_key_that_vanishes_without_an_erasure_is_found(story: Story) -> None:
    """Negative control: `verify` does not believe a row that says erased; the journal has to."""
    with story.home.gateway.database.write() as connection:
        connection.exec_driver_sql("UPDATE data_key SET wrapped = NULL, destroyed = made WHERE month = '2026-05'")
    assert any("the journal tells of no erasure" in one for one in story.home.findings())


def test_a_document_made_to_look_erased_is_found(story: Story) -> None:
    """A July answer is made to name the key that was erased for May."""
    story.erase()
    with story.home.gateway.database.write() as connection:
        (old,) = connection.exec_driver_sql(
            "SELECT content FROM answer WHERE posted LIKE '2026-05%' AND recipient = ? LIMIT 1", (str(MEMBER),)
        ).first() or (b"",)
        connection.exec_driver_sql(
            "UPDATE answer SET content = ? || substr(content, 18) WHERE posted LIKE '2026-07%' AND recipient = ?",
            (old[:17], str(MEMBER)),
        )
    assert any("the journal tells of no erasure" in one for one in story.home.findings())


def restore(story: Story, backup: Path) -> Gateway:
    """The store as it was, beside the keys as they are; a gateway on it, not started."""
    home = story.home
    home.gateway.database.close()
    for name in ("secugate.sqlite", "secugate.sqlite-wal", "secugate.sqlite-shm"):
        (home.settings.data / name).unlink(missing_ok=True)
    shutil.rmtree(home.settings.data / "spool")
    shutil.copy(backup / "secugate.sqlite", home.settings.data)
    shutil.copytree(backup / "spool", home.settings.data / "spool")
    return home.gateway


def back_up(story: Story, folder: Path) -> Path:
    folder.mkdir()
    with story.home.gateway.database.engine.connect() as connection:
        connection.connection.cursor().execute("VACUUM INTO ?", (str(folder / "secugate.sqlite"),))
    shutil.copytree(story.home.settings.data / "spool", folder / "spool")
    return folder


def test_a_restored_backup_does_not_bring_it_back(story: Story, tmp_path: Path) -> None:
    backup = back_up(story, tmp_path / "backup")
    story.erase()
    gateway = restore(story, backup)
    assert story.readable(story.mine, 5), "the backup holds the key: only the start takes it away"
    assert open_store(gateway.database, Received(story.clock())) == 1
    assert not story.readable(story.mine, 5)
    assert story.readable(story.other, 5)
    assert story.home.findings() == ()
    assert open_store(gateway.database, Received(story.clock())) == 0


def test_without_the_list_beside_the_master_key_a_backup_would_bring_it_back(
    story: Story, tmp_path: Path
) -> None:
    """Negative control."""
    backup = back_up(story, tmp_path / "backup")
    story.erase()
    gateway = restore(story, backup)
    gateway.database.master.destroyed.unlink()
    assert open_store(gateway.database, Received(story.clock())) == 0
    assert story.readable(story.mine, 5)


def test_the_master_key_is_changed_without_touching_a_document(story: Story) -> None:
    """SR-25: while the gateway runs."""
    home, database = story.home, story.home.gateway.database
    files = {file: file.read_bytes() for file in (home.settings.data / "spool").rglob("*") if file.is_file()}
    contents = rows(home, "SELECT id, hex(content) AS kept FROM answer ORDER BY number")
    old = MasterKey(database.master.file)
    old_bytes = database.master.file.read_bytes()
    assert rotate_master(database) == 4
    assert database.master.file.read_bytes() != old_bytes
    assert len(database.master.file.read_bytes().split()) == 1
    assert database.master.file.stat().st_mode & 0o777 == 0o600
    assert {file: file.read_bytes() for file in files} == files
    assert rows(home, "SELECT id, hex(content) AS kept FROM answer ORDER BY number") == contents
    assert all(story.readable(sender, month) for sender in (story.mine, story.other) for month in (5, 7))
    who = someone()
    home.affiliate(who)
    done = home.send(story.mine, "DECSAL", [wage(who)])
    assert acktrt.read(etree.fromstring(done.answers[acktrt.CODE])).verdict.value == "accepted"
    assert home.findings() == ()
    assert old.file == database.master.file


def test_the_old_master_key_opens_nothing_any_more(story: Story) -> None:
    """With it, neither the store nor a backup made after the change can be read."""
    database = story.home.gateway.database
    old = database.master.file.read_bytes()
    rotate_master(database)
    database.master.file.write_bytes(old)
    fresh = story.home.gateway.database.__class__(database.file, story.clock)
    with pytest.raises(UnusableMasterKey), fresh.read() as connection:
        check_master(connection)
    fresh.close()


def test_a_rotation_cut_off_anywhere_leaves_all_readable(story: Story) -> None:
    database = story.home.gateway.database
    database.master.add_new()
    assert story.readable(story.mine, 5)
    with database.write() as connection:
        connection.execute(sa.text("SELECT 1"))
    fresh = database.__class__(database.file, story.clock)
    with fresh.read() as connection:
        check_master(connection)
    assert rotate_master(fresh) == 4
    assert len(database.master.file.read_bytes().split()) == 1
    assert story.readable(story.mine, 5)
    fresh.close()


@pytest.mark.parametrize("fault", ["missing", "open", "other", "empty", "garbage"])
def test_a_start_without_the_right_master_key_is_refused(story: Story, fault: str) -> None:
    """SR-25, P8: refused with the reason, before a door opens."""
    file = story.home.gateway.database.master.file
    if fault == "missing":
        file.unlink()
    elif fault == "open":
        file.chmod(0o640)
    elif fault == "other":
        file.unlink()
        MasterKey(file).make()
    else:
        file.write_bytes(b"" if fault == "empty" else b"not a key\n")
    fresh = story.home.gateway.database.__class__(story.home.gateway.database.file, story.clock)
    with pytest.raises(UnusableMasterKey):
        open_store(fresh, Received(story.clock()))
    fresh.close()
