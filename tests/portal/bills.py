"""An employer with two statements, and people who look at them at the portal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from lxml import html

from adapters.billing import BillingRun, Issued
from adapters.database.visits import Visits
from adapters.premises import payee_of
from gateway.batch import MemberId
from gateway.moments import Period, Received
from gateway.people import EVERY_ROLE, PortalPerson, Role
from tests.flow.premises import HandClock, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, Sender, house, wage

JUNE, JULY = Period(2026, 6), Period(2026, 7)
FIDUCIARY = MemberId("2099990004799", "400004")


@dataclass(slots=True)
class Street:
    """An open gateway on which two months were billed, and who is there.

    Attributes:
        first, second: numbers of the statements of `EMPLOYER`, of June and of July.
        other: number of the statement of July of `OTHER_EMPLOYER`.
        stays, joins, leaves: insured of `EMPLOYER`; who stays earns more in July.
    """

    home: House
    employer: Sender
    neighbour: Sender
    first: str = ""
    second: str = ""
    other: str = ""
    stays: str = ""
    joins: str = ""
    leaves: str = ""

    def bill(self, period: Period) -> dict[str, str]:
        """Issue the statements of a month; numbers by employer."""
        gateway = self.home.gateway
        run = BillingRun(gateway.database, gateway.seal, gateway.clock, payee_of(self.home.settings))
        return {one.employer: one.number for one in run.run(period) if isinstance(one, Issued)}


@contextmanager
def street(folder: Path, *, environment: str = "test") -> Iterator[Street]:
    """A gateway with two billed months; its clock stands on 20 September 2026."""
    clock = HandClock(datetime(2026, 9, 20, 8, 0, tzinfo=UTC))
    production = environment == "production"
    with house(folder, clock=clock, doors=True, environment="production" if production else "test") as home:
        for matricule, name in ((EMPLOYER, "Menuiserie Muller s.à r.l."), (OTHER_EMPLOYER, "Other & <Co>")):
            home.employer(matricule, name)
        found = Street(home, home.sender(MEMBER, [EMPLOYER]), home.sender(OTHER_MEMBER, [OTHER_EMPLOYER]))
        found.stays, found.joins, found.leaves = someone(), someone(), someone()
        home.affiliate(found.stays, found.joins, found.leaves)
        sent = home.send(
            found.employer,
            "DECSAL",
            [wage(one, Period=str(JUNE)) for one in (found.stays, found.leaves)],
        )
        assert sent.verdict == "accepted"
        found.first = found.bill(JUNE)[EMPLOYER]
        higher = wage(found.stays, Period=str(JULY), BaseWage="4100.00")
        sent = home.send(found.employer, "DECSAL", [higher, wage(found.joins, Period=str(JULY))])
        assert sent.verdict == "accepted"
        stranger = someone()
        home.affiliate(stranger, employer=OTHER_EMPLOYER)
        home.send(found.neighbour, "DECSAL", [wage(stranger, OTHER_EMPLOYER, Period=str(JULY))])
        issued = found.bill(JULY)
        found.second, found.other = issued[EMPLOYER], issued[OTHER_EMPLOYER]
        yield found


def person(home: House, member: MemberId, name: str, roles: Iterable[Role] = EVERY_ROLE) -> PortalPerson:
    """Somebody of a member."""
    now = Received(home.clock())
    return Visits(home.gateway.database).register(member, name, roles, now)


@contextmanager
def signed_in(
    home: House, member: MemberId, roles: Iterable[Role] = EVERY_ROLE, *, language: str = "en"
) -> Iterator[httpx2.Client]:
    """The browser of somebody new of a member, without script."""
    somebody = person(home, member, "Anna Weber", roles)
    secret = Visits(home.gateway.database).make_link(somebody.id, Received(home.clock()))
    with browser(home) as web:
        came = web.post("/portal/enter", data={"key": secret})
        assert came.status_code == 303, came.text
        web.cookies.set("__Host-language", language)
        yield web


@contextmanager
def browser(home: House) -> Iterator[httpx2.Client]:
    """A browser without script in which nobody is signed in."""
    assert home.doors is not None
    headers = {"sec-fetch-site": "same-origin"}
    with httpx2.Client(base_url=home.doors.https, verify=False, headers=headers, timeout=30) as web:
        yield web


def shown(answer: httpx2.Response) -> html.HtmlElement:
    """A page that was given."""
    assert answer.status_code == 200, (answer.status_code, answer.text[-2000:])
    return html.fromstring(answer.text)


def text_of(page: html.HtmlElement, path: str) -> str:
    """The text of the one element at a path, blanks made one."""
    (found,) = page.xpath(path)
    return re.sub(r"\s+", " ", found.text_content()).strip()


def token_of(page: html.HtmlElement) -> str:
    """The token that forms of this visit hold."""
    return str(page.xpath("//input[@name='form_token']/@value")[0])
