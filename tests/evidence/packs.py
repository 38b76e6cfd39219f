"""Evidence packs as they come out of a door, and the ways to judge and to change them."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from gateway.evidence.check import Believed, Check, Verdict, check_pack
from gateway.evidence.pack import LIMITS
from signing.certificates import load_seals
from signing.container import open_container
from tests.house import House, Sender, profile
from tests.tools import tool

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"


def commands() -> str:
    """The one block of commands on the page."""
    [block] = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


def ask(sender: Sender, method: str, path: str, **more: object) -> httpx2.Response:
    """What the HTTPS door answers a member."""
    known = profile(sender)
    context = ssl.create_default_context(cafile=str(known.trust))
    context.load_cert_chain(known.certificate, known.key)
    with httpx2.Client(base_url=known.https, verify=context, timeout=30) as http:
        return http.request(method, path, **more)  # type: ignore[arg-type]


def fetch(sender: Sender, deposit: str) -> bytes:
    """The pack of a deposit, over HTTPS."""
    answer = ask(sender, "GET", f"/v1/deposits/{deposit}/evidence")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.etsi.asic-e+zip"
    return answer.content


def files_in(pack: bytes) -> dict[str, bytes]:
    return dict(open_container(pack, LIMITS).files)


def sealed_again(home: House, files: Mapping[str, bytes]) -> bytes:
    """A pack that the gateway itself has put together falsely: its seal is right, what is in it is not."""
    return home.gateway.seal.sign_files(files, datetime.now(UTC))


def judged(home: House, pack: bytes, **more: object) -> dict[str, Check]:
    """Each check by its name."""
    believed = Believed(load_seals(home.seals), **more)  # type: ignore[arg-type]
    return {check.what: check for check in check_pack(pack, believed)}


def bad(home: House, pack: bytes, **more: object) -> set[str]:
    """The names of the checks that fail."""
    return {name for name, check in judged(home, pack, **more).items() if check.verdict is Verdict.BAD}


def run_the_page(
    home: House, folder: Path, pack: bytes, tsa: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What the commands of the page say of a pack."""
    for program in ("openssl", "xmlsec1", "xmllint", "unzip", "sha256sum"):
        tool(program)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "pack.asice").write_bytes(pack)
    (folder / "seal.pem").write_bytes(b"".join(file.read_bytes() for file in home.seals.glob("*.pem")))
    (folder / "authority.pem").write_bytes(home.trust.read_bytes())
    if tsa is not None:
        (folder / "tsa.pem").write_bytes(tsa.read_bytes())
    return subprocess.run(
        ["bash", "-c", commands()], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def proven(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and done.stdout.splitlines()[-1:] == ["proven"]
