"""A gateway without staff, or without its console: nothing of it is there; indicators are for everybody."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
from typer.testing import CliRunner

from adapters.cli import app
from tests.house import house

HOME = "/console"


def test_nobody_comes_in_where_no_staff_is_registered(tmp_path: Path):
    with house(tmp_path, doors=True) as home:
        assert home.doors is not None
        for path in (HOME, f"{HOME}/sign-in", f"{HOME}/enter", f"{HOME}/search"):
            assert httpx2.get(home.doors.https + path, verify=False).status_code == 404


def test_a_console_that_is_switched_off_is_not_there(tmp_path: Path):
    with house(tmp_path, doors=True, console=False) as home:
        assert home.doors is not None
        assert httpx2.get(home.doors.https + f"{HOME}/sign-in", verify=False).status_code == 404


def test_the_door_and_the_command_tell_the_same(tmp_path: Path):
    with house(tmp_path, doors=True) as home:
        assert home.doors is not None
        told = httpx2.get(f"{home.doors.https}/indicators.json", verify=False).json()
        shown = httpx2.get(f"{home.doors.https}/indicators", verify=False)
        assert shown.status_code == 200
        given = CliRunner().invoke(app, ["indicators", "--json", "--data", str(home.settings.data)])
    said = json.loads(given.stdout)
    assert {**said, "made": ""} == {**told, "made": ""}
