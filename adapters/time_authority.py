"""Asking a time-stamp authority over HTTP (RFC 3161, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
from cryptography import x509

from signing.timestamps import BadStamp, accept, ask

TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 64 * 1024
ASKED = "application/timestamp-query"
ANSWERED = "application/timestamp-reply"


class Unstamped(Exception):
    """No token now: the authority is away, refuses, or its answer does not hold."""


@dataclass(frozen=True, slots=True)
class TimeAuthority:
    """An authority that we ask.

    Attributes:
        url: where it is.
        anchors: roots that its certificates must lead to.
    """

    url: str
    anchors: tuple[x509.Certificate, ...]

    def stamp(self, content: bytes) -> bytes:
        """A token over some bytes, checked. Only their digest is sent.

        Raises:
            Unstamped: there is none now.
        """
        query = ask(content)
        try:
            return accept(_posted(self.url, query.der), query, self.anchors)
        except (httpx2.HTTPError, BadStamp) as error:
            raise Unstamped(f"{type(error).__name__}: {error}") from error


def _posted(url: str, query: bytes) -> bytes:
    headers = {"Content-Type": ASKED, "Accept": ANSWERED}
    with (
        httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as http,
        http.stream("POST", url, content=query, headers=headers) as answer,
    ):
        if answer.status_code != 200:
            raise BadStamp(f"the authority answered {answer.status_code}")
        if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != ANSWERED:
            raise BadStamp(f"the authority did not answer with {ANSWERED}")
        return _bounded(answer)


def _bounded(answer: httpx2.Response) -> bytes:
    content = b""
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise BadStamp(f"the authority answered with more than {LARGEST_ANSWER} bytes")
    return content
