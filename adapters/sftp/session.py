"""An SFTP session of a member: each request answered from the small tree that the member sees."""

from __future__ import annotations

import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import paramiko
import structlog
from paramiko import sftp

from adapters.durable import is_full
from adapters.faults import place_of
from adapters.limits import TooMuch
from adapters.sftp.drafts import NO_ROOM, OUR_FAULT, Draft, Handle, Reading, Writing
from adapters.sftp.packets import (
    FOLDER,
    LARGEST_CHUNK,
    LARGEST_PACKET,
    READABLE,
    WRITABLE,
    Answer,
    Entry,
    Fields,
    Incoming,
    StatusError,
    Words,
    send,
    status,
    string,
    words,
)
from adapters.simulation import NotNow, NotSimulated
from adapters.tray import TrialUpload, Tried
from adapters.triples import NotTaken, Part, PartUpload
from gateway.batch import MemberId
from inbox.receive import Gone, TooLarge, Unprovable, Upload, receive
from outbox.collect import Listed, NotFetched, collect, put_away

if TYPE_CHECKING:
    from adapters.sftp.connection import Connection

log = structlog.get_logger()

NAMES_REMEMBERED = 1000
LISTED_AT_ONCE = 100
LONGEST_NAME = 255
PARTIAL = (".part", ".filepart")
FOLDERS = ("inbox", "outbox", "simulation")
TRIALS = "simulation/"
"""Before the name of an upload that is only tried: no name holds a slash."""

LOOKS = frozenset(
    (
        sftp.CMD_OPEN,
        sftp.CMD_LSTAT,
        sftp.CMD_STAT,
        sftp.CMD_OPENDIR,
        sftp.CMD_REMOVE,
        sftp.CMD_RENAME,
        sftp.CMD_EXTENDED,
    )
)
"""The requests that are counted: each may ask the database. Reading and writing go by bytes."""

GONE = (EOFError, OSError, paramiko.SSHException)


