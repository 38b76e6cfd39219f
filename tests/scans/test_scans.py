"""What is taken as a scan or an annex, and what is not; and that the worker can do nothing else."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adapters import scan_worker
from adapters.scans import LARGEST_PDF, LARGEST_PICTURE, UNREADABLE, WORKER, NotLooked, ask, judged, look
from gateway.attachments import KINDS

EOI = b"\xff\xd9"
SIZE = (96, 60)


def colours(size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture in which every pixel has another colour than its neighbours."""
    across, down = Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size)
    return Image.merge("RGB", [across, down, across.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])


def jpeg(image: Image.Image | None = None, **settings: object) -> bytes:
    """A picture as bytes; good unless settings say otherwise."""
    packed = io.BytesIO()
    (image or colours()).save(packed, "JPEG", **{"quality": 85, "dpi": (150, 150), **settings})
    return packed.getvalue()


def exif(*, across: object, down: object, unit: int | None) -> Image.Exif:
    tags = Image.Exif()
    tags[282], tags[283] = across, down
    if unit is not None:
        tags[296] = unit
    return tags


def without_density(**settings: object) -> bytes:
    return jpeg(dpi=(0, 0), **settings)


def with_density(unit: int, across: int, down: int) -> bytes:
    """A picture whose JFIF header says a density in some unit."""
    good = jpeg()
    start = good.index(b"JFIF\0") + 7
    return good[:start] + struct.pack(">BHH", unit, across, down) + good[start + 5 :]


def with_segment(marker: int, body: bytes) -> bytes:
    """A good picture with one more segment behind its JFIF header."""
    good = jpeg()
    start = 2 + 2 + int.from_bytes(good[4:6], "big")
    return good[:start] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + good[start:]


def resized(width: int, height: int) -> bytes:
    """A picture that says another size than it has."""
    good = jpeg()
    start = good.index(b"\xff\xc0") + 5
    return good[:start] + struct.pack(">HH", height, width) + good[start + 4 :]


def framed(marker: int) -> bytes:
    """A picture that says another kind of coding than it has."""
    return jpeg().replace(b"\xff\xc0", bytes((0xFF, marker)), 1)


def padded(size: int) -> bytes:
    """A good picture brought to a number of bytes by comments."""
    content = jpeg()
    start = 2 + 2 + int.from_bytes(content[4:6], "big")
    missing = size - len(content)
    comments = b""
    while missing:
        length = min(missing, 60_000)
        length -= 4 if 0 < missing - length < 4 else 0
        comments += struct.pack(">BBH", 0xFF, 0xFE, length - 2) + bytes(length - 4)
        missing -= length
    return content[:start] + comments + content[start:]


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("autorun", "x")
    return packed.getvalue()


def saved_as(form: str, image: Image.Image | None = None) -> bytes:
    packed = io.BytesIO()
    (image or colours()).save(packed, form)
    return packed.getvalue()


def multi_picture() -> bytes:
    packed = io.BytesIO()
    colours().save(packed, "MPO", save_all=True, append_images=[colours()], dpi=(150, 150))
    return packed.getvalue()


def thumbnail() -> Image.Exif:
    """EXIF as large as a segment can be."""
    tags = Image.Exif()
    tags[0x927C] = b"\0" * 60_000
    return tags


