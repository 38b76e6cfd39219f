"""Write the record classes of the batches that senders make (`gateway/client/records.py`) from their forms.

    python docs/records.py

Needs xsdata with its generator (`xsdata[cli]`) and ruff, both of the group `dev`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.procedures import PROCEDURES

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "gateway" / "client" / "records.py"
HEAD = '''"""Record classes of the batches that senders make, written from the forms by docs/records.py.

    from gateway import client
    from gateway.client import records

    wage = records.Wage(employer="2099990001299", insured="1893120105732", period="2026-07", ...)
    batch = records.Decsal(header=..., wage=(wage,), version=records.DecsalVersion.VALUE_1_0)
    Path("DECSAL.xml").write_bytes(client.as_xml(batch))
"""

# ruff: noqa
'''


def written() -> str:
    """What the module has to be."""
    includes = "".join(
        f'<xs:include schemaLocation="{(ROOT / "xsd" / code.lower() / "1.0.xsd").as_uri()}"/>'
        for code in sorted(one.code for one in PROCEDURES)
    )
    schema = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:secugate:1"'
        f' targetNamespace="urn:secugate:1" elementFormDefault="qualified">{includes}</xs:schema>'
    )
    # xsdata calls ruff by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with tempfile.TemporaryDirectory() as room:
        place = Path(room)
        (place / "all.xsd").write_text(schema)
        words = ["generate", "all.xsd", "--package", "records", "--structure-style", "namespaces"]
        words += ["--frozen", "--slots", "--no-compound-fields"]
        made = [sys.executable, "-m", "xsdata", *words]
        subprocess.run(made, cwd=place, env={**os.environ, "PATH": path}, check=True, capture_output=True)  # noqa: S603 (our own words)
        (module,) = (one for one in place.rglob("*.py") if one.name != "__init__.py")
        text = HEAD + module.read_text()
    ruff = ["ruff", "format", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename", str(TARGET), "-"]
    done = subprocess.run(  # noqa: S603 (our own words)
        ruff, input=text, text=True, env={**os.environ, "PATH": path}, check=True, capture_output=True
    )
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(written())