class Session(paramiko.SubsystemHandler):
    """One SFTP session (version 3, draft-ietf-secsh-filexfer-02) of a member, in a thread of its own."""

    def __init__(self, connection: Connection, member: MemberId, channel: paramiko.Channel) -> None:
        super().__init__(channel, "sftp", connection)
        self.member = member
        self._connection = connection
        self._channel = channel
        self._door = connection.door
        self._handles: dict[bytes, Handle] = {}
        self._handles_given = 0
        self._drafts: dict[str, Draft] = {}
        self._handed_over: OrderedDict[str, Entry] = OrderedDict()
        self._shelf: dict[str, Listed] = {}
        self._half_read: set[str] = set()
        self._requests: dict[int, Callable[[Fields], Answer]] = {
            sftp.CMD_OPEN: self._open,
            sftp.CMD_CLOSE: self._close,
            sftp.CMD_READ: self._read,
            sftp.CMD_WRITE: self._write,
            sftp.CMD_LSTAT: self._stat,
            sftp.CMD_STAT: self._stat,
            sftp.CMD_FSTAT: self._fstat,
            sftp.CMD_SETSTAT: self._setstat,
            sftp.CMD_FSETSTAT: self._fsetstat,
            sftp.CMD_OPENDIR: self._opendir,
            sftp.CMD_READDIR: self._readdir,
            sftp.CMD_REMOVE: self._remove,
            sftp.CMD_MKDIR: self._no_folders,
            sftp.CMD_RMDIR: self._no_folders,
            sftp.CMD_REALPATH: self._realpath,
            sftp.CMD_RENAME: self._rename,
            sftp.CMD_EXTENDED: self._extended,
        }

    def start_subsystem(self, _name: str, _transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        """Answer requests until the client leaves."""
        try:
            self._converse(channel)
        except (*GONE, StatusError):
            pass  # It has left, or it does not speak SFTP.
        except Exception as error:
            log.error("sftp.session_failed", member=str(self.member), reason=place_of(error))

    def finish_subsystem(self) -> None:
        """Forget what was left unfinished, say goodbye, and be counted out."""
        try:
            for draft in self._drafts.values():
                with suppress(OSError):  # The next start sweeps what stays.
                    draft.abandon()
            with suppress(*GONE):
                self._channel.send_exit_status(0)  # scp takes none for a failure
            with suppress(*GONE):
                super().finish_subsystem()
        finally:
            self._connection.session_ended(self, self._channel)

    def _converse(self, channel: paramiko.Channel) -> None:
        incoming = Incoming(channel)
        kind, _ = incoming.packet()
        if kind != sftp.CMD_INIT:
            return
        extensions = (b"posix-rename@openssh.com", b"1", b"limits@openssh.com", b"1")
        send(channel, sftp.CMD_VERSION, struct.pack(">I", 3) + b"".join(map(string, extensions)))
        while True:
            kind, fields = incoming.packet()
            self._connection.last_active = time.monotonic()
            number = fields.take(4)
            answered, answer = self._answer(kind, fields)
            send(channel, answered, number + answer)

    def _answer(self, kind: int, fields: Fields) -> Answer:
        request = self._requests.get(kind)
        if request is None:
            return status(sftp.SFTP_OP_UNSUPPORTED)
        try:
            if kind in LOOKS:
                self._door.gate.asked(self.member)
            return request(fields)
        except StatusError as refused:
            return status(refused.status, str(refused))
        except TooMuch as later:
            return status(sftp.SFTP_FAILURE, f"not now: {later}; nothing was done")
        except Exception as error:
            log.error("sftp.failed", member=str(self.member), reason=place_of(error))
            return status(sftp.SFTP_FAILURE, NO_ROOM if is_full(error) else OUR_FAULT)

    def _open(self, fields: Fields) -> Answer:
        path, flags = words(fields.text()), fields.uint32()
        self._check_registered()
        self._check_room()
        if flags & ~sftp.SFTP_FLAG_READ:
            return self._give(self._open_for_writing(path, flags))
        if tried := self._tried(path):
            return self._give(Reading(tried_entry(tried), None, tried.content))
        listed = self._listed(path)
        if listed is None:
            raise self._unreadable(path)
        return self._give(Reading(answer_entry(listed), listed))

    def _open_for_writing(self, path: Words, flags: int) -> Writing:
        name = self._upload_name(path)
        draft = self._drafts.get(name)
        if draft is None:
            if not flags & sftp.SFTP_FLAG_CREATE:
                raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no upload of this name in this session")
            draft = self._begin(name)
        elif draft.is_open:
            raise StatusError(sftp.SFTP_FAILURE, "this file is being written already")
        elif flags & sftp.SFTP_FLAG_EXCL:
            raise StatusError(sftp.SFTP_FAILURE, "there is an upload of this name already")
        elif flags & sftp.SFTP_FLAG_TRUNC:
            draft.abandon()
            draft = self._begin(name)
        draft.is_open = True
        return Writing(draft, bool(flags & sftp.SFTP_FLAG_APPEND))

    def _begin(self, name: str) -> Draft:
        self._drafts.pop(name, None)
        door = self._door
        door.gate.deposits(self.member)
        try:
            upload = self._upload(name)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        except Unprovable:
            sentence = (
                "we cannot prove now what we would take in (DOOR-UNPROVABLE); our fault: try again later"
            )
            raise StatusError(sftp.SFTP_FAILURE, sentence) from None
        draft = self._drafts[name] = Draft(upload, name, partial(door.gate.sent, self.member))
        return draft

    def _upload(self, name: str) -> Upload:
        """What is written to under a name: a trial, a file of a triple, or a deposit."""
        door = self._door
        if name.startswith(TRIALS):
            return door.tray.begin(self.member)
        part = self._part(name)
        return door.inbox.begin() if part is None else door.triples.begin(part, door.inbox.begin)

    def _part(self, name: str) -> Part | None:
        """The part of a triple that a file is by the name it will have."""
        return self._door.triples.part(self.member, _whole(name))

    def _close(self, fields: Fields) -> Answer:
        handle = self._handle(name := fields.string())
        del self._handles[name]
        if isinstance(handle, Writing):
            self._finish(handle.draft)
        return status(sftp.SFTP_OK)

    def _finish(self, draft: Draft) -> None:
        draft.is_open = False
        if not draft.name.endswith(PARTIAL):
            self._hand_over(draft, draft.name)
        elif draft.has_failed:
            del self._drafts[draft.name]
            draft.check()

    def _hand_over(self, draft: Draft, name: str) -> None:
        """Into custody, under a name. What fails here is forgotten: the sender has to send it again."""
        del self._drafts[draft.name]
        if isinstance(draft.upload, TrialUpload):
            self._try(draft, draft.upload, name)
            return
        if isinstance(draft.upload, PartUpload):
            self._take_part(draft, draft.upload)
            return
        try:
            draft.check()
            receipt = receive(self._door.inbox, draft, sender=str(self.member), name=name, door="sftp")
        except Gone as gone:
            raise StatusError(sftp.SFTP_FAILURE, str(gone)) from None
        except BaseException:
            draft.abandon()
            raise
        self._remember(name, draft)
        log.info("sftp.received", member=str(self.member), deposit=receipt.deposit, repeated=receipt.repeated)

    def _take_part(self, draft: Draft, upload: PartUpload) -> None:
        """A file of a triple; with the go the whole of it into custody."""
        try:
            draft.check()
            released = self._door.triples.take(self.member, upload)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        except BaseException:
            draft.abandon()
            raise
        self._remember(upload.part.file, draft)
        if released is not None:
            sender, name = str(self.member), upload.part.deposit
            try:
                receipt = receive(self._door.inbox, released, sender=sender, name=name, door="sftp")
            except Gone as gone:
                raise StatusError(sftp.SFTP_FAILURE, str(gone)) from None
            log.info("sftp.released", member=sender, deposit=receipt.deposit, repeated=receipt.repeated)

    def _try(self, draft: Draft, upload: TrialUpload, name: str) -> None:
        """Simulate a file; its answer lies in the folder then."""
        try:
            draft.check()
            self._door.tray.simulate(self.member, name.removeprefix(TRIALS), upload, self._now())
        except (NotNow, NotSimulated, TooLarge) as error:
            raise StatusError(sftp.SFTP_FAILURE, f"not simulated: {error}") from None
        finally:
            draft.abandon()
        self._remember(name, draft)
        log.info("sftp.simulated", member=str(self.member))

    def _remember(self, name: str, draft: Draft) -> None:
        """What was handed over is still shown to a client that asks for it by name."""
        self._handed_over[name] = Entry(_shown(name), draft.size, WRITABLE, self._now())
        if len(self._handed_over) > NAMES_REMEMBERED:
            self._handed_over.popitem(last=False)

    def _read(self, fields: Fields) -> Answer:
        handle, offset, length = self._handle(fields.string()), fields.uint64(), fields.uint32()
        if not isinstance(handle, Reading):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing is read from the inbox")
        if handle.content is None:
            handle.content = self._collect(handle.listed)
        chunk = handle.content[offset : offset + min(length, LARGEST_CHUNK)]
        if handle.listed is not None and chunk and offset + len(chunk) == len(handle.content):
            self._half_read.discard(handle.listed.answer.id)
        return (sftp.CMD_DATA, string(chunk)) if chunk else status(sftp.SFTP_EOF)

    def _collect(self, listed: Listed | None) -> bytes:
        assert listed is not None, "a trial has its bytes"
        content = collect(
            self._door.outbox, recipient=str(self.member), answer_id=listed.answer.id, door="sftp"
        )
        if content is None:
            raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such answer")
        self._half_read.add(listed.answer.id)
        log.info("sftp.collected", member=str(self.member), answer=listed.answer.id)
        return content

    def _write(self, fields: Fields) -> Answer:
        handle, offset, chunk = self._handle(fields.string()), fields.uint64(), fields.string()
        if not isinstance(handle, Writing):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing is written to the outbox")
        # Who resumes names the place: beyond our end, it is bytes we do not have, and no end to add to.
        place = max(offset, handle.draft.size) if handle.appends else offset
        handle.draft.write(place, chunk)
        return status(sftp.SFTP_OK)

    def _stat(self, fields: Fields) -> Answer:
        return sftp.CMD_ATTRS, self._entry(words(fields.text())).attributes()

    def _fstat(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if isinstance(handle, Writing):
            entry = self._draft_entry(handle.draft)
        elif isinstance(handle, Reading):
            entry = handle.entry
        else:
            entry = self._folder("")
        return sftp.CMD_ATTRS, entry.attributes()

    def _setstat(self, fields: Fields) -> Answer:
        path = words(fields.text())
        entry = self._entry(path)
        if entry.mode != WRITABLE:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing can be changed about this")
        return self._keep_attributes(fields, entry.size)

    def _fsetstat(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if not isinstance(handle, Writing):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing can be changed about this")
        return self._keep_attributes(fields, handle.draft.size)

    def _keep_attributes(self, fields: Fields, size: int) -> Answer:
        """Clients set times and permissions after an upload: harmless, and nothing to us. A size is more."""
        if fields.uint32() & 0x1 and fields.uint64() != size:
            raise StatusError(sftp.SFTP_OP_UNSUPPORTED, "a file is as long as what was written")
        return status(sftp.SFTP_OK)

    def _opendir(self, fields: Fields) -> Answer:
        path = words(fields.text())
        self._check_registered()
        self._check_room()
        if path == ():
            return self._give(iter([self._folder(name) for name in FOLDERS]))
        if path in (("inbox",), ("simulation",)):
            is_trial = path == ("simulation",)
            unfinished = [
                draft
                for draft in self._drafts.values()
                if draft.name.endswith(PARTIAL) and draft.name.startswith(TRIALS) is is_trial
            ]
            tried = self._door.tray.of(self.member).values() if is_trial else ()
            return self._give(iter([*map(self._draft_entry, unfinished), *map(tried_entry, tried)]))
        if path == ("outbox",):
            self._look_at_shelf()
            return self._give(iter([answer_entry(listed) for listed in self._shelf.values()]))
        raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such folder")

    def _readdir(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if isinstance(handle, Writing | Reading):
            raise StatusError(sftp.SFTP_FAILURE, "not a folder")
        entries = list(islice(handle, LISTED_AT_ONCE))
        if not entries:
            return status(sftp.SFTP_EOF)
        lines = b"".join(entry.line() for entry in entries)
        return sftp.CMD_NAME, struct.pack(">I", len(entries)) + lines

    def _remove(self, fields: Fields) -> Answer:
        path = words(fields.text())
        self._check_registered()
        if listed := self._listed(path):
            self._put_away(listed)
            self._shelf.pop(listed.answer.name, None)
            return status(sftp.SFTP_OK)
        if tried := self._tried(path):
            self._door.tray.remove(self.member, tried.name)
            return status(sftp.SFTP_OK)
        draft = self._closed_draft(path)
        draft.abandon()
        del self._drafts[draft.name]
        return status(sftp.SFTP_OK)

    def _put_away(self, listed: Listed) -> None:
        """What is removed counts as acknowledged; so it has to be read, and in this session to its end."""
        member, answer = str(self.member), listed.answer.id
        if answer in self._half_read:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "read it to its end first, then remove it")
        try:
            put_away(self._door.outbox, recipient=member, answer_id=answer, door="sftp")
        except NotFetched:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "read it first, then remove it") from None

    def _no_folders(self, _fields: Fields) -> Answer:
        sentence = "there are inbox, outbox and simulation, and no other folders"
        raise StatusError(sftp.SFTP_PERMISSION_DENIED, sentence)

    def _realpath(self, fields: Fields) -> Answer:
        path = "/" + "/".join(words(fields.text()))
        return sftp.CMD_NAME, struct.pack(">I", 1) + string(path) + string(path) + struct.pack(">I", 0)

    def _rename(self, fields: Fields, *, replace: bool = False) -> Answer:
        source, target = words(fields.text()), words(fields.text())
        self._check_registered()
        draft = self._closed_draft(source)
        name = self._upload_name(target)
        if source[0] != target[0]:
            sentence = "what is only tried is no deposit; send it to inbox"
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, sentence)
        there = self._drafts.get(name)
        if there is not None and there is not draft and (there.is_open or not replace):
            raise StatusError(sftp.SFTP_FAILURE, "there is an upload of this name already")
        self._check_stays(draft, name)
        if not name.endswith(PARTIAL):
            self._hand_over(draft, name)
        elif there is not draft:
            if there is not None:
                there.abandon()
            del self._drafts[draft.name]
            draft.name = name
            self._drafts[name] = draft
        return status(sftp.SFTP_OK)

    def _check_stays(self, draft: Draft, name: str) -> None:
        """A file of a triple is one from its first byte, and under its own name."""
        upload = draft.upload
        begun = upload.part if isinstance(upload, PartUpload) else None
        try:
            becomes = None if name.startswith(TRIALS) else self._part(name)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        if begun != becomes:
            raise StatusError(sftp.SFTP_FAILURE, "a file of a triple is put under its own name")

    def _extended(self, fields: Fields) -> Answer:
        name = fields.string()
        if name == b"posix-rename@openssh.com":
            return self._rename(fields, replace=True)
        if name == b"limits@openssh.com":
            handles = self._door.settings.handles_per_session
            return sftp.CMD_EXTENDED_REPLY, struct.pack(
                ">QQQQ", LARGEST_PACKET, LARGEST_CHUNK, LARGEST_CHUNK, handles
            )
        return status(sftp.SFTP_OP_UNSUPPORTED)

    def _check_registered(self) -> None:
        """A key that was ended ends what its sessions may do."""
        if not self._connection.is_still_registered():
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "this key is no longer registered")

    def _check_room(self) -> None:
        waiting = sum(not draft.is_open for draft in self._drafts.values())
        if len(self._handles) + waiting >= self._door.settings.handles_per_session:
            raise StatusError(
                sftp.SFTP_FAILURE, "too many files open or waiting for their rename in this session"
            )

    def _give(self, handle: Handle) -> Answer:
        self._handles_given += 1
        name = str(self._handles_given).encode()
        self._handles[name] = handle
        return sftp.CMD_HANDLE, string(name)

    def _handle(self, name: bytes) -> Handle:
        handle = self._handles.get(name)
        if handle is None:
            raise StatusError(sftp.SFTP_FAILURE, "no such handle")
        return handle

    def _upload_name(self, path: Words) -> str:
        """The name a path gives to an upload, in the inbox or to be tried.

        Raises:
            StatusError: when the path is not one of a file in these folders.
        """
        if len(path) != 2 or path[0] not in ("inbox", "simulation"):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "put files into inbox, nowhere else")
        # A part name is the client's business: the limit is on the name it will have.
        if len(_whole(path[1]).encode()) > LONGEST_NAME:
            raise StatusError(sftp.SFTP_FAILURE, f"a name has at most {LONGEST_NAME} bytes")
        return _key(path)

    def _closed_draft(self, path: Words) -> Draft:
        """The upload of this session at a path, closed and waiting for its rename.

        Raises:
            StatusError: when there is none.
        """
        draft = self._drafts.get(_key(path)) if _is_upload(path) else None
        if draft is None:
            self._entry(path)  # What is not there cannot be touched; what is there must not.
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "this is not yours to move or remove")
        if draft.is_open:
            raise StatusError(sftp.SFTP_FAILURE, "this file is still open")
        return draft

    def _unreadable(self, path: Words) -> StatusError:
        self._entry(path)
        return StatusError(sftp.SFTP_PERMISSION_DENIED, "only answers in outbox can be read")

    def _entry(self, path: Words) -> Entry:
        """What is at a path, as this member sees it.

        Raises:
            StatusError: when there is nothing.
        """
        if path == () or (len(path) == 1 and path[0] in FOLDERS):
            return self._folder("".join(path))
        if _is_upload(path):
            if draft := self._drafts.get(_key(path)):
                return self._draft_entry(draft)
            if handed_over := self._handed_over.get(_key(path)):
                return handed_over
        if tried := self._tried(path):
            return tried_entry(tried)
        if listed := self._listed(path):
            return answer_entry(listed)
        raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such file")

    def _listed(self, path: Words) -> Listed | None:
        """The answer at a path. The shelf is asked again only for names it did not show before."""
        if len(path) != 2 or path[0] != "outbox":
            return None
        if path[1] not in self._shelf:
            self._look_at_shelf()
        return self._shelf.get(path[1])

    def _tried(self, path: Words) -> Tried | None:
        """The answer to a trial at a path."""
        if len(path) != 2 or path[0] != "simulation":
            return None
        return self._door.tray.of(self.member).get(path[1])

    def _look_at_shelf(self) -> None:
        visible = self._door.outbox.collection.visible(str(self.member))
        self._shelf = {listed.answer.name: listed for listed in visible}

    def _folder(self, name: str) -> Entry:
        return Entry(name, 0, FOLDER, self._now())

    def _draft_entry(self, draft: Draft) -> Entry:
        return Entry(_shown(draft.name), draft.size, WRITABLE, self._now())

    def _now(self) -> int:
        return int(self._door.clock().timestamp())


def _is_upload(path: Words) -> bool:
    return len(path) == 2 and path[0] in ("inbox", "simulation")


def _key(path: Words) -> str:
    """By what an upload is known in a session."""
    return path[1] if path[0] == "inbox" else TRIALS + path[1]


def _whole(name: str) -> str:
    """The name that an upload will have."""
    return next((name.removesuffix(end) for end in PARTIAL if name.endswith(end)), name)


def _shown(name: str) -> str:
    return name.removeprefix(TRIALS)


def tried_entry(tried: Tried) -> Entry:
    """The answer to a trial as a listing shows it."""
    return Entry(tried.name, len(tried.content), READABLE, tried.at)


def answer_entry(listed: Listed) -> Entry:
    """An answer as a listing shows it."""
    answer = listed.answer
    return Entry(answer.name, answer.size, READABLE, int(answer.posted.timestamp()))
