"""Software clients: OAuth 2.0 client credentials with private_key_jwt, at the HTTPS door (SR-13, SR-14)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.clients import SCOPES
from adapters.oauth import ASSERTION, UnusableKey, key_of
from gateway.batch import MemberId
from gateway.moments import Received
from tests.doors.test_https import NOT_OURS, batch, client, nothing_kept, problem
from tests.flow.premises import execute, rows
from tests.house import EMPLOYER, House, Sender

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signing(key: PrivateKey) -> Key:
    """A key as joserfc takes it."""
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kinds: dict[type, Any] = {ec.EllipticCurvePrivateKey: ECKey, rsa.RSAPrivateKey: RSAKey}
    kind = next((made for of, made in kinds.items() if isinstance(key, of)), OKPKey)
    return kind.import_key(written)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Program:
    """A payroll service's program, with its key."""

    home: House
    id: str
    key: PrivateKey
    algorithm: str

    @property
    def audience(self) -> str:
        assert self.home.doors is not None
        return f"{self.home.doors.https}/v1/token"

    def claims(self, **changes: object) -> dict[str, object]:
        """What a good assertion says; changes replace, None takes away."""
        now = int(self.home.clock().timestamp())
        good: dict[str, object] = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.audience,
            "iat": now,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def assertion(self, **changes: object) -> str:
        said = json.dumps(self.claims(**changes)).encode()
        return jws.serialize_compact({"alg": self.algorithm}, said, signing(self.key), [self.algorithm])

    def form(self, assertion: str | None = None, **more: str) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion or self.assertion(),
            **more,
        }

    def token(self, **more: str) -> str:
        with client(self.home, None) as http:
            answer = http.post("/v1/token", data=self.form(**more))
            assert answer.status_code == 200, answer.text
            return str(answer.json()["access_token"])


KEYS: dict[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "PS256": lambda: rsa.generate_private_key(65537, 3072),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def program(home: House, member: MemberId, algorithm: str = "ES256", scopes: str = "") -> Program:
    """A program that is registered for a member."""
    key = KEYS[algorithm]()
    wanted = scopes.split() or SCOPES
    at = Received(home.clock())
    return Program(home, home.gateway.clients.add(member, "Payroll", pem(key), wanted, at), key, algorithm)


@pytest.fixture(scope="module")
def service(open_home: House, visitor: Sender) -> Program:
    return program(open_home, visitor.member)


@pytest.fixture(scope="module")
def nobody(open_home: House) -> Iterator[httpx2.Client]:
    """A connection without a certificate."""
    with client(open_home, None) as http:
        yield http


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refused(answer: httpx2.Response, status: int, error: str) -> str:
    """A refusal as RFC 6749, section 5.2, has it; its description."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (answer.headers["cache-control"], told["error"]) == ("no-store", error)
    assert set(told) == {"error", "error_description"}
    return str(told["error_description"])


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_program_gets_a_token_deposits_and_collects(
    open_home: House, visitor: Sender, nobody: httpx2.Client, algorithm: str
) -> None:
    """The batch is signed by the member's registered key as ever: the token only opens the door."""
    made = program(open_home, visitor.member, algorithm)
    answer = nobody.post("/v1/token", data=made.form())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "bill collect deposit")
    assert answer.headers["cache-control"] == "no-store"
    opened = bearer(told["access_token"])
    name = open_home.name("DECSAL", visitor.member)
    content = batch(open_home, visitor)
    sent = nobody.post("/v1/deposits", params={"name": name}, content=content, headers=opened)
    assert sent.status_code == 202
    identifier = sent.headers["location"].rpartition("/")[2]
    assert open_home.outcome(visitor, identifier).verdict == "accepted"
    assert nobody.get(sent.headers["location"], headers=opened).json()["id"] == identifier
    listed = nobody.get("/v1/outbox?limit=1000", headers=opened).json()["answers"]
    mine = [one for one in listed if one["deposit"] == identifier]
    assert nobody.get(f"/v1/outbox/{mine[0]['id']}", headers=opened).status_code == 200


