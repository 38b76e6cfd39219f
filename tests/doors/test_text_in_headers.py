"""SR-9: the name of a file leads nowhere in the head of an answer over HTTPS."""

from __future__ import annotations

import json
from http.client import HTTPSConnection
from ssl import create_default_context
from urllib.parse import quote, urlsplit

import pytest

from tests.house import House, Sender, profile


@pytest.mark.parametrize(
    "name", ["x\r\nSet-Cookie: a=b", "x\nX-Evil: 1", "é\u202e", "x" * 3000, '"; filename="evil', "\x1b[2J"]
)
def test_in_a_header_stands_none_of_it(open_home: House, visitor: Sender, name: str) -> None:
    known = profile(visitor)
    context = create_default_context(cafile=str(known.trust))
    context.load_cert_chain(known.certificate, known.key)
    address = urlsplit(known.https)
    connection = HTTPSConnection(str(address.hostname), address.port, context=context, timeout=30)
    connection.request("POST", f"/v1/deposits?name={quote(name)}", body=b"<x/>" + name.encode())
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status < 500
    heads = {key.lower(): value for key, value in answer.getheaders()}
    assert {"set-cookie", "x-evil"}.isdisjoint(heads)
    assert all(value.isascii() and value.isprintable() for value in heads.values())
    if "json" in heads.get("content-type", ""):
        assert json.loads(content)
