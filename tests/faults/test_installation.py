"""What commands write beside the database survives a power cut: keys, certificates, the seal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from adapters.installation import exchange_seal
from adapters.premises import Premises, seal_of
from adapters.settings import Settings
from gateway.moments import system_clock
from signing.certificates import load_seals
from tests.durability.running import command, environment
from tests.faults.disk import Cut
from tests.faults.power import Power, forgetful
from tests.faults.station import station


def _initialized(power: Power) -> Settings:
    settings = Settings(data=power.folder / "gateway")
    subprocess.run(
        command("init", "--data", str(settings.data)), env=environment(), check=True, capture_output=True
    )
    return settings


def test_a_gateway_opens_after_init_and_a_power_cut(tmp_path: Path) -> None:
    with forgetful(tmp_path / "disk") as power:
        settings = _initialized(power)
        power.cut([])
        power.again(Cut.NOTHING, 1)
        with station(settings.data, tmp_path / "log") as opened:
            opened.start()
            opened.stop()


@pytest.mark.parametrize("what", [Cut.NOTHING, Cut.SOME, Cut.FIRST])
def test_a_seal_that_was_exchanged_seals_after_a_power_cut(tmp_path: Path, what: Cut) -> None:
    with forgetful(tmp_path / "disk") as power:
        settings = _initialized(power)
        premises = Premises(settings.data)
        new = exchange_seal(premises, None, None, system_clock())
        power.cut([])
        power.again(what, 1)
        seal_of(premises, settings)  # key and certificate fit
        assert load_seals(premises.signing_certificate) == (new,)
        assert new in load_seals(premises.seals)
