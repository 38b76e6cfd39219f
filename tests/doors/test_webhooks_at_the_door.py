"""Addresses at which members want to be told: registered, listed and ended, each by its own member."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.webhooks import MOST, Webhooks
from gateway.moments import Received
from tests.doors.test_https import client as asking
from tests.doors.test_https import problem
from tests.house import House, Sender


def test_a_member_registers_lists_and_ends_its_addresses(
    open_home: House, visitor: Sender, neighbour: Sender
) -> None:
    webhooks, now = Webhooks(open_home.gateway.database), Received(open_home.clock())
    made = webhooks.add(visitor.member, "https://payroll.invalid/in", now)
    assert webhooks.add(visitor.member, "https://payroll.invalid/in", now).id == made.id
    with asking(open_home, visitor) as http, asking(open_home, neighbour) as other:
        (entry,) = http.get("/v1/webhooks").json()["webhooks"]
        assert (entry["id"], entry["url"]) == (made.id, "https://payroll.invalid/in")
        assert other.get("/v1/webhooks").json()["webhooks"] == []
        for url in ("https://127.0.0.1/in", "https://payroll.invalid/", "https://localhost:22/"):
            problem(http.post("/v1/webhooks", json={"url": url}), 409, "WEBHOOK-ADDRESS")
        for url in ("http://payroll.invalid/", "https://user@payroll.invalid/", "https://p.invalid/#x", "x"):
            problem(http.post("/v1/webhooks", json={"url": url}), 400, "DOOR-REQUEST")
        problem(http.post("/v1/webhooks", json={"url": "x", "more": 1}), 400, "DOOR-REQUEST")
        problem(http.post("/v1/webhooks", content=b"x" * 10_000), 413, "DOOR-TOO-LARGE")
        assert http.delete(f"/v1/webhooks/{made.id}").status_code == 204
        problem(http.delete(f"/v1/webhooks/{made.id}"), 404, "DOOR-NOT-FOUND")


def test_a_member_has_few_addresses(open_home: House, neighbour: Sender) -> None:
    webhooks, now = Webhooks(open_home.gateway.database), Received(open_home.clock())
    made = [webhooks.add(neighbour.member, f"https://n.invalid/{number}", now) for number in range(MOST)]
    command = ["webhook", "add", "https://8.8.8.8/in", "--profile", str(neighbour.profile)]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, "WEBHOOK-MANY" in done.stderr) == (1, True)
    listed = CliRunner().invoke(app, ["webhook", "list", "--profile", str(neighbour.profile), "--json"])
    assert {one["id"] for one in json.loads(listed.stdout)} == {one.id for one in made}
    for one in made:
        ended = CliRunner().invoke(app, ["webhook", "end", one.id, "--profile", str(neighbour.profile)])
        assert ended.exit_code == 0, ended.stderr
