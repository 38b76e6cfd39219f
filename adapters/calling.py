"""Calling an address that somebody else named, without being led astray (server-side request forgery).

https only. A name is looked up once; unless all its addresses are ones that the whole internet may reach,
nobody is called; and the one that was looked at is the one that is called, whatever the name says a moment
later. No redirection is followed, nothing of the answer but its status is read, and all of it has an end.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
LONGEST_URL = 500
PATIENCE_SECONDS = 15.0
"""For a whole call."""


TRANSLATED = ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48")
"""What a network of ours may turn into IPv4 addresses of any kind (RFC 6052, RFC 8215)."""


class NotCalled(Exception):
    """An address that is not called at all; the sentence says why."""


class NoAnswer(Exception):
    """Nobody answered, or not as they should; the sentence says what happened."""


def resolve(host: str, port: int) -> Sequence[Address]:
    """All addresses of a name.

    Raises:
        OSError: it has none now.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def is_public(address: Address) -> bool:
    """Whether the whole internet may reach an address: none of ours, of a neighbour, or of many at once."""
    inner = None
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if any(address in network for network in TRANSLATED):
        return False
    return address.is_global and not address.is_multicast and (inner is None or is_public(inner))


def check_url(url: str) -> SplitResult:
    """An address as it may be called.

    Raises:
        NotCalled: it may not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotCalled("this is no address") from None
    if len(url) > LONGEST_URL or not url.isascii() or any(one <= " " or one == "\\" for one in url):
        raise NotCalled(f"an address has at most {LONGEST_URL} plain characters, and no blanks")
    if parts.scheme != "https" or not parts.hostname:
        raise NotCalled("an address begins with https:// and names a host")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise NotCalled("an address has no user, no password and no fragment")
    return parts


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls addresses.

    Attributes:
        may: which addresses may be called.
        look_up: the addresses of a name.
        trust: whose certificates are believed; by default those of the machine.
    """

    may: Callable[[Address], bool] = is_public
    look_up: Callable[[str, int], Sequence[Address]] = resolve
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def post(self, url: str, fields: Mapping[str, str], content: bytes) -> tuple[int, str]:
        """Post something; the status of the answer, and its Retry-After.

        Raises:
            NotCalled: the address may not be called.
            NoAnswer: nobody answered.
        """
        parts = check_url(url)
        host, port = parts.hostname or "", parts.port or 443
        calling = _Pinned(host, port, self._address(host, port), self.trust)
        ending = threading.Timer(PATIENCE_SECONDS, calling.cut)
        ending.daemon = True
        ending.start()
        try:
            target = parts.path or "/"
            calling.request(
                "POST", f"{target}?{parts.query}" if parts.query else target, content, dict(fields)
            )
            answer = calling.getresponse()
            return answer.status, answer.getheader("retry-after", "")
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}"[:200]) from None
        finally:
            ending.cancel()
            calling.close()

    def check(self, url: str) -> None:
        """Whether an address may be called now.

        Raises:
            NotCalled: it may not.
            NoAnswer: its name has no address now.
        """
        parts = check_url(url)
        self._address(parts.hostname or "", parts.port or 443)

    def _address(self, host: str, port: int) -> Address:
        try:
            found = self.look_up(host, port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise NoAnswer(f"{host} has no address now")
        if not all(map(self.may, found)):
            raise NotCalled(f"{host} is not an address of the public internet")
        return found[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address, which has to prove that it is the host that was named."""

    def __init__(self, host: str, port: int, address: Address, trust: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=PATIENCE_SECONDS, context=trust)
        self._pinned = str(address)
        self._trust = trust

    def connect(self) -> None:
        plain = socket.create_connection((self._pinned, self.port), timeout=PATIENCE_SECONDS)
        try:
            self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def cut(self) -> None:
        """Break off, whatever is being waited for."""
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)
