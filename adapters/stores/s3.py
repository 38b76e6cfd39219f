"""A bucket that speaks S3: `<prefix>/deposits/<id>`, for any number of machines.

Whether a file was put is asked of the bucket and never guessed: it is created only if it is absent
(`If-None-Match: *`), so that a request whose reply was lost can be made again; if it is there then, its bytes
are compared with ours. What fails for longer than a sender waits is told as our fault, and nothing was
entered. A large file is put in parts, so that no more than a few of them are in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from adapters.stores.port import Absent, OtherThere, Stored, Unreachable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

CHUNK = 1 << 20
PART = 8 << 20
"""Up to so many bytes a file is put in one request; a larger one in parts of so many."""
AT_ONCE = 2
"""Parts that are on their way at the same time."""
_FAULTS = (BaseError, OSError)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and how to come in.

    Attributes:
        url: `s3://bucket/prefix`.
        endpoint: of the server, such as `https://s3.example`; Amazon's of the region without it.
        region: that requests are signed for.
        key_id, secret: the credentials; never shown. Without them those of the environment (AWS_…).
        timeout: for one request.
        patience: for all tries of one request together.
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    key_id: str = ""
    secret: str = ""
    timeout: timedelta = timedelta(seconds=20)
    patience: timedelta = timedelta(seconds=30)

    def __repr__(self) -> str:
        return f"Bucket({self.url!r})"


class S3Files:
    """`Store`, in a bucket."""

    is_shared = True

    def __init__(self, bucket: Bucket) -> None:
        address = urlsplit(bucket.url)
        prefix = address.path.strip("/")
        self._folder = f"{prefix}/deposits" if prefix else "deposits"
        self._aside = f"{prefix}/set-aside" if prefix else "set-aside"
        config: S3Config = {"region": bucket.region, "conditional_put": "etag"}
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if bucket.key_id:
            config["access_key_id"] = bucket.key_id
            config["secret_access_key"] = bucket.secret
        client: ClientConfig = {
            "timeout": bucket.timeout,
            "allow_http": bucket.endpoint.startswith("http://"),
        }
        retry: RetryConfig = {
            "max_retries": 5,
            "retry_timeout": bucket.patience,
            "backoff": {"max_backoff": timedelta(seconds=2)},
        }
        self._store = S3Store(address.netloc, config=config, client_options=client, retry_config=retry)

    def create(self) -> None:
        """Look whether the bucket answers; it is its owner who makes it."""
        for _ in self.files():
            return

    def put(self, deposit: str, file: Path, descriptor: int) -> None:  # noqa: ARG002 (synced by the bucket)
        """Create the object if it is absent; with the same bytes it is put already."""
        key, size = self._key(deposit), file.stat().st_size
        try:
            if size <= PART:
                obstore.put(self._store, key, file.read_bytes(), mode="create")
            else:
                self._put_in_parts(key, file, size)
        except (AlreadyExistsError, PreconditionError):
            if self._digest(deposit) != _digest_of(file):
                raise OtherThere(deposit) from None
        except _FAULTS as error:
            raise Unreachable(type(error).__name__) from None
        file.unlink()

    def _put_in_parts(self, key: str, file: Path, size: int) -> None:
        """A large file, a few parts in memory at a time; the object is there when all of them are.

        Such a put cannot be made only-if-absent on every server, so it is asked before. Ids are drawn at
        random, each by one process alone: nobody comes between the two but a try of our own whose reply was
        lost, with the same bytes.
        """
        if self._size(key) is not None:
            raise AlreadyExistsError(key)
        try:
            obstore.put(self._store, key, file, use_multipart=True, chunk_size=PART, max_concurrency=AT_ONCE)
        except _FAULTS:
            # The reply to its very end may have been lost: then it is there, and there is no asking again.
            if self._size(key) != size:
                raise

    def _size(self, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        try:
            return obstore.head(self._store, key)["size"]
        except FileNotFoundError:
            return None

    def _digest(self, deposit: str) -> bytes:
        found = hashlib.sha256()
        with self.open(deposit) as there:
            while chunk := there.read(CHUNK):
                found.update(chunk)
        return found.digest()

    @contextmanager
    def open(self, deposit: str) -> Iterator[OpenedObject]:
        """Read an object."""
        try:
            found = obstore.get(self._store, self._key(deposit))
        except FileNotFoundError:
            raise Absent(deposit) from None
        except _FAULTS as error:
            raise Unreachable(type(error).__name__) from None
        chunks = (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK))
        yield OpenedObject(found.meta["size"], chunks)

    def files(self) -> Iterator[Stored]:
        """All that there are."""
        try:
            for page in obstore.list(self._store, self._folder, chunk_size=1000):
                for one in page:
                    name = one["path"].rpartition("/")[2]
                    yield Stored(name, one["size"], one["last_modified"])
        except _FAULTS as error:
            raise Unreachable(type(error).__name__) from None

    def remove(self, deposit: str) -> None:
        """Take an object away."""
        try:
            obstore.delete(self._store, self._key(deposit))
        except FileNotFoundError:
            pass
        except _FAULTS as error:
            raise Unreachable(type(error).__name__) from None

    def set_aside(self, deposit: str) -> None:
        """Copy an object beside, then take it away; cut off between the two it is done again."""
        try:
            obstore.rename(self._store, self._key(deposit), f"{self._aside}/{deposit}")
        except _FAULTS as error:
            raise Unreachable(type(error).__name__) from None

    def _key(self, deposit: str) -> str:
        return f"{self._folder}/{deposit}"


def _digest_of(file: Path) -> bytes:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


class OpenedObject:
    """`Opened`, of an object that comes in pieces."""

    def __init__(self, size: int, chunks: Iterator[bytes]) -> None:
        self.size = size
        self._chunks = chunks
        self._rest = bytearray()

    def read(self, count: int) -> bytes:
        """The next bytes."""
        while len(self._rest) < count:
            try:
                more = next(self._chunks, None)
            except _FAULTS as error:
                raise Unreachable(type(error).__name__) from None
            if more is None:
                break
            self._rest += more
        found = bytes(self._rest[:count])
        del self._rest[:count]
        return found
