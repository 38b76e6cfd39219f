"""What a command prints can be read by a program, whatever is logged meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys

LOGS = """
import sys
from adapters import cli
import structlog
def app():
    structlog.get_logger().error("recovery.failed", reason="x")
    print('{"issued": []}')
cli.app = app
cli.main()
"""


def test_what_is_logged_does_not_stand_in_what_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGS], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == {"issued": []}
    assert "recovery.failed" in done.stderr


def test_control_without_main_it_would() -> None:
    without = LOGS.replace("cli.main()", "app()")
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=True, timeout=60
    )
    assert "recovery.failed" in done.stdout
