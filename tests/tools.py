"""Other people's programs, as clients and judges. A missing one skips the test, visibly; in continuous
integration it fails it."""

from __future__ import annotations

import os
import shutil

import pytest


def tool(name: str) -> str:
    """The path of a program that a test needs."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (see .ci/tools)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
