"""What the deployment files say is what the program knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.metrics import REGISTRY, Shelf
from adapters.settings import Settings
from tests.house import House

DEPLOY = Path(__file__).parents[2] / "deploy"
KNOWN = {f"SECUGATE_{name.upper()}" for name in Settings.model_fields}


def _named(text: str) -> set[str]:
    return set(re.findall(r"\bSECUGATE_[A-Z_]*[A-Z]\b", text))


@pytest.mark.parametrize("file", ["compose.yaml", "secugate.service", "../docs/operations.md"])
def test_every_setting_named_is_one(file: str) -> None:
    named = _named((DEPLOY / file).read_text())
    assert named
    assert named <= KNOWN


def test_every_volume_and_secret_of_compose_is_declared() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert {*service.get("secrets", [])} <= set(compose["secrets"])
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert {one for one in named if not one.startswith((".", "/"))} <= set(compose["volumes"])
        assert {*service.get("depends_on", {})} <= set(compose["services"])


def test_a_stop_has_time_to_end() -> None:
    """SIGKILL comes later than the ten seconds that a stop may take."""
    unit = (DEPLOY / "secugate.service").read_text()
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 10
    assert int(compose["services"]["first"]["stop_grace_period"].removesuffix("s")) > 10


def _metrics(rules: Any) -> Iterator[str]:
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield from re.findall(r"\bsecugate_[a-z_]+\b", rule["expr"])


def test_alerts_name_metrics_that_are_told(open_home: House) -> None:
    shelf = Shelf(open_home.gateway.database, open_home.clock)
    told = {metric.name for source in (REGISTRY, shelf) for metric in source.collect()}
    spelt = told | {f"{name}{end}" for name in told for end in ("_bucket", "_total")}
    named = set(_metrics(yaml.safe_load((DEPLOY / "alerts.yaml").read_text())))
    assert len(named) > 2
    assert named <= spelt
