"""The short form of `make hostile`: bad inputs from a seed, and nothing comes of them (SR-1 to SR-9)."""

from __future__ import annotations

from bench.hostile import tally
from gateway import contents, process
from gateway.batch import MemberId
from gateway.contents.checks import Expected
from gateway.moments import Received
from inbox.receive import Deposit
from signing import certificates, container

INPUTS = 1_500


def test_nothing_comes_of_bad_inputs() -> None:
    found = tally(INPUTS, seed=1)
    assert sum(found.tried.values()) > 0.9 * INPUTS
    assert len(found.tried) == 7
    assert found.wrong == []
    assert found.raised == {}
    assert found.outside == 0
    assert found.worst_seconds < 1
    assert found.grown < 256 << 20


def test_control_a_judge_who_forgets_to_verify_accepts_some() -> None:
    found = tally(INPUTS // 3, seed=1, examine=careless)
    assert len(found.wrong) > 5


def careless(raw: bytes, deposit: Deposit, desk: process.Desk) -> process.Examined:
    """Looks at everything but the signature."""
    if raw.startswith(container.MAGIC):
        return process.examine(raw, deposit, desk)
    received = Received(deposit.received)
    sender = MemberId(deposit.sender[:13], deposit.sender[13:])
    expected = Expected(deposit.sender, None, received, desk.environment, desk.agreement_of(sender, received))
    root = contents.parsed(raw)
    if len(root):
        root.remove(root[-1])
    batch = contents.read_document(root, expected)
    return process.Examined(batch, certificates.Evidence(received.at, (), ()))
