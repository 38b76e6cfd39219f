"""Shadow runs: what a candidate of forms or tables would have said of batches that are stored here.

A candidate is a ZIP with some of the files of `xsd/`, `gateway/parameters/` and `gateway/rejections/`, under
the very names they have there: law, forms and codes, never program. They are laid over a copy of these two
packages, and a process of its own (`adapters.shadow.process`) treats stored batches by them; another one
treats the same batches by the rules that we have. Each treatment is a transaction that is rolled back. What
the two say otherwise is what the candidate would change. See docs/decisions/0028.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from adapters.console.finding import midnight
from adapters.database import Database, tables
from adapters.database.journal import append
from adapters.settings import Settings
from gateway.moments import Received

deposit = tables.table(tables.Deposit)

LARGEST = 5_000_000
"""Bytes of a candidate, packed and unpacked."""
MOST_FILES = 200
_LONGEST_NAME = 100
PACKAGES = ("gateway", "xsd")
"""In which what counts lies."""
_PLACES = re.compile(
    r"xsd/(catalogue\.yaml|[a-z]{3,10}/[0-9]{1,2}\.[0-9]{1,2}\.xsd)|gateway/(parameters|rejections)/[a-z_]{1,40}\.yaml"
)
_START = (
    "import sys; sys.path[:0] = sys.argv[1:]; from adapters.shadow.process import main; main(sys.argv[1:])"
)


class Unusable(Exception):
    """A candidate that cannot be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Files that would stand in the place of ours.

    Attributes:
        name: of its file, as it was given, without what cannot be shown.
        digest: SHA-256 of its bytes, hexadecimal.
        files: by their path in the source.
    """

    name: str
    digest: str
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, name: str, content: bytes) -> Candidate:
        """A candidate from its ZIP.

        Raises:
            Unusable: it is none, or holds anything else than forms, parameters and tables of codes.
        """
        if len(content) > LARGEST:
            raise Unusable(f"a candidate has at most {LARGEST} bytes")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inside = [one for one in archive.infolist() if not one.is_dir()]
                _check(inside)
                files = {one.filename: archive.read(one) for one in inside}
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
            raise Unusable("it is no ZIP that can be read") from None
        shown = "".join(sign for sign in name if sign.isprintable())[:_LONGEST_NAME]
        return cls(shown or "candidate.zip", hashlib.sha256(content).hexdigest(), files)


def _check(inside: Sequence[zipfile.ZipInfo]) -> None:
    if not 0 < len(inside) <= MOST_FILES:
        raise Unusable(f"a candidate has between one and {MOST_FILES} files")
    if sum(one.file_size for one in inside) > LARGEST:
        raise Unusable(f"a candidate unpacks to at most {LARGEST} bytes")
    for one in inside:
        if _PLACES.fullmatch(one.filename) is None:
            raise Unusable(
                f"{one.filename[:100]!r} is not a form, a parameter file or a table of codes:"
                " xsd/CODE/VERSION.xsd, xsd/catalogue.yaml, gateway/parameters/NAME.yaml,"
                " gateway/rejections/NAME.yaml"
            )


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of a batch.

    Attributes:
        verdict: as the acknowledgement has it.
        accepted, rejected, held: records.
        codes: those given, by record; 0 is the file as a whole.
    """

    verdict: str
    accepted: int
    rejected: int
    held: int
    codes: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """A record, or a whole file, of which a candidate says something else.

    Attributes:
        deposit: id of it.
        name: of its file.
        procedure: as far as it is known.
        record: place in the batch, from 1; 0 is the file.
        before, after: codes by our rules and by the candidate; none: nothing is said against it.
        verdict_before, verdict_after: on the file.
    """

    deposit: str
    name: str
    procedure: str
    record: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    verdict_before: str
    verdict_after: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a shadow run found.

    Attributes:
        candidate: name of its file.
        digest: SHA-256 of it.
        first, last: days of receipt on the Luxembourg calendar.
        deposits: stored in those days, as far as they were looked at.
        left: stored in those days, and not looked at: only the latest ones were.
        compared: judged by both.
        records: in these.
        moved: compared, but our own rules say another thing today than when it was answered, because the
            registers have gone on: what the candidate changes in them may be hidden.
        untold: not compared, with how many for what reason.
        changed: deposits of which the candidate says something else.
        verdicts: how many of them would have another verdict.
        changes: each difference, the oldest deposit first.
    """

    candidate: str
    digest: str
    first: date
    last: date
    deposits: int
    left: int
    compared: int
    records: int
    moved: int
    untold: Mapping[str, int]
    changed: int
    verdicts: int
    changes: tuple[Change, ...]

    @property
    def causes(self) -> Sequence[tuple[tuple[str, ...], tuple[str, ...], int]]:
        """Codes before and after, and how many records, the most frequent first."""
        found = Counter((one.before, one.after) for one in self.changes)
        return [(*pair, count) for pair, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))]

    def written(self) -> Mapping[str, object]:
        """As JSON has it."""
        return {
            "candidate": self.candidate,
            "digest": self.digest,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "deposits": self.deposits,
            "left": self.left,
            "compared": self.compared,
            "records": self.records,
            "moved": self.moved,
            "untold": dict(self.untold),
            "changed": self.changed,
            "verdicts": self.verdicts,
            "changes": [
                {
                    "deposit": one.deposit,
                    "name": one.name,
                    "procedure": one.procedure,
                    "record": one.record,
                    "before": list(one.before),
                    "after": list(one.after),
                    "verdict_before": one.verdict_before,
                    "verdict_after": one.verdict_after,
                }
                for one in self.changes
            ],
        }


@dataclass(frozen=True, slots=True)
class _Stored:
    """A deposit that was answered."""

    number: int
    id: str
    name: str
    procedure: str
    verdict: str
    accepted: int
    rejected: int
    held: int

    def was_told(self, judged: Judged) -> bool:
        """Whether it was answered with the same counts."""
        told = self.verdict, self.accepted, self.rejected, self.held
        return told == (judged.verdict, judged.accepted, judged.rejected, judged.held)


def run(
    database: Database,
    settings: Settings,
    candidate: Candidate,
    first: date,
    last: date,
    most: int,
    now: Received,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Judge what was received on some days by a candidate, without any effect but an entry in the journal.

    Args:
        database: of the gateway, with whoever asks named in it (`act_as`).
        first, last: days of receipt on the Luxembourg calendar, inclusive.
        most: deposits; the latest ones count.
        told: is told now and then how many of how many are done.

    Raises:
        Unusable: a gateway with these files would not start.
    """
    chosen, left = _stored(database, first, last, most)
    with database.write() as connection:
        append(connection, at=now, event="shadow run", subject=candidate.name, digest=candidate.digest)
    differing = _Differing()
    with ExitStack() as stack:
        folder = stack.enter_context(_laid_over(candidate))
        theirs = stack.enter_context(_treating(settings, now, folder))
        ours = stack.enter_context(_treating(settings, now, None))
        for place, one in enumerate(chosen):
            told(place, len(chosen))
            differing.add(one, *_compared(ours, theirs, one.number))
    told(len(chosen), len(chosen))
    return differing.report(candidate, first, last, len(chosen), left)


