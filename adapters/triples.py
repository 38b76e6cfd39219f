"""Triples: a batch, its signature and a go, put one by one at the SFTP door, as Belgian institutions have it.

For members with whom it was agreed. `FI.NAME` holds the batch, `FS.NAME` a CMS signature beside it. `GO.NAME`
releases both; `TD.NAME` cancels them as long as they were not released; these two are empty. NAME keeps to
the pattern of file names and ends with `.XML` or `.DTA`.

The batch is written straight into an ASiC-S container of ours, which the signature completes: from the go on
it is a deposit like any other. Until then nothing is in our custody. What waits is bounded in number, bytes
and age, and forgotten at a stop.
"""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway import names
from gateway.batch import MemberId
from inbox.receive import TooLarge, Upload
from signing import cms
from signing.container import CMS_SIGNATURE, MIMETYPE_OF_ONE

MOST = 8
"""Triples of one member that wait."""
DEPOSITS_OF_ONE = 2
"""As many deposits of the largest size may wait for one member."""
KEPT_SECONDS = 6 * 3600.0

_DTA = ".DTA"
_XML = ".XML"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class NotTaken(Exception):
    """A file of a triple that is not taken; the sentence says why."""


class Kind(StrEnum):
    """What a file of a triple is, by the beginning of its name."""

    BATCH = "FI."
    SIGNATURE = "FS."
    GO = "GO."
    CANCEL = "TD."


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a triple.

    Attributes:
        kind: which.
        name: of the triple, without its beginning.
        deposit: the name of the deposit that the triple becomes.
        inside: the name of the batch in it.
    """

    kind: Kind
    name: str
    deposit: str
    inside: str

    @property
    def file(self) -> str:
        return f"{self.kind}{self.name}"


def part_of(file: str) -> Part | None:
    """The part of a triple that a file is by its name; None when it is none.

    Raises:
        NotTaken: it begins like one, and goes on otherwise.
    """
    kind = next((each for each in Kind if file.startswith(each)), None)
    if kind is None:
        return None
    name = file.removeprefix(kind)
    try:
        known = names.parse(name.removesuffix(_DTA) + _XML if name.endswith(_DTA) else name)
    except ValueError:
        known = None
    if known is None or not known.incoming or known.extension is not names.Extension.XML:
        raise NotTaken(f"after {kind} comes a name as SECU.DECSAL.… to CCSS, which ends with .XML or .DTA")
    inside = f"{known.type}.dta" if name.endswith(_DTA) else name
    return Part(kind, name, str(replace(known, extension=names.Extension.ASICS)), inside)


class PartUpload:
    """A file of a triple under way: an `inbox.receive.Upload` that is written in order."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.size = 0

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes behind those that are there.

        Raises:
            TooLarge: beyond the limit.
            NotTaken: not in order.
        """
        if offset != self.size:
            raise NotTaken("a file of a triple is written from its first byte to its last")
        self._take(chunk)
        self.size += len(chunk)

    def _take(self, chunk: bytes) -> None:
        """GO and TD are empty."""
        if chunk:
            raise TooLarge(0)

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """Never: only a whole triple is a deposit."""
        raise NotImplementedError(deposit, sender, received)

    def discard(self) -> None:
        """Forget it."""


class SignatureUpload(PartUpload):
    """FS: a signature, in memory."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._content = bytearray()

    @property
    def content(self) -> bytes:
        return bytes(self._content)

    def _take(self, chunk: bytes) -> None:
        if len(self._content) + len(chunk) > cms.LARGEST:
            raise TooLarge(cms.LARGEST)
        self._content += chunk


class BatchUpload(PartUpload):
    """FI: a batch, written into the container that the triple becomes."""

    def __init__(self, part: Part, upload: Upload) -> None:
        super().__init__(part)
        self._stream = _Stream(upload)
        self._archive = zipfile.ZipFile(self._stream, "w")
        self._archive.writestr(_entry("mimetype"), MIMETYPE_OF_ONE)
        self._batch = self._archive.open(_entry(part.inside), "w")

    def _take(self, chunk: bytes) -> None:
        self._batch.write(chunk)

    def seal(self, signature: bytes) -> None:
        """Complete the container."""
        self._batch.close()
        self._archive.writestr(_entry(CMS_SIGNATURE), signature)
        self._archive.close()

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """File the container under the id of a deposit; its size and digest."""
        return self._stream.upload.keep(deposit, sender, received)

    def discard(self) -> None:
        """Forget it."""
        self._stream.is_open = False
        self._batch.close()
        self._archive.close()
        self._stream.upload.discard()


