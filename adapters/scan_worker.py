"""The worker that looks at one picture, in a process of its own that can do little else.

Run as a script by `adapters.scans`: the picture on standard input, a JSON list of faults on standard output,
empty when there is none. Decoders have had holes: before the first byte is read the process gives up
opening files and connections, starting others, most of its memory and time. When it is ended for that, or
fails otherwise, no list comes; a picture of which none comes twice, while workers answer for nothing at
all, counts as unreadable.

What a scan of an identity document must be: JPEG (ISO/IEC 10918-1), one image, 24-bit colour, 100 to 300 dpi,
JPEG compression of at most 30 %. Source: the operator's page on CARTID. Baseline or progressive only, nothing
before or behind the image, no other kind of file in its comments, and the numbers of pixels and passes are
ours.

Not noticed: image data that is cut short and closed with a right end mark, which decodes as grey.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import (
    ImageChops,
    TiffImagePlugin,  # noqa: F401 -- what reads EXIF; later it could not be opened any more
)
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile

MEMORY = 512 * 1024 * 1024
"""Bytes of address space; a progressive picture of the greatest size takes about half."""
PROCESSOR_SECONDS = 5
OPEN_FILES = 0
"""Further ones: what was open at the start stays so; no other file is opened, and no connection."""

MOST_PIXELS = 20_000_000
"""An A3 sheet, or both sides of an A4 sheet, at 300 dpi has 17.4 million."""

MOST_PASSES = 16
"""Of a progressive picture; programs write about ten. Each costs what the whole picture costs in one."""

DENSITIES = {1: (100, 300), 2: (39, 118)}
"""Least and greatest density, by JFIF unit: per inch, per centimetre (rounded, as that unit is whole)."""
_UNITS = {1: "dpi", 2: "dots per centimetre"}

COARSEST_STEPS = 2211
"""Sum of the 64 quantisation steps of brightness at quality 70 of the IJG library.