def _compared(ours: _Process, theirs: _Process, number: int) -> tuple[Judged | str, Judged | str]:
    """What both say of a deposit. Where they differ ours says it once more: a deposit that was treated in
    between may have moved the registers, and is no difference."""
    for _ in range(3):
        before, after = ours.judge(number), theirs.judge(number)
        if before == after or ours.judge(number) == before:
            return before, after
    return "the registers move too fast", after


class _Differing:
    """Gathers what two say otherwise."""

    def __init__(self) -> None:
        self._untold: Counter[str] = Counter()
        self._changes: list[Change] = []
        self._compared = self._records = self._moved = self._changed = self._verdicts = 0

    def add(self, one: _Stored, before: Judged | str, after: Judged | str) -> None:
        """Take in what both said of a deposit; a text is why one of them said nothing."""
        if isinstance(before, str) or isinstance(after, str):
            self._untold[before if isinstance(before, str) else f"with the candidate: {after}"] += 1
            return
        self._compared += 1
        self._records += before.accepted + before.rejected + before.held
        self._moved += not one.was_told(before)
        if before == after:
            return
        self._changed += 1
        self._verdicts += before.verdict != after.verdict
        for record in sorted(before.codes.keys() | after.codes.keys()):
            codes = before.codes.get(record, ()), after.codes.get(record, ())
            if codes[0] != codes[1]:
                self._changes.append(
                    Change(one.id, one.name, one.procedure, record, *codes, before.verdict, after.verdict)
                )

    def report(self, candidate: Candidate, first: date, last: date, deposits: int, left: int) -> Report:
        """All of it."""
        return Report(
            candidate.name,
            candidate.digest,
            first,
            last,
            deposits,
            left,
            self._compared,
            self._records,
            self._moved,
            dict(self._untold),
            self._changed,
            self._verdicts,
            tuple(self._changes),
        )


