"""People at the portal: with a browser, and without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape

import httpx2
import sqlalchemy as sa

from adapters.database.visits import Visits
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.people import EVERY_ROLE, PortalPerson, Role
from tests.house import EMPLOYER, INSURED, MEMBER, House, Sender

OURS = {"sec-fetch-site": "same-origin"}
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


def visits(home: House) -> Visits:
    return Visits(home.gateway.database)


def person(home: House, name: str = "Anna Weber", member: MemberId = MEMBER, *roles: Role) -> PortalPerson:
    """Somebody of a member, with every role unless some are named."""
    return visits(home).register(member, name, roles or EVERY_ROLE, Received(home.clock()))


def link(home: House, who: PortalPerson) -> str:
    """The secret of a fresh one-time link."""
    return visits(home).make_link(who.id, Received(home.clock()))


def usual(home: House) -> Sender:
    """The member of most tests, with its employer and somebody insured."""
    home.employer(EMPLOYER, "Ateliers Fictifs S.à r.l.")
    sender = home.sender(MEMBER, [EMPLOYER])
    home.affiliate(INSURED)
    return sender


@dataclass
class Reader:
    """Somebody who looks at pages without script."""

    client: httpx2.Client
    last: httpx2.Response | None = field(default=None)

    def get(self, address: str) -> str:
        """A page; what it shows."""
        self.last = self.client.get(address)
        assert self.last.status_code == 200, (self.last.status_code, self.last.text[-2000:])
        return unescape(self.last.text)

    def token(self, page: str = "/portal") -> str:
        """The token that the forms of this visit hold."""
        found = _TOKEN.search(self.client.get(page).text)
        assert found is not None
        return found[1]

    def post(self, address: str, **fields: str) -> httpx2.Response:
        """Send a form as a browser would from a page of ours."""
        return self.client.post(address, data={"form_token": self.token(), **fields}, headers=OURS)

    def drop(self, *files: tuple[str, bytes]) -> httpx2.Response:
        """Choose files and send the form."""
        return self.client.post(
            "/portal/send",
            data={"form_token": self.token()},
            files=[("file", (name, content)) for name, content in files],
            headers=OURS,
        )


@contextmanager
def reader(home: House, who: PortalPerson | None = None, language: str = "en") -> Iterator[Reader]:
    """Somebody who has signed in by a link; a stranger without a person."""
    assert home.doors is not None
    with httpx2.Client(
        base_url=home.doors.https, verify=False, headers={"accept-language": language}, timeout=30
    ) as client:
        if who is not None:
            done = client.post("/portal/enter", data={"key": link(home, who)}, headers=OURS)
            assert done.status_code == 303, done.text
        yield Reader(client)


def counted(home: House, table: str, **where: str) -> int:
    """How many rows a table has."""
    conditions = " AND ".join(f"{name} = :{name}" for name in where) or "1 = 1"
    query = f"SELECT count(*) FROM {table} WHERE {conditions}"
    with home.gateway.database.read() as connection:
        found: int = connection.execute(sa.text(query), where).scalar_one()
    return found
