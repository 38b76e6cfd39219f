"""Examples of the pages for senders are run, in every language: all that `test_start_page` does not play."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.sandbox.premises import EMPLOYER, MEMBER, STAFF
from tests.client.test_start_page import DOCS, PATIENCE_SECONDS, other_window, play, surroundings
from tests.house import wait_for

EXAMPLE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SANDBOX = "secugate sandbox\n"
WATCH = "mkdir -p drop\nsecugate watch drop --profile profile.toml\n"
"""What runs until it is stopped."""


def examples(page: str) -> list[str]:
    return EXAMPLE.findall((DOCS / page).read_text())


def play_all(folder: Path, blocks: list[str]) -> None:
    """As a reader would, from the top down; what stays is stopped at the end."""
    with ExitStack() as windows:
        for text in blocks:
            if text == SANDBOX:
                windows.enter_context(other_window(folder, text))
            elif text == WATCH:
                watch_for_a_while(folder)
            else:
                play(folder, "sh", text)


def watch_for_a_while(folder: Path) -> None:
    """Until it has sent what lay there; then it is stopped as people stop it."""
    (folder / "drop").mkdir()
    (signed,) = (folder / "signed").glob("*.ASICE")
    shutil.copy(signed, folder / "drop")
    text = WATCH.replace("secugate watch", "exec secugate watch")
    process = subprocess.Popen(["sh", "-euc", text], cwd=folder, env=surroundings(folder))
    try:
        wait_for(lambda: list((folder / "drop").glob("sent/*.ASICE")) or None)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "empty"
    found.mkdir()
    return found


@pytest.mark.parametrize("page", ["senders/sandbox.md", "fr/senders/sandbox.md"])
def test_the_sandbox(page: str, folder: Path) -> None:
    found = examples(page)
    assert found[0] == SANDBOX
    assert len(found) >= 2
    play_all(folder, found)


@pytest.fixture
def client_of(folder: Path) -> Iterator[Path]:
    """Where a fiduciary has its profile, and a file of wages."""
    with other_window(folder, SANDBOX):
        (profile,) = folder.rglob("profile.toml")
        member = profile.parent
        lines = [f"0;{MEMBER.matricule};{MEMBER.number}"]
        lines += [f"1;{EMPLOYER};{one};202607;300000;160;0;0;0;0;0;0;0;;;;;;;" for one in STAFF]
        (member / "DECSAL-july.dta").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
        yield member


@pytest.mark.parametrize("page", ["fiduciary.md", "fr/fiduciary.md"])
def test_the_fiduciary(page: str, client_of: Path) -> None:
    found = examples(page)
    assert found[-1] == WATCH
    play_all(client_of, found)
    assert list((client_of / "answers").glob("SECU.ACKTRT.*"))
    assert (client_of / "drop").is_dir()


@pytest.mark.parametrize("page", ["senders/rules.md", "fr/senders/rules.md"])
def test_the_rules(page: str, folder: Path) -> None:
    """Two packs of the same rules: the last example publishes the one, and the same way the other."""
    judged, published = examples(page)
    with other_window(folder, SANDBOX):
        keys = next(folder.rglob("signing.key.pem")).parent
    for name in ("signing.key.pem", "signing.cert.pem"):
        shutil.copy(keys / name, folder)
    shutil.copy(keys / "signing.cert.pem", folder / "gateway-seal.pem")
    play(folder, "sh", published.replace("2026.11", "2026.10"))
    play(folder, "sh", published)
    assert "2026.11" in play(folder, "sh", judged)
