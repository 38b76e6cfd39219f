"""The HTTPS door from a sender's side."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx2

from adapters.client import TIMEOUT_SECONDS, Collected, Profile, Refused


class HttpsDoor:
    """The HTTPS door, entered with a client certificate."""

    def __init__(self, profile: Profile) -> None:
        context = ssl.create_default_context(cafile=str(profile.trust))
        context.load_cert_chain(profile.certificate, profile.key)
        self._http = httpx2.Client(base_url=profile.https, verify=context, timeout=TIMEOUT_SECONDS)

    def deposit(self, name: str, content: bytes) -> bytes:
        """Deposit a batch; the signed receipt.

        Raises:
            Refused: with the door's own sentence.
        """
        return _accepted(self._post("/v1/deposits", name, content), 202)

    def simulate(self, name: str, content: bytes) -> bytes:
        """What would become of a batch: a signed SIMRES.

        Raises:
            Refused: with the door's own sentence.
        """
        return _accepted(self._post("/v1/simulations", name, content), 200)

    def _post(self, path: str, name: str, content: bytes) -> httpx2.Response:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return self._http.post(
            path,
            params={"name": name},
            content=content,
            headers={"Content-Type": "application/xml", "Content-Digest": f"sha-256=:{digest}:"},
        )

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What was posted after a cursor, each with its own; acknowledged once the next one is asked for."""
        while True:
            listed = _accepted_json(self._http.get("/v1/outbox", params={"after": after}))
            if not listed:
                return
            for entry in listed:
                after = int(str(entry["cursor"]))
                content = _accepted(self._http.get(f"/v1/outbox/{entry['id']}"), 200)
                yield after, Collected(str(entry["name"]), str(entry["type"]), content)
                held = {"digest": hashlib.sha256(content).hexdigest()}
                _accepted(self._http.post(f"/v1/outbox/{entry['id']}/acknowledged", json=held), 200)

    def state(self, identifier: str) -> dict[str, object]:
        """How far a deposit has come."""
        answer = self._http.get(f"/v1/deposits/{identifier}")
        _accepted(answer, 200)
        state: dict[str, object] = answer.json()
        return state

    def head(self) -> bytes | None:
        """The newest sealed head of the journal (JOUHED); None before the first."""
        answer = self._http.get("/v1/journal/head")
        return None if answer.status_code == HTTPStatus.NOT_FOUND else _accepted(answer, 200)

    def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the journal of one size begins with that of another; None when there are none such.

        Raises:
            Refused: the door refused, or what it answered is no proof.
        """
        answer = self._http.get("/v1/journal/consistency", params={"first": first, "second": second})
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        _accepted(answer, 200)
        try:
            return [bytes.fromhex(each) for each in answer.json()["proof"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("what the door answered is no proof") from error

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()


def _accepted(answer: httpx2.Response, status: int) -> bytes:
    if answer.status_code == status:
        return answer.content
    try:
        problem = answer.json()
        sentence = f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        sentence = f"the door answered {answer.status_code}"
    raise Refused(sentence)


def _accepted_json(answer: httpx2.Response) -> list[dict[str, object]]:
    _accepted(answer, 200)
    entries: list[dict[str, object]] = answer.json()["answers"]
    return entries


@contextmanager
def enter(profile: Profile) -> Iterator[HttpsDoor]:
    """The HTTPS door, left at the end.

    Raises:
        Refused: the door refused, or could not be reached.
    """
    door = HttpsDoor(profile)
    try:
        yield door
    except httpx2.HTTPError as error:
        raise Refused(f"{profile.https}: {error}") from error
    finally:
        door.close()
