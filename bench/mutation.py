"""Bad inputs made of good ones, from a seed: at the level of bytes, tokens, trees, values and zip entries."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from signing.container import MAGIC
from signing.profile import DS

BORROWED = Path(__file__).parents[1] / "tests" / "vectors" / "borrowed"

_TOKEN = re.compile(rb"<[^>]*>|[^<>]+")
_ATTRIBUTE = re.compile(rb'"[^"]*"')


def tokens(port: int) -> list[bytes]:
    """What is put in the place of something else.

    Args:
        port: where nobody may come.
    """
    address = b"http://127.0.0.1:%d/x" % port
    return [
        b"<!DOCTYPE a [<!ENTITY x SYSTEM '%s'>]>" % address,
        b"<!DOCTYPE a SYSTEM '%s'>" % address,
        b"<!ENTITY x 'x'>",
        b"<?xml-stylesheet href='%s'?>" % address,
        b"<?xml version='1.0'?>",
        b"<!-- -->",
        b"<![CDATA[",
        b"]]>",
        b"&x;",
        b"&#0;",
        b"&#x10FFFF;",
        b"&amp;",
        b"<a>" * 40,
        b"</a>",
        b"<a b='1' b='2'/>",
        b"<x:a xmlns:x='urn:x'/>",
        b" xmlns='urn:x'",
        b" xmlns:ds=''",
        b" Id='x'",
        b"<i:include xmlns:i='http://www.w3.org/2001/XInclude' href='%s'/>" % address,
        b"<ds:Signature xmlns:ds='%s'/>" % DS.encode(),
        b"URI='%s'" % address,
        b"URI='#x'",
        b"http://www.w3.org/TR/1999/REC-xslt-19991116",
        b"http://www.w3.org/2000/09/xmldsig#sha1",
        b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        b"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\r\n",
        b"\t",
        b" " * 1000,
        b"9" * 5000,
        b"-0.00",
        b"1E9",
        b"NaN",
        "\u202e".encode(),
        "٣".encode(),
        b"2099990002099",
        b"production",
        b"1.1",
        b"../../etc/passwd",
        b"=cmd|' /C calc'!A0",
        b"PK\x03\x04",
        b"PK\x05\x06",
    ]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bad input, and how it was made."""

    content: bytes
    way: str


