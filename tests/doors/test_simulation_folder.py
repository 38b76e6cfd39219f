"""The SFTP folder for what is only tried: complete like a deposit, answered beside it, kept nowhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.simulation import NotNow, NotSimulated
from tests.doors.sftp_clients import ALICE, BOB, NOW, House, Keys, house

NAME = "SECU.DECSAL.20260803-09150000.2099990001299000001.CCSS.XML"
ANSWER = NAME + ".SIMRES.xml"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def hours() -> list[datetime]:
    return [NOW]


@pytest.fixture
def home(keys: Keys, tmp_path: Path, hours: list[datetime]) -> Iterator[House]:
    with house(keys, tmp_path, limit=1000, clock=lambda: hours[-1]) as opened:
        yield opened


def code(refused: pytest.ExceptionInfo[IOError]) -> str:
    return str(refused.value)


@pytest.mark.parametrize("partial", ["", ".part", ".filepart"])
def test_a_file_is_tried_and_its_answer_lies_beside_it(home: House, partial: str) -> None:
    with home.paramiko() as client:
        assert sorted(client.listdir("/")) == ["inbox", "outbox", "simulation"]
        client.putfo(io.BytesIO(b"wages"), f"/simulation/{NAME}{partial}", confirm=True)
        if partial:
            assert client.listdir("/simulation") == [NAME + partial]
            assert (client.listdir("/inbox"), home.trials.tried) == ([], [])
            client.posix_rename(f"/simulation/{NAME}{partial}", f"/simulation/{NAME}")
        assert home.trials.tried == [(str(ALICE), NAME)]
        assert client.listdir("/simulation") == [ANSWER]
        assert client.stat(f"/simulation/{ANSWER}").st_size == 5
        with client.open(f"/simulation/{ANSWER}", "rb") as file:
            assert file.read() == b"segaw"
    assert home.is_empty()
    assert home.under_way() == []


def test_the_answer_is_there_in_another_session_of_the_member_alone(home: House) -> None:
    with home.paramiko() as client:
        client.putfo(io.BytesIO(b"wages"), f"/simulation/{NAME}", confirm=False)
    with home.paramiko(user=BOB, key="bob") as stranger:
        assert stranger.listdir("/simulation") == []
        with pytest.raises(FileNotFoundError):
            stranger.open(f"/simulation/{ANSWER}", "rb").read()
        with pytest.raises(FileNotFoundError):
            stranger.remove(f"/simulation/{ANSWER}")
    with home.paramiko() as client:
        assert client.open(f"/simulation/{ANSWER}", "rb").read() == b"segaw"
        client.remove(f"/simulation/{ANSWER}")
        assert client.listdir("/simulation") == []


def test_an_answer_is_forgotten_after_ten_minutes(home: House, hours: list[datetime]) -> None:
    with home.paramiko() as client:
        client.putfo(io.BytesIO(b"wages"), f"/simulation/{NAME}", confirm=False)
        hours.append(NOW + timedelta(seconds=599))
        assert client.listdir("/simulation") == [ANSWER]
        hours.append(NOW + timedelta(seconds=601))
        assert client.listdir("/simulation") == []


@pytest.mark.parametrize("refusal", [NotNow("too often", 9), NotSimulated("it was deposited already")])
def test_why_nothing_was_tried_is_said(home: House, refusal: Exception) -> None:
    home.trials.refusal = refusal
    with home.paramiko() as client:
        client.putfo(io.BytesIO(b"wages"), f"/simulation/{NAME}.part", confirm=False)
        with pytest.raises(OSError, match="not simulated") as refused:
            client.rename(f"/simulation/{NAME}.part", f"/simulation/{NAME}")
        assert str(refusal) in code(refused)
        assert client.listdir("/simulation") == []
    assert home.is_empty()


def test_a_trial_never_becomes_a_deposit_nor_a_deposit_a_trial(home: House) -> None:
    with home.paramiko() as client:
        for here, there in (("simulation", "inbox"), ("inbox", "simulation")):
            client.putfo(io.BytesIO(b"wages"), f"/{here}/x.part", confirm=False)
            for name in ("x.part", "x"):
                with pytest.raises(PermissionError):
                    client.rename(f"/{here}/x.part", f"/{there}/{name}")
            assert client.listdir(f"/{here}") == ["x.part"]
            client.remove(f"/{here}/x.part")
            assert client.listdir(f"/{here}") == []
    assert home.is_empty()
    assert home.trials.tried == []


def test_what_is_too_large_is_refused_and_forgotten(home: House) -> None:
    with home.paramiko() as client:
        with (
            pytest.raises(OSError, match="at most 1000 bytes"),
            client.open("/simulation/x.part", "wb") as file,
        ):
            file.write(b" " * 1001)
        assert home.trials.tried == []
    assert home.is_empty()


def test_an_upload_cut_off_gives_its_room_back(home: House) -> None:
    with home.paramiko() as client:
        client.putfo(io.BytesIO(b"wages"), "/simulation/x.part", confirm=False)
        assert home.door.tray._waiting.total() == 5
        client.remove("/simulation/x.part")
        assert home.door.tray._waiting.total() == 0
        client.putfo(io.BytesIO(b"wage"), "/simulation/y.part", confirm=False)
        assert home.door.tray._waiting.total() == 4
    home.door.stop()
    assert home.door.tray._waiting.total() == 0