class _Stream:
    """An upload as `zipfile` writes to it: forward only."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.is_open = True
        self._size = 0

    def write(self, content: bytes) -> int:
        if self.is_open:
            self.upload.write(self._size, bytes(content))
            self._size += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """The upload is kept or discarded by whoever has it."""


def _entry(name: str) -> zipfile.ZipInfo:
    """The same at every time, so that the same triple is the same deposit."""
    return zipfile.ZipInfo(name, _EPOCH)


@dataclass(slots=True)
class _Waiting:
    """What has come of a triple."""

    since: float
    batch: BatchUpload | None = None
    signature: bytes | None = None

    @property
    def size(self) -> int:
        return self.batch.size if self.batch else 0

    def forget(self) -> None:
        if self.batch is not None:
            self.batch.discard()


class Triples:
    """What waits of triples.

    Args:
        agreed: whether a member sends triples.
        largest: bytes of a deposit, at most.
        tick: seconds that never go back.
    """

    def __init__(
        self,
        agreed: Callable[[MemberId], bool],
        largest: int,
        *,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agreed = agreed
        self._most_bytes = DEPOSITS_OF_ONE * largest
        self._tick = tick
        self._lock = threading.Lock()
        self._waiting: dict[tuple[MemberId, str], _Waiting] = {}

    def part(self, member: MemberId, file: str) -> Part | None:
        """The part of a triple that a file of this name is for a member; None when it is none.

        Raises:
            NotTaken: it begins like one, and goes on otherwise.
        """
        is_one = file.startswith(tuple(Kind)) and self._agreed(member)
        return part_of(file) if is_one else None

    def begin(self, part: Part, begin: Callable[[], Upload]) -> PartUpload:
        """Open the upload of a part.

        Args:
            part: which.
            begin: opens the upload of a deposit.
        """
        if part.kind is Kind.BATCH:
            return BatchUpload(part, begin())
        return SignatureUpload(part) if part.kind is Kind.SIGNATURE else PartUpload(part)

    def take(self, member: MemberId, upload: PartUpload) -> BatchUpload | None:
        """Take a part that is complete; the deposit when it was the go. One that is not taken is forgotten.

        A batch or a signature that is put again replaces the earlier one.

        Raises:
            NotTaken: too much waits, or nothing waits that could be released or cancelled.
        """
        self.forget_old()
        place = member, upload.part.name
        with self._lock:
            if upload.part.kind is Kind.GO:
                return self._released(place)
            if upload.part.kind is Kind.CANCEL:
                self._cancel(place)
            else:
                self._put(place, upload)
            return None

    def forget_old(self) -> None:
        """Forget what has waited for too long."""
        with self._lock:
            now = self._tick()
            for place, one in list(self._waiting.items()):
                if now - one.since >= KEPT_SECONDS:
                    self._waiting.pop(place).forget()

    def forget_all(self) -> None:
        """Forget everything: the door closes."""
        with self._lock:
            while self._waiting:
                self._waiting.popitem()[1].forget()

    def _put(self, place: tuple[MemberId, str], upload: PartUpload) -> None:
        own = {name: one for (whose, name), one in self._waiting.items() if whose == place[0]}
        others = [one for name, one in own.items() if name != place[1]]
        if len(others) >= MOST or sum(one.size for one in others) + upload.size > self._most_bytes:
            upload.discard()
            raise NotTaken("too many of your triples wait for their GO; release or cancel one first")
        waiting = self._waiting.setdefault(place, _Waiting(self._tick()))
        if isinstance(upload, SignatureUpload):
            waiting.signature = upload.content
        elif isinstance(upload, BatchUpload):
            waiting.forget()
            waiting.batch = upload

    def _released(self, place: tuple[MemberId, str]) -> BatchUpload:
        waiting = self._waiting.get(place)
        if waiting is None or waiting.batch is None or waiting.signature is None:
            raise NotTaken("FI and FS come before GO; put what is missing, then GO again")
        del self._waiting[place]
        try:
            waiting.batch.seal(waiting.signature)
        except BaseException:
            waiting.forget()
            raise
        return waiting.batch

    def _cancel(self, place: tuple[MemberId, str]) -> None:
        waiting = self._waiting.pop(place, None)
        if waiting is None:
            raise NotTaken("nothing of this name waits; what was released is not cancelled any more")
        waiting.forget()