def test_a_token_is_kept_as_a_digest_only(open_home: House, service: Program) -> None:
    token = service.token()
    kept = [row["digest"] for row in rows(open_home, "SELECT digest FROM access_token")]
    assert hashlib.sha256(token.encode()).hexdigest() in kept
    for file in open_home.settings.data.rglob("*"):
        assert not file.is_file() or token.encode() not in file.read_bytes(), file
    events = rows(
        open_home, "SELECT member FROM journal WHERE event = 'token' AND subject = :c", c=service.id
    )
    assert events


def tampered(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def confused(made: Program) -> str:
    """Signed with HS256, the public key as the secret (RFC 8725, section 2.1)."""
    signed = f"{jws_part({'alg': 'HS256'})}.{jws_part(made.claims())}"
    return f"{signed}.{encoded(hmac.digest(pem(made.key).encode(), signed.encode(), 'sha256'))}"


def unsigned(made: Program) -> str:
    head, payload = (jws_part(part) for part in ({"alg": "none"}, made.claims()))
    return f"{head}.{payload}."


def jws_part(value: object) -> str:
    return encoded(json.dumps(value).encode())


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def with_own_key(made: Program) -> str:
    """A key of its own making in the header, which must not be believed."""
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(made.claims()).encode(), key)


def from_another(made: Program) -> str:
    return jwt.encode({"alg": "ES256"}, made.claims(), ECKey.generate_key("P-256"))


BAD_ASSERTIONS: dict[str, Callable[[Program], str]] = {
    "tampered signature": lambda made: tampered(made.assertion()),
    "no signature": unsigned,
    "HS256 with the public key": confused,
    "key in the header": with_own_key,
    "another's key": from_another,
    "unknown client": lambda made: made.assertion(iss="x", sub="x"),
    "another subject": lambda made: made.assertion(sub="x"),
    "no issuer": lambda made: made.assertion(iss=None),
    "half a character as issuer": lambda made: made.assertion(iss="\ud800"),
    "no audience": lambda made: made.assertion(aud=None),
    "another audience": lambda made: made.assertion(aud="https://elsewhere.example/v1/token"),
    "two audiences": lambda made: made.assertion(aud=[made.audience, "https://elsewhere.example"]),
    "the audience without its path": lambda made: made.assertion(aud=made.audience.removesuffix("/v1/token")),
    "expired": lambda made: made.assertion(exp=made.claims()["iat"]),
    "no expiry": lambda made: made.assertion(exp=None),
    "a long life": lambda made: made.assertion(exp=int(str(made.claims()["iat"])) + 3600),
    "no time of issue": lambda made: made.assertion(iat=None),
    "issued long ago": lambda made: made.assertion(iat=int(str(made.claims()["iat"])) - 3600),
    "issued in the future": lambda made: made.assertion(iat=int(str(made.claims()["iat"])) + 3600),
    "not yet": lambda made: made.assertion(nbf=int(str(made.claims()["iat"])) + 3600),
    "no jti": lambda made: made.assertion(jti=None),
    "an empty jti": lambda made: made.assertion(jti=""),
    "a long jti": lambda made: made.assertion(jti="x" * 201),
    "half a character as jti": lambda made: made.assertion(jti="\ud800"),
    "a number as jti": lambda made: made.assertion(jti=7),
    "times that are texts": lambda made: made.assertion(exp="9999999999", iat="1"),
    "a time beyond all bounds": lambda made: made.assertion(exp=10**400),
    "true as a time": lambda made: made.assertion(iat=True),
    "not a token": lambda made: "x",
    "two dots": lambda made: "..",
    "a list": lambda made: f"{jws_part({'alg': 'ES256'})}.{jws_part([])}.AAAA",
}


@pytest.mark.parametrize("fault", BAD_ASSERTIONS)
def test_a_bad_assertion_gets_no_token(
    open_home: House, service: Program, nobody: httpx2.Client, fault: str
) -> None:
    before = rows(open_home, "SELECT count(*) AS n FROM access_token")
    answer = nobody.post("/v1/token", data=service.form(BAD_ASSERTIONS[fault](service)))
    assert refused(answer, 401, "invalid_client")
    assert rows(open_home, "SELECT count(*) AS n FROM access_token") == before
    assert nobody.post("/v1/token", data=service.form()).status_code == 200, "control"


