"""A gateway whose sealing key is in a SoftHSM token; a program, because the module is set up once a process.

    SOFTHSM2_CONF=… python -m tests.identity.in_token FOLDER p256|rsa3072

Leaves in the folder what a member gets for a batch (`*.ACKREC`, `*.ACKTRT`) and the certificate (`seal.pem`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from adapters.installation import install
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises
from adapters.serve import Gateway
from adapters.settings import Settings
from gateway.moments import system_clock
from tests.house import EMPLOYER, MEMBER, House, wage
from tests.tools import tool

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "4711"


def token(folder: Path, *keys: Path) -> None:
    """A token with keys, all under the label `seal`."""
    run = [tool("softhsm2-util"), "--pin", PIN]
    made = [*run, "--init-token", "--free", "--label", "secugate", "--so-pin", "1234"]
    subprocess.run(made, check=True, capture_output=True)
    for number, key in enumerate(keys, start=1):
        words = ["--import", str(key), "--token", "secugate", "--label", "seal", "--id", f"0{number}"]
        subprocess.run([*run, *words], check=True, capture_output=True)
        key.unlink()


def main(folder: Path, kind: KeyKind) -> None:
    """Receive and treat a batch."""
    at = system_clock()
    settings = Settings(
        data=folder / "gateway", pkcs11_module=MODULE, pkcs11_pin=folder / "pin", https_port=0, sftp_port=0
    )
    (folder / "pin").touch(mode=0o600)
    (folder / "pin").write_text(f"{PIN}\n")
    install(settings, at)
    premises = Premises(settings.data)
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    ours, another = new_key(kind), new_key(kind)
    seal = authority.issue(Subject("Seal"), ours.public_key(), at - timedelta(days=1), at + timedelta(days=9))
    write_key(folder / "ours.pem", ours)
    write_key(folder / "another.pem", another)
    token(folder, folder / "another.pem", folder / "ours.pem")
    write_certificates(premises.signing_certificate, seal)
    write_certificates(premises.seals / "token.pem", seal)
    write_certificates(folder / "seal.pem", seal)
    premises.signing_key.unlink()
    if os.environ.get("PIN_FOR_ALL"):
        (folder / "pin").chmod(0o644)
    gateway = Gateway(settings, system_clock)
    gateway.engine.start()
    try:
        home = House(folder, settings, system_clock, gateway)
        home.employer(EMPLOYER)
        outcome = home.send(home.sender(MEMBER, [EMPLOYER]), "DECSAL", [wage()])
        for name, content in outcome.answers.items():
            (folder / f"answer.{name}").write_bytes(content)
        assert home.findings() == ()
    finally:
        gateway.engine.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), KeyKind(sys.argv[2]))