def _stored(database: Database, first: date, last: date, most: int) -> tuple[Sequence[_Stored], int]:
    """The latest answered deposits of some days, in the order of receipt, and how many there are before."""
    within = (
        deposit.c.received >= midnight(first),
        deposit.c.received < midnight(last + timedelta(days=1)),
        deposit.c.verdict.is_not(None),
    )
    columns = (
        deposit.c.number,
        deposit.c.id,
        deposit.c.name,
        sa.func.coalesce(deposit.c.procedure, ""),
        deposit.c.verdict,
        deposit.c.accepted,
        deposit.c.rejected,
        deposit.c.held,
    )
    with database.read() as connection:
        every: int = connection.execute(
            sa.select(sa.func.count()).select_from(deposit).where(*within)
        ).scalar_one()
        query = sa.select(*columns).where(*within).order_by(deposit.c.number.desc()).limit(most)
        rows = [_Stored(*row) for row in connection.execute(query)]
    return rows[::-1], every - len(rows)


@contextmanager
def _laid_over(candidate: Candidate) -> Iterator[Path]:
    """A folder with our packages as they would be with a candidate."""
    with tempfile.TemporaryDirectory(prefix="secugate-shadow-") as name:
        folder = Path(name)
        for package in PACKAGES:
            spec = find_spec(package)
            assert spec is not None
            assert spec.origin is not None
            shutil.copytree(
                Path(spec.origin).parent, folder / package, ignore=shutil.ignore_patterns("__pycache__")
            )
        for path, content in candidate.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        yield folder


class _Process:
    """A process that judges stored deposits."""

    def __init__(self, to: IO[str], said: IO[str]) -> None:
        self._to = to
        self._said = said

    def open(self, settings: Settings, now: Received) -> None:
        """Have it open the gateway.

        Raises:
            Unusable: it cannot be opened by these files.
        """
        answer = self._ask(json.dumps({"settings": settings.model_dump(mode="json"), "now": str(now)}))
        if answer.get("ready") is not True:
            raise Unusable(str(answer.get("unusable") or "the process that treats by it ended"))

    def judge(self, number: int) -> Judged | str:
        """What it says of a deposit; a text tells why it says nothing."""
        answer = self._ask(json.dumps(number))
        if not answer:
            raise Unusable("the process that treats by it ended")
        if "untold" in answer:
            return str(answer["untold"])
        codes = {int(record): tuple(keys) for record, keys in answer["codes"].items()}
        return Judged(
            str(answer["verdict"]),
            int(answer["accepted"]),
            int(answer["rejected"]),
            int(answer["held"]),
            codes,
        )

    def _ask(self, line: str) -> dict[str, Any]:
        try:
            self._to.write(line + "\n")
            self._to.flush()
        except BrokenPipeError:
            return {}
        return dict(json.loads(self._said.readline() or "{}"))


@contextmanager
def _treating(settings: Settings, now: Received, folder: Path | None) -> Iterator[_Process]:
    """A process that judges by our rules, or by those that lie in a folder. It ends when its input does.

    Raises:
        Unusable: the gateway cannot be opened by these files.
    """
    command = [sys.executable, "-I", "-B", "-c", _START, *([] if folder is None else [str(folder)])]
    running = subprocess.Popen(  # noqa: S603 -- our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        process = _Process(running.stdin, running.stdout)
        process.open(settings, now)
        yield process
    finally:
        running.stdin.close()
        running.wait()
        running.stdout.close()
