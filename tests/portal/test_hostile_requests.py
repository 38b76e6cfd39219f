"""SR-8, SR-9, SR-15: whatever stands in an address or a field of a page, the answer is ours and no failure.

Every page of the portal and of the console is walked, with every parameter that it declares and every field
that any of them reads. A new page is tried without a word here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from adapters.pages.frame import Hall
from tests.console.office import Office, office
from tests.house import EMPLOYER, OTHER_EMPLOYER, OTHER_MEMBER, House, house
from tests.portal.people import OURS, person, reader, usual

ADAPTERS = Path(__file__).parents[2] / "adapters"
NASTY = (
    "\0",
    "x\0y",
    "9" * 30,
    "-1",
    "-9223372036854775809",
    "9223372036854775807",
    "9223372036854775808",
    "²",
    "١٢٣",
    "1e999",
    "NaN",
    "0000-00",
    "9999-12",
    "99999-01",
    "2024-13",
    "0001-01-01",
    "9999-12-31",
    "../../../etc/passwd",
    "..\\..\\x",
    "x\r\nSet-Cookie: planted=1",
    "//evil.example",
    "https://evil.example/",
    "\u202e\ufeff\ud7ff\uffff",
    "💥" * 20,
    "' OR '1'='1",
    "{{7*7}}${7*7}<script>alert(1)</script>",
    "%00%2e%2e%2f",
    "a" * 5_000,
    "[[[[[[",
    '{"a": ' * 50,
)
LEAVING = ("/portal/sign-out", "/console/sign-out")
_FIELD = re.compile(r"""(?:fields\[|fields\.all\(|self\.fields\[)"([\w.]+)"|"([\w.]+)" in fields""")


def pages_app(home: House) -> FastAPI:
    hall = home.gateway._https._server.config.app
    assert isinstance(hall, Hall)
    return hall._pages


def field_names() -> Sequence[str]:
    """Every field that a page reads, by its name in the code."""
    found: set[str] = set()
    for place in ("pages", "portal", "console"):
        for file in (ADAPTERS / place).glob("*.py"):
            found |= {one or other for one, other in _FIELD.findall(file.read_text())}
    return sorted(found)


FIELDS = field_names()


def addresses(route: APIRoute, value: str, usual: Mapping[str, str]) -> Iterator[str]:
    """The address of a route with a value in the place of each parameter in turn, then of all of them."""
    in_path = [one.name for one in route.dependant.path_params]
    in_query = [one.name for one in _queries(route)]
    for hostile in [{name} for name in in_path] or [set()]:
        path = route.path
        for name in in_path:
            text = value if name in hostile else usual.get(name, "1")
            path = re.sub(rf"\{{{name}(:\w+)?\}}", quote(text, safe=""), path)
        for asked in [{name} for name in in_query] or [set()]:
            query = "&".join(f"{name}={quote(value, safe='')}" for name in asked)
            yield f"{path}?{query}" if query else path


def _queries(route: APIRoute) -> Iterator[object]:
    pending = [route.dependant]
    while pending:
        one = pending.pop()
        yield from one.query_params
        pending.extend(one.dependencies)


def bad(response: httpx2.Response) -> str | None:
    """What an answer must not be."""
    if response.status_code >= 500:
        return f"{response.status_code}"
    if "planted" in response.cookies or "\n" in str(response.headers.get("location", "")):
        return "a header was planted"
    where = response.headers.get("location", response.headers.get("hx-redirect", "/"))
    if not where.startswith("/") or where.startswith("//"):
        return f"leads elsewhere: {where}"
    if "Traceback" in response.text or "/adapters/" in response.text:
        return "tells of the inside"
    return None


def test_what_an_application_raises_is_told_by_its_place_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """SR-24: the server would write an exception that reaches it to the log, with a value in its words."""

    async def failing(_scope: object, _receive: object, _send: object) -> None:
        raise ValueError("Rosenzweig-Canary 1893120105732")

    hall = Hall(failing, failing)  # type: ignore[arg-type]
    for path in ("/portal/x", "/v1/x"):
        asyncio.run(hall({"path": path}, None, None))
    told = "".join(capfd.readouterr())
    assert "ValueError in failing" in told
    assert "Canary" not in told
    with pytest.raises(ValueError, match="Canary"):  # control: what the server would have heard
        asyncio.run(failing({}, None, None))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("hostile"), doors=True) as made:
        usual(made)
        made.employer(OTHER_EMPLOYER)
        made.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
        yield made


@pytest.fixture(scope="module")
def staffed(home: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(home, tmp_path_factory.mktemp("staff") / "keys") as opened:
        yield opened


class Client:
    """Somebody signed in, who comes again whenever a page has signed them out."""

    def __init__(self, http: httpx2.Client, token: str) -> None:
        self.http = http
        self.token = token

    def ask(self, method: str, address: str, value: str) -> httpx2.Response:
        if method == "GET":
            return self.http.get(address)
        fields = dict.fromkeys(FIELDS, value) | {"form_token": self.token}
        return self.http.request(method, address, data=fields, headers=OURS)


def walk(app: FastAPI, client: Client, place: str, usual: Mapping[str, str]) -> list[str]:
    """What went wrong at each page of a place."""
    wrong = []
    for route in app.routes:
        if not isinstance(route, APIRoute) or not route.path.startswith(place) or route.path in LEAVING:
            continue
        if route.path.endswith("/events"):
            continue
        for method in route.methods:
            for value in NASTY:
                for address in addresses(route, value, usual):
                    fault = bad(client.ask(method, address, value))
                    if fault is not None:
                        wrong.append(f"{method} {route.path} with {value[:30]!r}: {fault}")
                        break
    return wrong


def test_no_page_of_the_portal_fails_over_what_somebody_writes(home: House) -> None:
    known = {"matricule": EMPLOYER, "act": "end"}
    with reader(home, person(home, "Mallory")) as mallory:
        client = Client(mallory.client, mallory.token())
        assert walk(pages_app(home), client, "/portal", known) == []


def test_no_page_of_the_console_fails_over_what_somebody_writes(home: House, staffed: Office) -> None:
    known = {"cause": "BILL-CLASS", "name": "parked", "identifier": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
    for who in ("olga", "rita"):
        sitting = staffed.at(who)
        client = Client(sitting.http, sitting.token)
        assert walk(pages_app(home), client, "/console", known) == []


HOSTILE_TEXTS = (
    "\0",
    "\x01",
    "\x0b",
    "\ufffe",
    "\r\n",
    "]]>",
    "&#0;",
    "<x/>",
    "💥",
    "a" * 200_000,
    *NASTY[:16],
)


def test_no_draft_fails_over_what_somebody_writes_in_it(home: House) -> None:
    """SR-8: saved, added to and checked, with a text in every field that XML or a register cannot hold."""
    with reader(home, person(home, "Drafting")) as mallory:
        mallory.post("/portal/key", agreed="yes", action="make")
        wrong = []
        for form in ("wages", "entry", "absence"):
            began = mallory.post("/portal/forms", form=form, employer=EMPLOYER, period="2024-06")
            address = began.headers["location"]
            names = re.findall(r'name="(r0\.\w+)"', mallory.client.get(address).text)
            assert names
            token = mallory.token()
            for text in HOSTILE_TEXTS:
                for action in ("save", "check"):
                    fields = dict.fromkeys(names, text) | {"action": action, "version": text}
                    version = re.search(r'name="version" value="(\d+)"', mallory.client.get(address).text)
                    for number in (text, version[1] if version else "0"):
                        sent = {**fields, "version": number, "form_token": token}
                        fault = bad(mallory.client.post(address, data=sent, headers=OURS))
                        wrong += [f"{form} {action} {text[:20]!r}: {fault}"] if fault else []
        assert wrong == []


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "undefined", "idna", "utf-7", "unicode_escape", "utf-16", "hex", "nonsense", "punycode"],
)
def test_no_upload_fails_over_its_names(home: House, charset: str) -> None:
    """SR-8: what a codec makes of names and fields is refused or taken, and never an exception."""
    with reader(home, person(home, f"Uploads {charset}")) as mallory:
        token = mallory.token()
        for name in (
            b"x.xml",
            b"\xff\xfe.xml",
            b"\\ud800.xml",
            b"+2AA-.xml",
            b"\0.xml",
            b"." * 300,
            b"xn--",
            b"/",
        ):
            body = b"".join(
                (
                    b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n',
                    token.encode(),
                    b'\r\n--b\r\nContent-Disposition: form-data; name="',
                    name,
                    b'"\r\n\r\n',
                    name,
                    b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="',
                    name,
                    b'"\r\nContent-Type: text/xml\r\n\r\n<DECSAL/>\r\n--b--\r\n',
                )
            )
            kind = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
            answer = mallory.client.post("/portal/send", content=body, headers={**OURS, **kind})
            assert bad(answer) is None, name
        assert mallory.client.get("/portal/send").status_code == 200


def test_no_cookie_fails_a_page(home: House) -> None:
    """SR-13: whatever stands in the place of one of our secrets is no secret of ours."""
    with reader(home) as stranger:
        for name in ("__Host-visit", "__Host-staff", "__Host-went", "__Host-challenge", "__Host-said"):
            for text in (
                "x",
                "e30=",
                "bnVsbA==",
                "WzEsMiwzXQ==",
                "W1tdLCJzdWNjZXNzIix7fV0=",
                "1." + "A" * 43,
            ):
                stranger.client.cookies.clear()
                stranger.client.cookies.set(name, text)
                for place in (
                    "/portal",
                    "/console",
                    "/portal/sign-in",
                    "/portal/sign-in/oidc/back?code=a&state=b",
                ):
                    assert bad(stranger.client.get(place)) is None, (name, text, place)


@pytest.mark.parametrize(
    "place", ["/portal/", "/portal/deposits/", "/console/", "/portal//evil.example", "//evil.example/portal"]
)
def test_no_host_that_somebody_names_comes_back_in_an_address(home: House, place: str) -> None:
    """SR-15: whatever Host says, we lead to ourselves."""
    with reader(home, person(home, f"Host {place}")) as anna:
        for headers in (
            {"host": "evil.example"},
            {"host": "evil.example", "x-forwarded-host": "evil.example"},
        ):
            answer = anna.client.get(place, headers=headers)
            assert "evil.example" not in answer.headers.get("location", "").removeprefix(place), place
            assert bad(answer) is None