TAKEN: dict[str, Callable[[], bytes]] = {
    "baseline": jpeg,
    "progressive": lambda: jpeg(progressive=True),
    "100 dpi": lambda: jpeg(dpi=(100, 100)),
    "300 dpi": lambda: jpeg(dpi=(300, 300)),
    "100 dpi, per centimetre": lambda: with_density(2, 39, 39),
    "300 dpi, per centimetre": lambda: with_density(2, 118, 118),
    "density in EXIF": lambda: without_density(exif=exif(across=200.0, down=200.0, unit=2)),
    "density in EXIF without unit": lambda: without_density(exif=exif(across=200.0, down=200.0, unit=None)),
    "density in EXIF, per centimetre": lambda: without_density(exif=exif(across=80.0, down=80.0, unit=3)),
    "quality 70": lambda: jpeg(quality=70),
    "without subsampling": lambda: jpeg(subsampling=0),
    "EXIF of 60 kB": lambda: jpeg(exif=thumbnail()),
    "one red dot on grey": lambda: jpeg(_dotted(), subsampling=0, quality=95),
    "greatest size": lambda: padded(LARGEST_PICTURE),
    "fill bytes before a marker": lambda: jpeg().replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1),
}

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (bytes, "It is not a JPEG file."),
    "PNG": (lambda: saved_as("PNG"), "It is not a JPEG file."),
    "TIFF": (lambda: saved_as("TIFF"), "It is not a JPEG file."),
    "palette": (lambda: saved_as("GIF", colours().convert("P")), "It is not a JPEG file."),
    "JPEG 2000": (lambda: saved_as("JPEG2000"), "It is not a JPEG file."),
    "something before it": (lambda: b"\n" + jpeg(), "It is not a JPEG file."),
    "only the start mark": (lambda: b"\xff\xd8", "It is cut off or damaged."),
    "start and end mark": (lambda: b"\xff\xd8" + EOI, "It is cut off or damaged."),
    "second start mark": (lambda: b"\xff\xd8" + jpeg(), "It is cut off or damaged."),
    "cut off in the middle": (lambda: jpeg()[: len(jpeg()) // 2], "It is cut off or damaged."),
    "cut off in the header": (lambda: jpeg()[:40], "It is cut off or damaged."),
    "without end mark": (lambda: jpeg()[:-2], "It is cut off or damaged."),
    "segment longer than the file": (
        lambda: jpeg()[:4] + b"\xff\xff" + jpeg()[6:],
        "It is cut off or damaged.",
    ),
    "two pictures, one behind the other": (lambda: jpeg() + jpeg(), "It holds more than one image."),
    "MPO": (multi_picture, "It holds more than one image."),
    "MPO index alone": (lambda: with_segment(0xE2, b"MPF\0" + bytes(40)), "It holds more than one image."),
    "ZIP behind it": (lambda: jpeg() + archive(), "Something follows its end."),
    "HTML behind it": (lambda: jpeg() + b"<html></html>", "Something follows its end."),
    "PDF behind it": (lambda: jpeg() + b"%PDF-1.4 %%EOF", "Something follows its end."),
    "line feed behind it": (lambda: jpeg() + b"\n", "Something follows its end."),
    "end mark behind the end mark": (lambda: jpeg() + EOI, "Something follows its end."),
    "ZIP in a comment": (
        lambda: with_segment(0xFE, archive()),
        "Another kind of file is hidden in its comments.",
    ),
    "HTML in a comment": (
        lambda: with_segment(0xFE, b"*/ <SCRIPT>alert()</SCRIPT>"),
        "Another kind of file is hidden in its comments.",
    ),
    "PDF in EXIF": (
        lambda: with_segment(0xE1, b"Exif\0\0%PDF-1.7"),
        "Another kind of file is hidden in its comments.",
    ),
    "greyscale": (lambda: jpeg(colours().convert("L")), "It is not in colour but greyscale."),
    "grey pixels in colour mode": (
        lambda: jpeg(colours().convert("L").convert("RGB")),
        "It is not in colour: all its pixels are grey.",
    ),
    "CMYK": (
        lambda: jpeg(colours().convert("CMYK")),
        "It is not in 24-bit colour but has 4 channels of 8 bits.",
    ),
    "12 bits": (
        lambda: jpeg().replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c", 1),
        "It is not in 24-bit colour but has 3 channels of 12 bits.",
    ),
    "72 dpi": (lambda: jpeg(dpi=(72, 72)), "Its density is 72 dpi, not 100 to 300."),
    "99 dpi": (lambda: jpeg(dpi=(99, 99)), "Its density is 99 dpi, not 100 to 300."),
    "301 dpi": (lambda: jpeg(dpi=(301, 301)), "Its density is 301 dpi, not 100 to 300."),
    "600 dpi": (lambda: jpeg(dpi=(600, 600)), "Its density is 600 dpi, not 100 to 300."),
    "38 per centimetre": (
        lambda: with_density(2, 38, 38),
        "Its density is 38 dots per centimetre, not 39 to 118.",
    ),
    "other density across than down": (
        lambda: with_density(1, 150, 200),
        "Its density differs across and down (150 and 200 dpi).",
    ),
    "no density": (without_density, "It does not say its density (dpi)."),
    "density without unit": (lambda: with_density(0, 150, 150), "It does not say its density (dpi)."),
    "density of nothing": (lambda: with_density(1, 0, 0), "It does not say its density (dpi)."),
    "EXIF density without unit of length": (
        lambda: without_density(exif=exif(across=200.0, down=200.0, unit=1)),
        "It does not say its density (dpi).",
    ),
    "EXIF density divided by nothing": (
        lambda: without_density(exif=exif(across=150.0, down=150.0, unit=2).tobytes().replace(*_BY_NOTHING)),
        "It does not say its density (dpi).",
    ),
    "quality 69": (lambda: jpeg(quality=69), "It is compressed too much (quality below 70 of 100)."),
    "lossless coding": (lambda: framed(0xC3), "Its coding is neither baseline nor progressive."),
    "extended sequential": (lambda: framed(0xC1), "Its coding is neither baseline nor progressive."),
    "20,000 by 20,000 pixels": (
        lambda: resized(20_000, 20_000),
        "It has 400000000 pixels, more than 20000000.",
    ),
    "no pixels": (lambda: resized(96, 0), "It has no pixels."),
    "picture that the decoder does not take": (
        lambda: framed(0xC2),
        f"{UNREADABLE.capitalize()}.",
    ),
    "a byte too many": (
        lambda: padded(LARGEST_PICTURE + 1),
        f"It has {LARGEST_PICTURE + 1} bytes, more than {LARGEST_PICTURE}.",
    ),
    "two faults": (
        lambda: jpeg(dpi=(72, 72), quality=40),
        "Its density is 72 dpi, not 100 to 300; it is compressed too much (quality below 70 of 100).",
    ),
}


_BY_NOTHING = (struct.pack("<II", 150, 1), struct.pack("<II", 150, 0))
"""The number 150 as EXIF writes it, and how it must not be written."""


def _dotted() -> Image.Image:
    grey = Image.new("RGB", SIZE, (128, 128, 128))
    grey.putpixel((5, 5), (255, 0, 0))
    return grey


@pytest.mark.parametrize("name", TAKEN)
def test_a_good_picture_is_taken(name: str) -> None:
    assert look("CARTID", TAKEN[name]()) is None


@pytest.mark.parametrize("name", REFUSED)
def test_another_picture_is_refused_with_its_fault(name: str) -> None:
    content, sentence = REFUSED[name]
    assert look("CARTID", content()) == sentence


def test_the_limit_of_compression_is_quality_70_of_the_common_library() -> None:
    with Image.open(io.BytesIO(jpeg(quality=70))) as picture:
        assert sum(picture.quantization[0]) == scan_worker.COARSEST_STEPS  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_picture_cut_anywhere_is_refused(data: st.DataObject) -> None:
    # Only the outline is looked at, which needs no decoder: the worker's own code, here without its process.
    good = jpeg()
    assert scan_worker.faults(good) == []
    assert scan_worker.faults(good[: data.draw(st.integers(0, len(good) - 1))]) != []


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_damage_is_answered_whatever_the_decoder_does(data: st.DataObject) -> None:
    content = bytearray(jpeg())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[place] = data.draw(st.integers(0, 255))
    verdict = look("CARTID", bytes(content))
    assert verdict is None or re.fullmatch(r"[A-Z][ -~]+\.", verdict)


def passes(count: int) -> bytes:
    """A progressive picture of so many passes: the last one again and again."""
    good = jpeg(progressive=True)
    first = good.count(b"\xff\xda")
    return good.removesuffix(EOI) + good[good.rindex(b"\xff\xda") : -2] * (count - first) + EOI


def test_a_picture_of_many_passes_is_refused_before_they_are_decoded() -> None:
    assert look("CARTID", passes(scan_worker.MOST_PASSES)) is None
    assert look("CARTID", passes(scan_worker.MOST_PASSES + 1)) == "It is coded in more than 16 passes."


WORKER_FILE = str(Path(scan_worker.__file__))


def confined(body: str, confine: bool = True) -> tuple[str, ...]:
    """A worker that does something else once it has given up its rights, and then finds no fault."""
    lines = (
        "import os, runpy, socket, subprocess, sys",
        f"worker = runpy.run_path({WORKER_FILE!r})",
        "worker['confine']()" if confine else "",
        body,
        "print('[]', flush=True)",
    )
    return (*WORKER[:3], "-c", "\n".join(lines))


GREEDY = {
    "memory": "bytearray(2 * worker['MEMORY'])",
    "a file": "open('/dev/null')",
    "a connection": "socket.socketpair()",
}


@pytest.mark.parametrize("name", GREEDY)
def test_a_worker_that_takes_too_much_gives_no_answer(name: str) -> None:
    assert ask(confined(GREEDY[name]), b"") is None
    assert ask(confined(GREEDY[name], confine=False), b"") == []  # the limit ended it, nothing else


def test_a_worker_cannot_write_a_file(tmp_path: Path) -> None:
    target = tmp_path / "left-behind"
    body = f"file = open({str(target)!r}, 'wb'); file.write(b'x'); file.close()"
    assert ask(confined(body), b"") is None
    assert not target.exists()
    assert ask(confined(body, confine=False), b"") == []
    assert target.read_bytes() == b"x"


def test_a_worker_that_spins_is_ended_by_its_processor_time() -> None:
    body = "worker['resource'].setrlimit(worker['resource'].RLIMIT_CPU, (1, 1))\nwhile True: pass"
    started = time.monotonic()
    assert ask(confined(body), b"") is None
    assert time.monotonic() - started < 15
    assert scan_worker.PROCESSOR_SECONDS < 15


def test_a_worker_that_sleeps_is_ended_by_the_clock_with_its_children(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    body = (
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(ids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "child.wait()"
    )
    started = time.monotonic()
    assert ask(confined(body, confine=False), b"", patience=3) is None
    assert time.monotonic() - started < 15
    for number in ids.read_text().split():
        assert _is_gone(int(number)), number


def _is_gone(number: int) -> bool:
    """Whether a process has ended, or only waits for its parent to notice."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


def test_a_worker_that_talks_too_much_is_not_listened_to() -> None:
    started = time.monotonic()
    assert ask(confined("sys.stdout.write('x' * 10_000_000)"), b"", patience=5) is None
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("answer", ["", "[", "{}", "null", "[1]", '"taken"'])
def test_what_is_no_list_of_faults_is_no_answer(answer: str) -> None:
    assert ask((sys.executable, "-c", f"print({answer!r})"), b"") is None


def test_a_worker_sees_no_environment_and_no_open_file_of_ours() -> None:
    assert "PATH" in os.environ
    assert ask(confined("assert os.environ.keys() <= {'LC_CTYPE'}"), b"") == []  # Python's own word
    with Path("/dev/null").open() as ours:
        os.set_inheritable(ours.fileno(), True)
        body = f"try: os.fstat({ours.fileno()})\nexcept OSError: pass\nelse: sys.exit()"
        assert ask(confined(body), b"") == []


def test_a_worker_that_dies_gives_no_answer() -> None:
    assert ask(confined("os.abort()"), b"") is None
    assert ask(confined(""), b"") == []


def test_a_picture_that_ends_two_workers_while_others_work_cannot_be_read() -> None:
    assert judged(confined("if sys.stdin.buffer.read(): os.abort()"), b"picture") == [UNREADABLE]


def test_no_picture_is_blamed_for_what_ended_a_worker_once(tmp_path: Path) -> None:
    """The kernel for want of memory, a stop of the service, a disk that fails while the worker starts."""
    once = f"""
import os, pathlib
if sys.stdin.buffer.read() and not (ended := pathlib.Path({str(tmp_path / "ended")!r})).exists():
    ended.touch()
    os.kill(os.getpid(), 9)
"""
    assert judged(confined(once, confine=False), b"picture") == []
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize("body", ["os.abort()", "sys.exit(1)", "os.kill(os.getpid(), 9)"])
def test_no_picture_is_blamed_where_no_worker_answers(body: str) -> None:
    with pytest.raises(NotLooked):
        judged(confined(body), b"picture")


# --- annexes ---------------------------------------------------------------------------------------------

PDF = b"""%PDF-1.7
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [] /Count 0 >> endobj
trailer << /Root 1 0 R >>
startxref
9
%%EOF
"""


def with_entry(entry: bytes) -> bytes:
    return PDF.replace(b"/Pages 2", entry + b" /Pages 2")


@pytest.mark.parametrize("kind", ["RHIN", "EXPL"])
@pytest.mark.parametrize(
    "content",
    [
        PDF,
        PDF.replace(b"1.7", b"1.4"),
        PDF.replace(b"1.7", b"2.0"),
        PDF + b"\r\n \0",
        PDF.rstrip(),
        PDF.replace(b"trailer", b"stream\n /JS \nendstream trailer"),
        with_entry(b"/JSX 1 /Launcher 2"),
        PDF.replace(b"trailer", b"%" + b" " * (LARGEST_PDF - len(PDF) - 2) + b"\ntrailer"),
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_a_good_annex_is_taken(kind: str, content: bytes) -> None:
    assert look(kind, content) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (PDF.replace(b"%PDF-1.7", b"%PDF-1.9"), "It does not begin as a PDF file (%PDF-1.x or 2.0)."),
        (PDF.replace(b"1.7", b"1.71"), "It does not begin as a PDF file (%PDF-1.x or 2.0)."),
        (b"\n" + PDF, "It does not begin as a PDF file (%PDF-1.x or 2.0)."),
        (PDF + archive(), "It does not end as a PDF file (%%EOF): it is cut off, or something follows."),
        (PDF[:-8], "It does not end as a PDF file (%%EOF): it is cut off, or something follows."),
        (PDF + PDF, "It holds more than one PDF file."),
        (with_entry(b"/OpenAction 3 0 R"), "It contains /OpenAction, which an annex does not need."),
        (with_entry(b"/JS(app.alert)"), "It contains /JS, which an annex does not need."),
        (with_entry(b"/S/JavaScript"), "It contains /JavaScript, which an annex does not need."),
        (with_entry(b"/S /Launch"), "It contains /Launch, which an annex does not need."),
        (
            with_entry(b"/Names << /EmbeddedFiles 1"),
            "It contains /EmbeddedFiles, which an annex does not need.",
        ),
        (with_entry(b"/Type /EmbeddedFile"), "It contains /EmbeddedFile, which an annex does not need."),
        (
            PDF.replace(b"/Root", b"/Encrypt 5 0 R /Root"),
            "It contains /Encrypt, which an annex does not need.",
        ),
        (
            PDF.replace(b"trailer", b"%" + b" " * (LARGEST_PDF - len(PDF) - 1) + b"\ntrailer"),
            f"It has {LARGEST_PDF + 1} bytes, more than {LARGEST_PDF}.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_annex_is_refused_with_its_fault(content: bytes, sentence: str) -> None:
    assert look("EXPL", content) == sentence


def test_every_kind_of_attachment_is_looked_at_and_no_other() -> None:
    for kind in KINDS:
        assert look(kind.code, b"") is not None
    with pytest.raises(KeyError):
        look("OTHER", b"")
