"""Sends one .dta file with Python's own library and openssl: python send.py DECSAL.dta DECSAL

Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
"""

import hashlib
import json
import os
import ssl
import subprocess
import sys
import urllib.request
import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

HTTPS, MEMBER, CERT, KEY, ROOT, OFFICE = (
    os.environ[name] for name in ("HTTPS", "MEMBER", "CERT", "KEY", "ROOT", "OFFICE")
)
TLS = ssl.create_default_context(cafile=ROOT)
TLS.load_cert_chain(CERT, KEY)


def ask(path: str, body: bytes | None = None, kind: str = "application/octet-stream") -> bytes:
    request = urllib.request.Request(HTTPS + path, data=body, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, context=TLS, timeout=60) as answer:
        return answer.read()


def container(file: Path, code: str) -> tuple[str, Path]:
    """One file and one signature beside it (docs/containers.md); mimetype first and not compressed."""
    stamp = datetime.now(ZoneInfo("Europe/Luxembourg")).strftime("%Y%m%d-%H%M%S%f")[:17]
    name = f"SECU.{code}.{stamp}.{MEMBER}.{OFFICE}.ASICS"
    sign = ["openssl", "cms", "-sign", "-cades", "-binary", "-md", "sha256", "-outform", "DER"]
    sign += ["-in", str(file), "-signer", CERT, "-inkey", KEY]
    signature = subprocess.run(sign, capture_output=True, check=True).stdout
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", "application/vnd.etsi.asic-s+zip", zipfile.ZIP_STORED)
        packed.writestr(f"{code}.dta", file.read_bytes())
        packed.writestr("META-INF/signature.p7s", signature)
    return name, Path(name)


name, packed = container(Path(sys.argv[1]), sys.argv[2])
# To send it again, send these bytes again: they give the same receipt.
receipt = ask(f"/v1/deposits?name={name}", packed.read_bytes())
Path(name).with_suffix(".ACKREC.XML").write_bytes(receipt)
sys.stdout.write(f"{name}\n")

# Answers are listed after a cursor, fetched, and acknowledged with their digest. Check the seal of each before
# you rely on it (README: xmlsec1, or secugate check).
for one in json.loads(ask("/v1/outbox?after=0"))["answers"]:
    content = ask(f"/v1/outbox/{one['id']}")
    Path(Path(one["name"]).name).write_bytes(content)
    held = json.dumps({"digest": hashlib.sha256(content).hexdigest()}).encode()
    ask(f"/v1/outbox/{one['id']}/acknowledged", held, "application/json")