class Mutation:
    """Makes bad inputs, the same ones from the same seed.

    Args:
        chance: the source of chance.
        port: of addresses that the inputs name.
        sign: signs a document again; its content is then the forger's own.
    """

    def __init__(
        self, chance: random.Random, port: int, sign: Callable[[etree._Element], bytes] | None = None
    ) -> None:
        self._chance = chance
        self._tokens = tokens(port)
        self._strings: list[str] = json.loads((BORROWED / "naughty-strings.json").read_bytes())
        self._sign = sign

    def of(self, good: bytes, others: Sequence[bytes]) -> Mutant:
        """A bad input.

        Args:
            good: what it is made of.
            others: further good ones, of which parts may be taken.
        """
        if good.startswith(MAGIC) and self._chance.random() < 0.6:
            return self._packed(good)
        ways = [self._bytes, self._tokenwise] if good.startswith(MAGIC) else [*self._ways(others)]
        return self._chance.choice(ways)(good)

    def _ways(self, others: Sequence[bytes]) -> Iterator[Callable[[bytes], Mutant]]:
        yield self._bytes
        yield self._tokenwise
        yield self._tokenwise
        yield self._treewise
        yield self._treewise
        yield self._value
        yield lambda good: self._spliced(good, self._chance.choice(others))
        if self._sign is not None:
            yield self._signed_tree

    def _bytes(self, good: bytes) -> Mutant:
        raw = bytearray(good)
        for _ in range(self._chance.choice((1, 1, 1, 2, 5))):
            at = self._chance.randrange(len(raw) or 1)
            span = self._chance.choice((1, 1, 4, 30, 500))
            match self._chance.randrange(6):
                case 0:
                    raw[at : at + 1] = bytes([raw[at] ^ 1 << self._chance.randrange(8)]) if raw else b"x"
                case 1:
                    raw[at : at + 1] = bytes([self._chance.randrange(256)])
                case 2:
                    del raw[at : at + span]
                case 3:
                    raw[at:at] = raw[at : at + span]
                case 4:
                    raw[at:at] = self._chance.randbytes(span)
                case _:
                    del raw[at:]
        return Mutant(bytes(raw), "bytes")

    def _tokenwise(self, good: bytes) -> Mutant:
        parts = _TOKEN.findall(good) or [good]
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            at, other = self._chance.randrange(len(parts)), self._chance.randrange(len(parts))
            match self._chance.randrange(6):
                case 0:
                    parts[at] = self._chance.choice(self._tokens)
                case 1:
                    parts.insert(at, self._chance.choice(self._tokens))
                case 2:
                    parts[at], parts[other] = parts[other], parts[at]
                case 3:
                    parts.insert(at, parts[other])
                case 4:
                    del parts[at]
                case _:
                    quoted = b'"%s"' % self._chance.choice(self._tokens)
                    parts[at] = _ATTRIBUTE.sub(lambda _, new=quoted: new, parts[at], count=1)
            if not parts:
                break
        return Mutant(b"".join(parts), "tokens")

    def _spliced(self, good: bytes, other: bytes) -> Mutant:
        at, behind = self._chance.randrange(len(good)), self._chance.randrange(len(other))
        return Mutant(good[:at] + other[behind:], "splices")

    def _value(self, good: bytes) -> Mutant:
        root = etree.fromstring(good)
        for _ in range(self._chance.choice((1, 1, 3))):
            found = self._chance.choice(list(root.iter()))
            _put(found, self._chance.choice(self._strings))
        return Mutant(etree.tostring(root), "values")

    def _treewise(self, good: bytes) -> Mutant:
        root = etree.fromstring(good)
        self._bend(root)
        return Mutant(etree.tostring(root), "trees")

    def _signed_tree(self, good: bytes) -> Mutant:
        assert self._sign is not None
        root = etree.fromstring(good)
        root.remove(root[-1])
        if self._chance.random() < 0.5:
            self._bend(root)
        else:
            _put(self._chance.choice(list(root.iter())), self._chance.choice(self._strings))
        for seal in list(root.iter(f"{{{DS}}}*")):
            parent = seal.getparent()
            if parent is not None:
                parent.remove(seal)
        return Mutant(self._sign(root), "signed by the forger")

    def _bend(self, root: etree._Element) -> None:
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            every = list(root.iter())
            found, other = self._chance.choice(every), self._chance.choice(every)
            parent = found.getparent()
            match self._chance.randrange(8):
                case 0 if parent is not None:
                    parent.remove(found)
                case 1 if parent is not None:
                    found.addprevious(copy.deepcopy(found))
                case 2 if parent is not None:
                    other.append(copy.deepcopy(found))
                case 3 if parent is not None and found not in other.iterancestors() and found is not other:
                    other.append(found)
                case 4:
                    found.tag = other.tag
                case 5:
                    found.text = other.text
                case 6:
                    found.set(self._chance.choice(("Id", "URI", "version", "x")), other.get("Id", "#x"))
                case _:
                    found.attrib.update(other.attrib)

    def _packed(self, good: bytes) -> Mutant:
        with zipfile.ZipFile(io.BytesIO(good)) as archive:
            files = [(entry, archive.read(entry)) for entry in archive.infolist()]
        at = self._chance.randrange(len(files))
        entry, content = files[at]
        match self._chance.randrange(7):
            case 0:
                files.pop(at)
            case 1:
                files.insert(self._chance.randrange(len(files) + 1), (_renamed(entry, "more.xml"), content))
            case 2:
                files[at] = (
                    _renamed(entry, self._chance.choice(("../x", "/x", "a\\b", "é", "x" * 300))),
                    content,
                )
            case 3:
                self._chance.shuffle(files)
            case 4:
                entry.external_attr = self._chance.getrandbits(32)
            case 5:
                files[at] = (entry, self._bytes(content or b"x").content)
            case _:
                files[at] = (entry, self._tokenwise(content or b"x").content)
        return Mutant(_zipped(files), "zip entries")


def _put(found: etree._Element, text: str) -> None:
    try:
        found.text = text
    except ValueError:
        found.text = "\ufffd"


def _renamed(entry: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    made = copy.copy(entry)
    made.filename = name
    return made


def _zipped(files: Sequence[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for entry, content in files:
            archive.writestr(entry, content)
    return out.getvalue()
