"""Figures of the senders' client: `make bench-client`, or `python -m bench.client --records 10000 100000`.

`validate` beside `xmllint --schema`, `sign` beside `xmlsec1 --sign` (a signature of the same shape), the drop
folder with many files before a gateway on this machine, and how long `import gateway.client` takes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lxml import etree

import xsd
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from gateway import wire
from gateway.batch import Header
from gateway.matricule import person_number
from gateway.procedures import procedure
from tests.house import EMPLOYER, MEMBER, house, profile, wage

LOOK_SECONDS = 0.005
FIELDS = {"Period": "2026-07"}
IMPORT = "import time; b = time.perf_counter(); import gateway.client; print(time.perf_counter() - b)"
USE = (
    "import time; b = time.perf_counter(); from gateway import client;"
    " [getattr(client, name) for name in client.__all__]; print(time.perf_counter() - b)"
)
TEMPLATE = """<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>
<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
<Reference URI=""><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>
<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo>
<SignatureValue/></Signature>"""


def insured(number: int) -> str:
    """A made-up person, born in the nineteenth century."""
    return person_number(date(1810, 1, 1) + timedelta(days=number // 900), number % 900 + 1)


def batch(count: int) -> bytes:
    """An unsigned DECSAL of so many wages."""
    form = procedure("DECSAL")
    header = Header("DECSAL", "1.0", MEMBER, wire.OPERATOR, "test", datetime(2026, 8, 3, tzinfo=UTC))
    records = (wage(insured(number), EMPLOYER, **FIELDS) for number in range(count))
    return etree.tostring(
        wire.write_batch(header, form.record, records), xml_declaration=True, encoding="UTF-8"
    )


def timed(words: Sequence[str]) -> tuple[float, float]:
    """Seconds that a program takes, and the most memory it had (MB), looked at every few milliseconds."""
    begun, most = time.perf_counter(), 0.0
    with (
        tempfile.TemporaryFile() as told,
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=told) as running,
    ):
        while running.poll() is None:
            most = max(most, memory_of(running.pid))
            time.sleep(LOOK_SECONDS)
        took = time.perf_counter() - begun
        if running.returncode:
            told.seek(0)
            raise SystemExit(f"{words[0]}: {told.read().decode()[-500:]}")
    return took, most


def memory_of(process: int) -> float:
    """The most that a process has had since it runs its program (VmHWM of proc(5)), MB; 0 once it ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def row(what: str, size: int, took: float, memory: float) -> None:
    """One line of the table."""
    print(f"{what:<44} {took:8.2f} s {size / 1e6 / took:8.1f} MB/s {memory:8.0f} MB")


def judge_and_sign(room: Path, count: int) -> None:
    """`validate` and `sign` of one batch, each in a process of its own, beside others' programs."""
    file, key, certificate = (
        room / "SECU.DECSAL.20260803-00000000.2099990001299100001.CCSSTEST.XML",
        room / "k",
        room / "c",
    )
    content = batch(count)
    file.write_bytes(content)
    authority = Authority.create("bench", datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
    private = new_key(KeyKind.P256)
    days = datetime(2021, 1, 1, tzinfo=UTC), datetime(2039, 1, 1, tzinfo=UTC)
    write_key(key, private)
    write_certificates(certificate, authority.issue(Subject("bench"), private.public_key(), *days))
    template = room / "template.xml"
    template.write_bytes(content.replace(b"</DECSAL>", TEMPLATE.encode() + b"</DECSAL>"))
    ours = (
        "from pathlib import Path; import sys; from gateway.moments import system_clock;"
        " from signing.parse import parse; from signing.sign import Signer;"
        " Path(sys.argv[2]).write_bytes(Signer.load(Path(sys.argv[3]), Path(sys.argv[4])).sign("
        "parse(Path(sys.argv[1]).read_bytes()), system_clock()))"
    )
    schema = str(Path(str(xsd.__file__)).parent / "decsal" / "1.0.xsd")
    runs = {
        "xmllint --schema": ["xmllint", "--noout", "--huge", "--schema", schema, str(file)],
        "xmlsec1 --sign": [
            *("xmlsec1", "--sign", "--privkey-pem", str(key)),
            *("--output", str(room / "theirs.xml"), str(template)),
        ],
        "sign": [sys.executable, "-c", ours, str(file), str(room / "ours.xml"), str(key), str(certificate)],
        "secugate validate": [sys.executable, "-m", "adapters.cli", "validate", str(file)],
    }
    print(f"\n{count:,} wages, {len(content) / 1e6:.1f} MB")
    for what, words in runs.items():
        if shutil.which(words[0]) is None:
            print(f"{what:<44} not installed")
        else:
            row(what, len(content), *timed(words))


def watch(room: Path, files: int) -> None:
    """A drop folder with many files, until all have their receipts."""
    with house(room / "house", doors=True) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        drop = room / "drop"
        drop.mkdir()
        for number in range(files):
            name, content = home.signed(sender, "DECSAL", [wage(insured(number), **FIELDS)])
            (drop / name).write_bytes(content)
        words = [sys.executable, "-m", "adapters.cli", "watch", str(drop), "--profile", str(sender.profile)]
        took, memory = timed([*words, "--once", "--still", "0"])
        received = len(list((drop / "answers").glob("*.ACKREC.XML")))
        print(
            f"\nwatch: {files:,} files in {took:.1f} s ({files / took:.0f} a second), {memory:.0f} MB,"
            f" {received:,} receipts"
        )
        assert received == files
        assert profile(sender).sign is False


def imports() -> None:
    """How long the client takes to be there: alone, and with all its names."""
    for what, program in (("import gateway.client", IMPORT), ("all of its names", USE)):
        times = [
            float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
            for _ in range(5)
        ]
        print(f"{what}: {1000 * statistics.median(times):.0f} ms")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--files", type=int, default=10_000)
    given = parser.parse_args()
    imports()
    for count in given.records:
        with tempfile.TemporaryDirectory() as room:
            judge_and_sign(Path(room), count)
    if given.files:
        with tempfile.TemporaryDirectory() as room:
            watch(Path(room), given.files)


if __name__ == "__main__":
    main()