"JPEG compression of at most 30 %" is taken to mean: on average no coarser than that (assumed).
"""

LEAST_TINT = 2
"""How far red, green and blue of one pixel at least must differ, of 255, for the picture to be in colour."""

_SOI = b"\xff\xd8"
_EOI = 0xD9
_SOS = 0xDA
_APP0 = 0xE0
_APP2 = 0xE2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE_OR_PROGRESSIVE = (0xC0, 0xC2)
_NEXT_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
_FOREIGN = (b"pk\x03\x04", b"%pdf-", b"<html", b"<script", b"<?php")

_EXIF_X, _EXIF_Y, _EXIF_UNIT = 282, 283, 296
_EXIF_INCH, _EXIF_CENTIMETRE = 2, 3


class Broken(Exception):
    """Not one whole JPEG file; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame header says: kind of coding, bits of a sample, pixels, number of components."""

    marker: int
    precision: int
    pixels: int
    components: int

    @property
    def decodable(self) -> bool:
        """Whether the decoder is asked about it at all."""
        return self.marker in _BASELINE_OR_PROGRESSIVE and self.precision == 8 and self.pixels > 0


def confine() -> None:
    """Give up, for good, all that looking at a picture does not need."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def faults(content: bytes) -> list[str]:
    """What is wrong with a picture: clauses about "it", none when it is taken."""
    try:
        segments = list(_segments(content))
        frame = _frame(segments)
    except Broken as broken:
        return [str(broken)]
    found = list(_frame_faults(frame))
    if not frame.decodable:
        return found
    picture = JpegImageFile(io.BytesIO(content))
    found += [*_density_faults(segments, picture), *_content_faults(segments, picture)]
    if frame.components == 3 and frame.pixels <= MOST_PIXELS:
        picture.load()
        if _is_grey(picture):
            found.append("it is not in colour: all its pixels are grey")
    return found


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and what stands in their segments, up to the end mark, which must be the end of the file."""
    if not content.startswith(_SOI):
        raise Broken("it is not a JPEG file")
    position, marker = len(_SOI), 0
    while True:
        find = _NEXT_MARKER.search if marker == _SOS else _NEXT_MARKER.match
        match = find(content, position)
        if match is None:
            raise Broken("it is cut off or damaged")
        marker, start = match[1][0], match.end()
        if marker == _EOI:
            if start != len(content):
                second = content.startswith(_SOI, start)
                raise Broken("it holds more than one image" if second else "something follows its end")
            return
        position = start + int.from_bytes(content[start : start + 2], "big")
        if marker == _SOI[1] or not start + 2 <= position < len(content):
            raise Broken("it is cut off or damaged")
        yield marker, content[start + 2 : position]


def _frame(segments: list[tuple[int, bytes]]) -> Frame:
    frames = [(marker, body) for marker, body in segments if marker in _FRAMES]
    if any(marker == _APP2 and body.startswith(b"MPF\0") for marker, body in segments) or len(frames) > 1:
        raise Broken("it holds more than one image")
    if not frames or len(frames[0][1]) < 6:
        raise Broken("it is cut off or damaged")
    if sum(marker == _SOS for marker, _ in segments) > MOST_PASSES:
        raise Broken(f"it is coded in more than {MOST_PASSES} passes")
    marker, body = frames[0]
    pixels = int.from_bytes(body[1:3], "big") * int.from_bytes(body[3:5], "big")
    return Frame(marker, body[0], pixels, body[5])


def _frame_faults(frame: Frame) -> Iterator[str]:
    if frame.marker not in _BASELINE_OR_PROGRESSIVE:
        yield "its coding is neither baseline nor progressive"
    if frame.components == 1:
        yield "it is not in colour but greyscale"
    elif frame.components != 3 or frame.precision != 8:
        yield f"it is not in 24-bit colour but has {frame.components} channels of {frame.precision} bits"
    if frame.pixels > MOST_PIXELS:
        yield f"it has {frame.pixels} pixels, more than {MOST_PIXELS}"
    if frame.pixels == 0:
        yield "it has no pixels"


def _density_faults(segments: list[tuple[int, bytes]], picture: JpegImageFile) -> Iterator[str]:
    unit, across, down = _jfif_density(segments) or _exif_density(picture)
    if unit not in DENSITIES or not across or not down:
        yield "it does not say its density (dpi)"
        return
    least, greatest = DENSITIES[unit]
    if across != down:
        yield f"its density differs across and down ({across} and {down} {_UNITS[unit]})"
    if not (least <= across <= greatest and least <= down <= greatest):
        yield f"its density is {across} {_UNITS[unit]}, not {least} to {greatest}"


def _jfif_density(segments: list[tuple[int, bytes]]) -> tuple[int, int, int] | None:
    """Unit and densities as JFIF says them; None when it leaves the unit open."""
    for marker, body in segments:
        if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 12 and body[7] in DENSITIES:
            return body[7], int.from_bytes(body[8:10], "big"), int.from_bytes(body[10:12], "big")
    return None


def _exif_density(picture: JpegImageFile) -> tuple[int, int, int]:
    exif = picture.getexif()
    unit = {_EXIF_INCH: 1, _EXIF_CENTIMETRE: 2}.get(exif.get(_EXIF_UNIT, _EXIF_INCH), 0)
    return unit, _whole(exif.get(_EXIF_X)), _whole(exif.get(_EXIF_Y))


def _whole(value: object) -> int:
    """A rational number of EXIF, rounded; 0 when it is none."""
    try:
        return round(float(value))  # type: ignore[arg-type]  # whatever the file says
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return 0


def _content_faults(segments: list[tuple[int, bytes]], picture: JpegImageFile) -> Iterator[str]:
    table = picture.layer[0][3]
    if sum(picture.quantization[table]) > COARSEST_STEPS:
        yield "it is compressed too much (quality below 70 of 100)"
    if any(sign in body.lower() for _, body in segments for sign in _FOREIGN):
        yield "another kind of file is hidden in its comments"


def _is_grey(picture: JpegImageFile) -> bool:
    red, green, blue = picture.split()
    return all(_is_alike(*pair) for pair in ((red, green), (green, blue), (red, blue)))


def _is_alike(one: Image, other: Image) -> bool:
    return not any(ImageChops.difference(one, other).histogram()[LEAST_TINT:])


def main() -> None:
    confine()
    json.dump(faults(sys.stdin.buffer.read()), sys.stdout)


if __name__ == "__main__":
    main()
