"""A fuzzer for the examination of a deposit, guided by coverage (atheris, libFuzzer).

    python -m bench.fuzz.examine bench/fuzz/seeds -max_total_time=600 -seed=1

It fails on anything but a batch, `Rejected` or `NotYet`, and when bytes that nobody signed yield a batch. The
seeds are good batches and containers, signed with a key that is made anew each time, and what earlier runs
found to lead somewhere new. Atheris is no dependency of ours: `pip install atheris`.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["signing", "gateway.process", "gateway.contents", "gateway.envelope"]
):
    from gateway import process
    from gateway.outcome import NotYet, Rejected

from bench.hostile import desk_for, goods, signer, told

OURS = signer()
DESK = desk_for(OURS)
GOOD = goods(OURS, DESK)
BATCHES = [good.batch for good in GOOD]


def try_one(content: bytes) -> None:
    """Examine bytes under a name that fits them."""
    deposit = next(good.deposit for good in GOOD if (good.content[:2] == b"PK") == (content[:2] == b"PK"))
    try:
        found = process.examine(content, deposit, DESK)
    except (Rejected, NotYet):
        return
    if told(found.batch) not in BATCHES:
        raise AssertionError("accepted, and nobody signed it")


def main() -> None:
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