def test_who_is_not_registered_and_who_signs_wrongly_get_the_same_answer(
    service: Program, nobody: httpx2.Client
) -> None:
    """P7: whether a client exists is not told."""
    told = [
        nobody.post("/v1/token", data=service.form(assertion)).content
        for assertion in (from_another(service), service.assertion(iss="x", sub="x"), "x.y.z")
    ]
    assert len(set(told)) == 1


def test_an_assertion_is_good_for_one_token(service: Program, nobody: httpx2.Client) -> None:
    assertion = service.assertion()
    assert nobody.post("/v1/token", data=service.form(assertion)).status_code == 200
    assert "before" in refused(nobody.post("/v1/token", data=service.form(assertion)), 401, "invalid_client")
    again = service.assertion(jti=json.loads(jws.extract_compact(assertion.encode()).payload)["jti"])
    refused(nobody.post("/v1/token", data=service.form(again)), 401, "invalid_client")


def test_an_assertion_sent_many_times_at_once_is_good_for_one_token(service: Program) -> None:
    form = service.form()

    def ask(_: int) -> int:
        with client(service.home, None) as http:
            return http.post("/v1/token", data=form).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(8)))
    assert sorted(statuses) == [200] + [401] * 7


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"scope": "deposit everything"}, 400, "invalid_scope"),
        ({"scope": " "}, 400, "invalid_scope"),
        ({"filler": "x" * 20_000}, 400, "invalid_request"),
    ],
)
def test_a_bad_request_gets_no_token(
    service: Program, nobody: httpx2.Client, changes: dict[str, str], status: int, error: str
) -> None:
    refused(nobody.post("/v1/token", data=service.form() | changes), status, error)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"grant_type", "application/x-www-form-urlencoded"),
        (b"&" * 100, "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&grant_type=x", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
    ],
)
def test_a_body_that_is_no_form_gets_no_token(nobody: httpx2.Client, body: bytes, kind: str) -> None:
    answer = nobody.post("/v1/token", content=body, headers={"Content-Type": kind})
    refused(answer, 400, "invalid_request")


def test_a_field_that_stands_twice_is_refused(service: Program, nobody: httpx2.Client) -> None:
    body = urlencode([*service.form().items(), ("client_assertion", service.assertion())])
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(nobody.post("/v1/token", content=body.encode(), headers=kind), 400, "invalid_request")


FOR = {
    "/v1/deposits/x": "deposit",
    "/v1/outbox": "collect",
    "/v1/statements": "bill",
    f"/v1/comparisons?employer={EMPLOYER}&period=2026-07": "bill",
}


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_token_is_for_what_it_was_asked_for(service: Program, nobody: httpx2.Client, scope: str) -> None:
    opened = bearer(service.token(scope=scope))
    for path, needed in FOR.items():
        answer = nobody.get(path, headers=opened)
        if needed == scope:
            assert answer.status_code in (200, 404), (path, answer.text)
        else:
            problem(answer, 403, "DOOR-SCOPE")
            assert "insufficient_scope" in answer.headers["www-authenticate"]
    with nothing_kept(service.home):
        sent = nobody.post("/v1/simulations?name=x", content=b"x", headers=opened)
        assert (sent.status_code == 403) is (scope != "deposit")


def test_a_client_gets_no_more_than_it_is_registered_for(
    open_home: House, visitor: Sender, nobody: httpx2.Client
) -> None:
    made = program(open_home, visitor.member, scopes="collect")
    refused(nobody.post("/v1/token", data=made.form(scope="deposit")), 400, "invalid_scope")
    problem(nobody.get("/v1/deposits/x", headers=bearer(made.token())), 403, "DOOR-SCOPE")


def test_a_token_opens_nothing_once_its_client_has_ended(
    open_home: House, visitor: Sender, nobody: httpx2.Client
) -> None:
    made = program(open_home, visitor.member)
    opened = bearer(made.token())
    assert nobody.get("/v1/outbox", headers=opened).status_code == 200
    assert open_home.gateway.clients.end(made.id, Received(open_home.clock()))
    problem(nobody.get("/v1/outbox", headers=opened), 401, "DOOR-TOKEN")
    refused(nobody.post("/v1/token", data=made.form()), 401, "invalid_client")
    assert not open_home.gateway.clients.end(made.id, Received(open_home.clock()))


