"""The HTTPS door from a sender's side.

Whatever answers is held to be a stranger until proven otherwise: no answer may be longer than it has to
be, or drip for ever, and no redirection is followed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2

from gateway.client.doors import (
    ANSWER_BYTES,
    PATIENCE_SECONDS,
    PIECE_BYTES,
    TIMEOUT_SECONDS,
    Collected,
    Hindered,
    NotNow,
    Posted,
    Refused,
    Told,
    untold,
)
from gateway.client.doors import collect as collect_from
from gateway.client.profile import Profile

_LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_NOBODY = frozenset({401, 403})
_WORDS_BYTES = 1 << 22
"""Of a receipt, a list or a problem; a list of a hundred answers has 50 kB."""


class _Answer:
    """What a door answered, read whole."""

    def __init__(self, status: int, headers: httpx2.Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    def said(self) -> dict[str, object]:
        """Its JSON object.

        Raises:
            NotNow: it is none.
        """
        try:
            found = json.loads(self.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise NotNow("what answered speaks no language of the gateway's: is the address right?")
        return found


class HttpsDoor:
    """The HTTPS door, entered with a client certificate.

    Args:
        piece: from so many bytes on a file is sent in pieces of so many, and on from where it broke off.
    """

    def __init__(self, profile: Profile, piece: int = PIECE_BYTES) -> None:
        self._piece = piece
        context = ssl.create_default_context(cafile=str(profile.trust))
        context.load_cert_chain(profile.certificate, profile.key)
        self._http = httpx2.Client(base_url=profile.https, verify=context, timeout=TIMEOUT_SECONDS)

    def deposit(self, name: str, content: bytes, told: Told = untold) -> bytes:
        """Deposit a batch; the signed receipt. A large one goes piece by piece, and on from where it was.

        Raises:
            Refused: with the door's own sentence.
        """
        receipt = self._deposit_in_pieces(name, content, told) if len(content) > self._piece else None
        if receipt is None:
            receipt = _accepted(self._post("/v1/deposits", name, content), 202)
            told(len(content))
        return receipt

    def _deposit_in_pieces(self, name: str, content: bytes, told: Told) -> bytes | None:
        """A resumable upload, called by the digest of its bytes: whoever begins anew finds it again.

        None when the gateway has forgotten it between two pieces: it has started again, or another process of
        it answers. Then the file goes in one piece.
        """
        digest = hashlib.sha256(content)
        headers = {
            "Upload-Complete": "?0",
            "Upload-Length": str(len(content)),
            "Repr-Digest": _digest_field(digest.digest()),
        }
        begun = self._ask("POST", "/v1/uploads", params={"name": name}, headers=headers)
        _accepted(begun, 201)
        path, offset = f"/v1/uploads/{digest.hexdigest()}", _offset(begun, len(content))
        while True:
            told(offset)
            piece = content[offset : offset + self._piece]
            end = offset + len(piece)
            headers = {
                "Content-Type": "application/partial-upload",
                "Content-Digest": _digest_field(hashlib.sha256(piece).digest()),
                "Upload-Offset": str(offset),
                "Upload-Complete": "?1" if end == len(content) else "?0",
            }
            answer = self._ask("PATCH", path, content=piece, headers=headers)
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            if answer.status == HTTPStatus.CONFLICT:
                raise NotNow("the gateway has another part of the file than we thought")
            if end == len(content):
                receipt = _accepted(answer, 202)
                told(end)
                return receipt
            _accepted(answer, 204)
            offset = _offset(answer, len(content))

    def simulate(self, name: str, content: bytes) -> bytes:
        """What would become of a batch: a signed SIMRES.

        Raises:
            Refused: with the door's own sentence.
        """
        return _accepted(self._post("/v1/simulations", name, content), 200)

    def posted(self, after: int) -> list[Posted]:
        """See `Door.posted`."""
        answer = self._ask("GET", "/v1/outbox", params={"after": after})
        _accepted(answer, 200)
        entries = answer.said().get("answers")
        try:
            return [
                Posted(
                    int(str(one["cursor"])),
                    str(one["id"]),
                    str(one["name"]),
                    str(one["type"]),
                    str(one["digest"]),
                )
                for one in entries  # type: ignore[attr-defined]  # whatever it is, it is tried
            ]
        except (KeyError, TypeError, ValueError):
            raise NotNow("what answered is no list of answers: is the address right?") from None

    def fetch(self, answer: Posted) -> bytes:
        """See `Door.fetch`; its bytes are those that were listed.

        Raises:
            NotNow: they are not, or something is in the way.
        """
        content = _accepted(self._ask("GET", f"/v1/outbox/{answer.id}", longest=ANSWER_BYTES), 200)
        if answer.digest is not None and hashlib.sha256(content).hexdigest() != answer.digest:
            raise NotNow(f"{answer.name} arrived otherwise than it was listed")
        return content

    def acknowledge(self, answer: Posted, content: bytes) -> None:
        """See `Door.acknowledge`."""
        held = json.dumps({"digest": hashlib.sha256(content).hexdigest()}).encode()
        headers = {"Content-Type": "application/json"}
        path = f"/v1/outbox/{answer.id}/acknowledged"
        _accepted(self._ask("POST", path, content=held, headers=headers), 200)

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What was posted after a cursor, each with its own; acknowledged once the next one is asked for."""
        return collect_from(self, after)

    def time(self) -> datetime | None:
        """See `Door.time`: the Date of its answer."""
        date = self._ask("GET", "/health").headers.get("date")
        try:
            return None if date is None else parsedate_to_datetime(date).astimezone(UTC)
        except (ValueError, TypeError):
            return None

    def state(self, identifier: str) -> dict[str, object]:
        """How far a deposit has come."""
        answer = self._ask("GET", f"/v1/deposits/{identifier}")
        _accepted(answer, 200)
        return answer.said()

    def webhooks(self) -> list[dict[str, object]]:
        """The addresses at which we are told, and how they fare."""
        answer = self._ask("GET", "/v1/webhooks")
        _accepted(answer, 200)
        found = answer.said().get("webhooks")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def add_webhook(self, url: str) -> dict[str, object]:
        """Have ourselves told at an address."""
        headers, asked = {"Content-Type": "application/json"}, json.dumps({"url": url}).encode()
        answer = self._ask("POST", "/v1/webhooks", content=asked, headers=headers)
        _accepted(answer, 201)
        return answer.said()

    def end_webhook(self, identifier: str) -> None:
        """Be told nothing any more at an address."""
        _accepted(self._ask("DELETE", f"/v1/webhooks/{identifier}"), 204)

    def head(self) -> bytes | None:
        """The newest sealed head of the journal (JOUHED); None before the first."""
        answer = self._ask("GET", "/v1/journal/head")
        return None if answer.status == HTTPStatus.NOT_FOUND else _accepted(answer, 200)

    def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the journal of one size begins with that of another; None when there are none such.

        Raises:
            Refused: the door refused, or what it answered is no proof.
        """
        answer = self._ask("GET", "/v1/journal/consistency", params={"first": first, "second": second})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        _accepted(answer, 200)
        try:
            return [bytes.fromhex(each) for each in answer.said()["proof"]]  # type: ignore[attr-defined]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("what the door answered is no proof") from error

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _post(self, path: str, name: str, content: bytes) -> _Answer:
        digest = _digest_field(hashlib.sha256(content).digest())
        headers = {"Content-Type": "application/xml", "Content-Digest": digest}
        return self._ask("POST", path, params={"name": name}, content=content, headers=headers)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        longest: int = _WORDS_BYTES,
    ) -> _Answer:
        """Ask, and read the answer whole: neither for ever nor without end."""
        until = time.monotonic() + PATIENCE_SECONDS
        read = bytearray()
        with self._http.stream(
            method, path, params=dict(params or {}), content=content, headers=dict(headers or {})
        ) as answer:
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > longest:
                    raise NotNow(f"what answered goes on beyond {longest} bytes: is the address right?")
                if time.monotonic() > until:
                    raise NotNow(f"the answer takes longer than {PATIENCE_SECONDS:.0f} seconds")
            return _Answer(answer.status_code, answer.headers, bytes(read))


def _digest_field(digest: bytes) -> str:
    """SHA-256 as a header field has it (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def _offset(answer: _Answer, length: int) -> int:
    """How much of an upload the door has.

    Raises:
        NotNow: it does not say.
    """
    said = answer.headers.get("upload-offset", "")
    if not (said.isascii() and said.isdigit() and int(said) <= length):
        raise NotNow("what answered takes no file in pieces: is the address right?")
    return int(said)


def _accepted(answer: _Answer, status: int) -> bytes:
    if answer.status == status:
        return answer.content
    sentence = _sentence(answer)
    if answer.status in _LATER:
        raise NotNow(sentence, _retry_after(answer.headers.get("retry-after")))
    if answer.status in _NOBODY:
        raise Hindered(sentence)
    if not 400 <= answer.status < 500:
        raise NotNow(sentence)
    raise Refused(sentence)


def _sentence(answer: _Answer) -> str:
    try:
        problem = json.loads(answer.content)
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"the door answered {answer.status}"


def _retry_after(given: str | None) -> float | None:
    """Seconds, from seconds or from a moment (RFC 9110, section 10.2.3)."""
    if given is None:
        return None
    if given.strip().isascii() and given.strip().isdigit():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


@contextmanager
def enter(profile: Profile, piece: int = PIECE_BYTES) -> Iterator[HttpsDoor]:
    """The HTTPS door, left at the end.

    Raises:
        Refused: the door refused.
        NotNow: it could not be reached, or it broke off.
        OSError, ssl.SSLError: a key, a certificate or the trust file cannot be read.
    """
    door = HttpsDoor(profile, piece)
    try:
        yield door
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise _what_happened(profile, error) from error
    finally:
        door.close()


def _what_happened(profile: Profile, error: Exception) -> NotNow:
    """One line about a connection that failed: what, and what to do where somebody has to do something."""
    told = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in told:
        if "not yet valid" in told or "has expired" in told:
            return Hindered(
                f"{profile.https}: by this machine's clock ({datetime.now(UTC):%Y-%m-%d %H:%M} UTC) the"
                f" gateway's certificate does not count ({told}): set the clock, or ask the operator"
            )
        return Hindered(f"{profile.https} is not the gateway that {profile.trust.name} names ({told})")
    if "alert" in told.lower():
        return Hindered(
            f"{profile.https} does not take the certificate {profile.certificate.name} ({told}):"
            " ask the operator which one is registered"
        )
    return NotNow(f"{profile.https}: {told}")
