"""Whatever happens, what stands as charged after a run is what a plain computation says from scratch."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapters.billing import Issued
from gateway.contributions import Ceiling, Policy
from tests.billing.histories import House, Step, check, template

MOST_RUNS = 12

VERBS = (
    *("declare",) * 8,
    *("bill",) * 6,
    *("change",) * 3,
    *("enter",) * 2,
    *("absent",) * 2,
    "present",
    "cancel",
    "classify",
    "renumber",
    "pay",
)

steps = st.builds(
    Step,
    verb=st.sampled_from(VERBS),
    employer=st.sampled_from((0, 0, 0, 1)),
    person=st.integers(0, 2),
    month=st.integers(0, 13),
    number=st.integers(0, 40),
)
policies = st.sampled_from(
    (Policy(), Policy(), Policy(ceiling=Ceiling.YEAR_END), Policy(ceiling=Ceiling.MONTHLY))
)
BEGINNING = tuple(Step("enter", 0, person, 2, 8) for person in range(2))
BILL = Step("bill", 0, 0, 0, 1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("histories"))


# A failure is shown as it was found: to make a history shorter takes minutes.
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=12, max_size=40), policies)
def test_what_stands_is_what_is_due_whatever_happened(
    empty: Path, history: list[Step], policy: Policy
) -> None:
    house = House.open(empty, empty.parent / "run", policy)
    runs = 0
    try:
        for step in (*BEGINNING, *history, BILL):
            runs += step.verb == "bill"
            if runs > MOST_RUNS:
                break
            issued = house.take(step)
            if issued is not None:
                check(house, issued)
                assert not [one for one in house.run() if isinstance(one, Issued)]
    finally:
        house.database.close()