def test_a_token_opens_nothing_after_ten_minutes(
    open_home: House, service: Program, nobody: httpx2.Client
) -> None:
    token = service.token()
    at = open_home.clock()
    clients = open_home.gateway.clients
    assert clients.access(token, Received(at + timedelta(minutes=9, seconds=55))) is not None
    assert clients.access(token, Received(at + timedelta(minutes=10, seconds=1))) is None
    past = Received(at - timedelta(seconds=1))
    digest = hashlib.sha256(token.encode()).hexdigest()
    execute(open_home, f"UPDATE access_token SET expires = '{past}' WHERE digest = '{digest}'")
    answer = nobody.get("/v1/outbox", headers=bearer(token))
    problem(answer, 401, "DOOR-TOKEN")
    assert "invalid_token" in answer.headers["www-authenticate"]


def test_a_token_shows_its_own_member_s_things_alone(
    open_home: House, visitor: Sender, neighbour: Sender, nobody: httpx2.Client
) -> None:
    with client(open_home, neighbour) as http:
        name = open_home.name("DECSAL", neighbour.member)
        theirs = http.post("/v1/deposits", params={"name": name}, content=b"theirs").headers["location"]
        assert http.get(theirs).status_code == 200
    opened = bearer(program(open_home, visitor.member).token())
    problem(nobody.get(theirs, headers=opened), 404, "DOOR-NOT-FOUND")


def test_a_certificate_counts_and_a_token_beside_it_does_not(
    open_home: House, neighbour: Sender, service: Program
) -> None:
    with client(open_home, neighbour) as http:
        name = open_home.name("DECSAL", neighbour.member)
        http.post("/v1/deposits", params={"name": name}, content=b"theirs").raise_for_status()
        before, beside, after = (
            {answer["id"] for answer in http.get("/v1/outbox?limit=1000", headers=headers).json()["answers"]}
            for headers in ({}, bearer(service.token()), {})
        )
    # Answers may be posted between the requests: what the token shows lies between what is seen without it.
    assert before <= beside <= after
    assert before


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=40, deadline=None)
@given(made_up=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_no_made_up_token_opens_anything(nobody: httpx2.Client, made_up: str) -> None:
    answer = nobody.get("/v1/outbox", headers=[(b"Authorization", b"Bearer " + made_up.encode("latin-1"))])
    assert answer.status_code in (400, 401, 429)


def test_keys_that_are_too_weak_or_of_another_kind_are_not_registered() -> None:
    for key in (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
    ):
        with pytest.raises(UnusableKey):
            key_of(pem(key))
    with pytest.raises(UnusableKey):
        key_of("x")
    for algorithm, make in KEYS.items():
        assert algorithm in key_of(pem(make()))[1]


def test_the_operator_registers_and_ends_a_client(
    open_home: House,
    visitor: Sender,
    nobody: httpx2.Client,
    tmp_path: Path,
) -> None:
    key = KEYS["EdDSA"]()
    file = tmp_path / "payroll.pem"
    file.write_text(pem(key))

    def secugate(*arguments: str) -> str:
        done = CliRunner().invoke(
            app, ["member", "client", *arguments, "--data", str(open_home.settings.data)]
        )
        assert done.exit_code == 0, done.output
        return done.output

    said = secugate(
        "add", str(visitor.member), "--name", "Payroll", "--key", str(file), "--scopes", "collect"
    )
    made = Program(open_home, said.split()[1], key, "EdDSA")
    opened = bearer(made.token())
    assert nobody.get("/v1/outbox", headers=opened).status_code == 200
    listed: list[Mapping[str, Any]] = json.loads(secugate("list", str(visitor.member), "--json"))
    assert [one["scopes"] for one in listed if one["id"] == made.id] == [["collect"]]
    secugate("end", made.id)
    problem(nobody.get("/v1/outbox", headers=opened), 401, "DOOR-TOKEN")
