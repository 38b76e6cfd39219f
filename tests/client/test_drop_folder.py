"""`secugate watch`: what appears in a folder is sent, once, and answered beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.client.drop.places import Places, Watched
from gateway.client.seals import GOOD, seal_verdict
from gateway.moments import system_clock
from tests.client.dropping import Dropping, deposits, dropping, wages_of
from tests.flow.premises import someone
from tests.house import House, Sender, profile, scans, wage


@pytest.fixture
def drop(visitor: Sender, tmp_path: Path) -> Iterator[Dropping]:
    yield dropping(visitor, tmp_path / "drop")


def number_of_deposits(home: House, sender: Sender) -> int:
    return len(deposits(home, sender))


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_payroll_output_is_signed_sent_and_answered(
    open_home: House, visitor: Sender, tmp_path: Path, door: str
) -> None:
    drop = dropping(visitor, tmp_path / "drop", door=door)
    before = number_of_deposits(open_home, visitor)
    open_home.affiliate(insured := someone())
    content = wages_of(insured)
    drop.put("DECSAL-july.dta", content)
    drop.until_answered()
    (name,) = drop.sent()
    assert drop.lying() == []
    assert (drop.places.sent / name / "DECSAL-july.dta").read_bytes() == content
    assert (drop.places.sent / name / name).read_bytes()[:2] == b"PK"
    for answer in (drop.receipt(name), drop.acknowledgement(name)):
        assert seal_verdict(answer.read_bytes(), profile(visitor).seal) == GOOD
    assert f"{name}: accepted (1 accepted, 0 rejected, 0 held)." in drop.said
    assert number_of_deposits(open_home, visitor) == before + 1
    # All of it was acknowledged to the gateway: there is nothing left to fetch over SFTP.
    assert drop.round() is None
    assert number_of_deposits(open_home, visitor) == before + 1


def test_signed_and_unsigned_xml_go_as_they_are_called(
    open_home: House, visitor: Sender, drop: Dropping
) -> None:
    open_home.affiliate(one := someone(), other := someone())
    name, signed = open_home.signed(visitor, "DECSAL", [wage(one)])
    drop.put(name, signed)
    drop.put("july.xml", etree.tostring(open_home.plain(visitor, "DECSAL", [wage(other)])))
    assert drop.round() is None
    assert len(drop.sent()) == 2
    assert (drop.places.sent / name / name).read_bytes() == signed
    assert [file.name for file in (drop.places.sent / name).iterdir()] == [name]
    (made,) = (one for one in drop.sent() if one != name)
    assert made.startswith("SECU.DECSAL.")
    assert set(drop.sent()) <= set(deposits(open_home, visitor))


def test_nothing_is_signed_unless_the_profile_says_so(visitor: Sender, tmp_path: Path) -> None:
    drop = dropping(visitor, tmp_path / "drop", sign=False)
    drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is None
    assert (drop.sent(), drop.lying()) == ([], ["DECSAL.dta"])
    drop.round()
    line = "DECSAL.dta is left alone: it is not signed, and the profile does not say `sign = true`."
    assert drop.said.count(line) == 1


def test_what_is_not_complete_is_left_alone_until_it_is(
    open_home: House, visitor: Sender, drop: Dropping
) -> None:
    whole = etree.tostring(open_home.plain(visitor, "DECSAL", [wage(someone())]))
    content = wages_of(someone())
    drop.put("DECSAL.dta", content[:-2])
    drop.put("july.xml", whole[:-30])
    drop.put("DECSAL-empty.dta", b"")
    for name in ("DECSAL-a.dta.part", ".DECSAL-b.dta", "~DECSAL.dta", "DECSAL-c.dta.filepart", "DECSAL.tmp"):
        drop.put(name, content)
    lying = drop.lying()
    assert drop.round() is None
    assert (drop.sent(), drop.lying()) == ([], lying)
    drop.put("DECSAL.dta", content)
    drop.put("july.xml", whole)
    assert drop.round() is None
    assert len(drop.sent()) == 2
    assert "DECSAL.dta" not in drop.lying()


def test_a_growing_file_waits_and_so_does_one_that_is_open(drop: Dropping) -> None:
    content = wages_of(someone())
    drop.watcher.see()
    drop.put("DECSAL.dta", content)
    assert drop.watcher.round() is None
    assert drop.sent() == []
    with (drop.places.root / "DECSAL.dta").open("ab"):
        assert drop.watcher.round() is None
        assert drop.sent() == []
    assert drop.watcher.round() is None
    assert len(drop.sent()) == 1


def test_the_same_bytes_are_sent_once_whatever_they_are_called(
    open_home: House, visitor: Sender, drop: Dropping
) -> None:
    before = number_of_deposits(open_home, visitor)
    content = wages_of(someone())
    for name in ("DECSAL.dta", "DECSAL-again.dta", "DECSAL.dta"):
        drop.put(name, content)
        assert drop.round() is None
    assert number_of_deposits(open_home, visitor) == before + 1
    assert drop.lying() == []
    assert "not again" in drop.said[-1]
    drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is None
    assert number_of_deposits(open_home, visitor) == before + 2


def test_scans_go_with_their_request_and_it_waits_for_them(
    open_home: House, visitor: Sender, drop: Dropping
) -> None:
    from datetime import date  # noqa: PLC0415

    from tests.house import EMPLOYER  # noqa: PLC0415

    line = f"1;{EMPLOYER};MUSTER;ANNA;18910203;DE;1;HAUPTSTRASSE;DE;54290;TRIER;\r\n"
    (scan_name, scan_bytes), *_ = scans(visitor.member, [date(1891, 2, 3)]).items()
    drop.put(scan_name, scan_bytes)
    assert drop.round() is None
    assert "it goes with one DEMMAT" in drop.said[0]
    drop.put("DEMMAT.dta", f"0;{visitor.member.matricule};{visitor.member.number}\r\n{line}".encode())
    drop.put("DEMMAT-other.dta", f"0;{visitor.member.matricule};{visitor.member.number}\r\n{line}".encode())
    assert drop.round() is None
    assert drop.sent() == []
    (drop.places.root / "DEMMAT-other.dta").unlink()
    assert drop.round() is None
    (name,) = drop.sent()
    assert sorted(file.name for file in (drop.places.sent / name).iterdir()) == sorted(
        ["DEMMAT.dta", scan_name, name]
    )


def test_what_the_door_never_takes_is_set_aside_with_the_reason(
    open_home: House, visitor: Sender, drop: Dropping
) -> None:
    long, content = open_home.signed(visitor, "DECSAL", [wage()] * 2500)
    drop.put(long, content)
    good = drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is None
    assert not good.exists()
    (room,) = drop.places.refused.iterdir()
    assert "DOOR-TOO-LARGE" in (room / "why.txt").read_text()
    assert (room / long).read_bytes() == content
    assert len(drop.sent()) == 1


def test_a_file_that_cannot_be_sent_holds_up_no_other(drop: Dropping) -> None:
    drop.put("notes.xyz", b"hello")
    drop.put("DECSAL-strange.dta", b"0;2099990002099;200002\r\n")
    drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is None
    assert len(drop.sent()) == 1
    assert drop.lying() == ["DECSAL-strange.dta", "notes.xyz"]
    assert any("who has to sign it" in line for line in drop.said)


def test_the_second_watcher_of_a_folder_is_told_in_one_line(visitor: Sender, drop: Dropping) -> None:
    with drop.places.alone():
        done = CliRunner().invoke(
            app, ["watch", str(drop.places.root), "--profile", str(visitor.profile), "--once"]
        )
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "is watched already, by process" in line
    with Places(drop.places.root).alone(), pytest.raises(Watched), Places(drop.places.root).alone():
        pass


def test_a_round_for_cron(open_home: House, visitor: Sender, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    name, signed = open_home.signed(visitor, "DECSAL", [wage(someone())])
    (folder / name).write_bytes(signed)
    words = ["watch", str(folder), "--profile", str(visitor.profile), "--once", "--still", "0"]
    done: list[int] = []
    # Signals are for the main thread alone; this is it.
    assert threading.current_thread() is threading.main_thread()
    done.append(CliRunner().invoke(app, words).exit_code)
    assert done == [0]
    assert (folder / "sent" / name / name).read_bytes() == signed
    assert CliRunner().invoke(app, ["watch", str(folder / "no"), "--profile", "p"]).exit_code == 2


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_off_by_a_day_signs_nothing(visitor: Sender, tmp_path: Path, days: int) -> None:
    offset = [timedelta(days=days)]
    drop = dropping(visitor, tmp_path / "drop", clock=lambda: system_clock() + offset[0])
    drop.put("DECSAL.dta", wages_of(someone()))
    assert drop.round() is not None
    assert (drop.sent(), drop.lying()) == ([], ["DECSAL.dta"])
    (line,) = drop.said
    assert ("clock" in line, "Nothing is lost" in line) == (True, True)
    offset[0] = timedelta(0)
    assert drop.round() is None
    assert len(drop.sent()) == 1
