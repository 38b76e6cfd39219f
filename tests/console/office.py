"""A gateway with registered staff, and people of it at the console, over HTTPS as a browser would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from typer.testing import CliRunner, Result

from adapters.cli import app
from gateway.staff import Role
from tests.flow.premises import rows
from tests.house import House
from tests.tools import tool

REASON = "call of 23 November, file did not come back"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')
_LINK = re.compile(r"https://\S+/console/enter\?code=(\S+)")


@dataclass
class AtConsole:
    """Somebody at the console."""

    http: httpx2.Client
    _token: str = field(default="")

    @property
    def token(self) -> str:
        """What the forms of this visit hold."""
        if not self._token:
            found = _TOKEN.search(self.get("/console").text)
            assert found is not None
            self._token = found[1]
        return self._token

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(path)

    def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form from a page of the console."""
        return self.http.post(path, data={"form_token": self.token, **fields})

    def find(self, words: str, **fields: str) -> httpx2.Response:
        return self.post("/console/search", words=words, **fields)


@dataclass
class Office:
    """A gateway, the keys of its staff, and who sits at the console."""

    home: House
    keys: Path
    sitting: dict[str, AtConsole] = field(default_factory=dict)

    def key(self, name: str) -> Path:
        file = self.keys / name
        if not file.exists():
            words = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)]
            subprocess.run([tool("ssh-keygen"), *words], check=True)
        return file

    def by(self, name: str | None, *words: str, reason: str = "") -> Result:
        """Somebody gives a command."""
        before = ["--reason", reason] if reason else []
        env = {} if name is None else {"SECUGATE_STAFF_KEY": str(self.key(name))}
        return CliRunner().invoke(app, [*before, *words, "--data", str(self.home.settings.data)], env=env)

    def hire(self, name: str, *roles: Role) -> None:
        """Register somebody, by one person or by two as it has to be."""
        named = [word for role in roles for word in ("--role", role.value)]
        self.key(name)
        founded = bool(rows(self.home, "SELECT name FROM staff"))
        given = self.by(
            "anna" if founded else None, "staff", "add", name, *named, "--key", f"{self.key(name)}.pub"
        )
        if given.exit_code:
            (proposed,) = rows(
                self.home, "SELECT max(number) AS number FROM staff_act WHERE kind = 'proposed'"
            )
            given = self.by("ben", "approve", str(proposed["number"]))
        assert given.exit_code == 0, given.output

    def link(self, name: str) -> str:
        """What the link of somebody holds."""
        given = self.by(name, "console", "link")
        found = _LINK.search(given.stdout)
        assert found is not None, given.output
        return found[1]

    def browser(self, language: str = "en") -> httpx2.Client:
        """Somebody's browser, before anybody signs in."""
        assert self.home.doors is not None
        headers = {"sec-fetch-site": "same-origin", "accept-language": language}
        return httpx2.Client(base_url=self.home.doors.https, verify=False, headers=headers)

    def sit(self, name: str, language: str = "en") -> AtConsole:
        """Have somebody sign in with a link of theirs."""
        http = self.browser(language)
        entered = http.post("/console/enter", data={"code": self.link(name)})
        assert entered.status_code == 303, entered.text
        return AtConsole(http)

    def at(self, name: str) -> AtConsole:
        """Somebody who sits at the console, from the first time on."""
        if name not in self.sitting:
            self.sitting[name] = self.sit(name)
        return self.sitting[name]

    def acts(self, command: str) -> Sequence[dict[str, object]]:
        """What was entered of a command, the newest first."""
        return [
            dict(row)
            for row in rows(
                self.home, "SELECT * FROM staff_act WHERE command = :c ORDER BY number DESC", c=command
            )
        ]


@contextmanager
def office(home: House, folder: Path) -> Iterator[Office]:
    """A staff of one person for each role beside two administrators."""
    folder.mkdir()
    made = Office(home, folder)
    made.hire("anna", Role.ADMINISTRATOR)
    made.hire("ben", Role.ADMINISTRATOR)
    for name, role in PEOPLE.items():
        if role is not Role.ADMINISTRATOR:
            made.hire(name, role)
    yield made


PEOPLE = {
    "olga": Role.OPERATOR,
    "rita": Role.REGISTRAR,
    "bob": Role.BILLING,
    "dora": Role.AUDITOR,
    "anna": Role.ADMINISTRATOR,
}
"""Somebody of each role."""


def words(response: httpx2.Response) -> str:
    """The text of a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))
