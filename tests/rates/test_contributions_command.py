"""`secugate contributions`, from its arguments to what it prints and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from adapters.cli.contributions import contributions
from gateway.parameters import law

ROOT = Path(__file__).parents[2]
APP = typer.Typer()
APP.command()(contributions)

JULY = {
    "--period": "2026-07",
    "--base": "3812.40",
    "--hours": "173",
    "--mde-class": "2",
    "--accident-factor": "0.85",
}


def arguments(**options: str) -> list[str]:
    """The options of illustration A, some of them replaced."""
    replaced = JULY | {f"--{name.replace('_', '-')}": text for name, text in options.items()}
    return [part for pair in replaced.items() for part in pair]


def run(**options: str) -> Result:
    return CliRunner().invoke(APP, [*arguments(**options), "--json"])


def test_json_of_illustration_a_from_a_process() -> None:
    script = "from typer import run; from adapters.cli.contributions import contributions; run(contributions)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments(), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = json.loads(done.stdout)
    assert done.stderr == ""
    assert list(printed) == [
        "period",
        "lines",
        "employee_total",
        "employer_total",
        "total",
        "parameters",
        "warnings",
    ]
    assert printed["period"] == "2026-07"
    assert (printed["employee_total"], printed["employer_total"], printed["total"]) == (
        "484.00",
        "502.95",
        "986.95",
    )
    assert printed["parameters"] == law().version
    assert [list(line) for line in printed["lines"]] == [
        ["branch", "base", "rate", "employee", "employer", "source"]
    ] * 7
    assert [tuple(line.values())[:5] for line in printed["lines"]] == [
        ("care", "3812.40", "0.028", "106.75", "106.75"),
        ("cash", "3812.40", "0.0025", "9.53", "9.53"),
        ("pension", "3812.40", "0.085", "324.05", "324.05"),
        ("dependency", "3119.57", "0.014", "43.67", "0.00"),
        ("accident", "3812.40", "0.005525", "0.00", "21.06"),
        ("mde", "3812.40", "0.0095", "0.00", "36.22"),
        ("health_at_work", "3812.40", "0.0014", "0.00", "5.34"),
    ]
    assert printed["lines"][2]["source"] == "law-2025-12-18, fedil-2026-01, open-2026 (2026-01-01)"


def test_wrong_use_of_a_process_is_one_line_on_stderr_and_status_2() -> None:
    script = "from typer import run; from adapters.cli.contributions import contributions; run(contributions)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments(base="1e3")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "secugate contributions: --base is an amount in euro such as 3812.40, not negative, "
        "with at most two decimals, not '1e3'\n"
    )


def test_illustration_b_has_decimal_hours_and_a_printed_base_rounded_half_up() -> None:
    result = run(period="2025-03", base="1250", hours="86.5", mde_class="1", accident_factor="1")
    printed = json.loads(result.stdout)
    assert printed["total"] == "316.36"
    assert printed["lines"][0]["base"] == "1318.90"


def test_illustration_c_has_every_element() -> None:
    result = run(
        base="4310.00",
        supplements="215.50",
        overtime="187.35",
        gratuities="2600",
        mde_class="3",
        accident_factor="1.1",
    )
    assert json.loads(result.stdout)["total"] == "1867.69"


def test_unemployment_pay_and_age_have_options() -> None:
    printed = json.loads(run(base="0", unemployment="3000", hours="0").stdout)
    assert printed["total"] == "763.50"
    printed = json.loads(run(base="1500", mde_class="1", accident_factor="1.0", age="17").stdout)
    assert printed["total"] == "546.05"


@pytest.mark.parametrize("base", ["3812.4", "3812.40"])
def test_an_amount_may_leave_out_a_zero(base: str) -> None:
    assert json.loads(run(base=base).stdout)["total"] == "986.95"


def test_an_amount_may_be_whole_euro() -> None:
    assert json.loads(run(base="3812").stdout)["lines"][0]["base"] == "3812.00"


WRONG_AMOUNTS = [
    "1e3",
    "nan",
    "inf",
    " 1",
    "1 ",
    "+1",
    "-1",
    "-0.01",
    "",
    "1,50",
    "1.234",
    "1.",
    ".5",
    "01",
    "1_000",
    "١",
    "1234567890",
    "1\n",
    "0x10",
]


@pytest.mark.parametrize("text", WRONG_AMOUNTS)
@pytest.mark.parametrize("option", ["base", "supplements", "overtime", "gratuities", "unemployment"])
def test_an_amount_in_another_spelling_is_wrong_use(option: str, text: str) -> None:
    assert_wrong_use(run(**{option: text}), f"--{option}")


@pytest.mark.parametrize("text", ["744.01", "745", "-1", "1e2", "nan", "173.125", " 173", "", "1,5"])
def test_hours_beyond_a_month_or_misspelt_are_wrong_use(text: str) -> None:
    assert_wrong_use(run(hours=text), "--hours")


@pytest.mark.parametrize("text", ["0", "0.01", "86.5", "173", "744", "744.00"])
def test_hours_of_a_month_are_accepted(text: str) -> None:
    assert run(hours=text).exit_code == 0


@pytest.mark.parametrize("text", ["0", "5", "-1", "1.0", "one", "", " 1"])
def test_a_class_that_is_none_is_wrong_use(text: str) -> None:
    assert_wrong_use(run(mde_class=text), "--mde-class")


@pytest.mark.parametrize(
    "text", ["0", "0.00", "-0.85", "10", "9.999", "0.855", "1e0", "nan", "", " 1", ",85"]
)
def test_a_factor_that_is_none_is_wrong_use(text: str) -> None:
    assert_wrong_use(run(accident_factor=text), "--accident-factor")


@pytest.mark.parametrize("text", ["14", "0", "-17", "017", "17.5", "old", ""])
def test_an_age_that_is_none_is_wrong_use(text: str) -> None:
    assert_wrong_use(run(age=text), "--age")


@pytest.mark.parametrize("text", ["2026-13", "2026-7", "202607", "07-2026", "2026-07-01", "", "0000-01"])
def test_a_period_that_is_none_is_wrong_use(text: str) -> None:
    assert_wrong_use(run(period=text), "--period")


def test_a_period_without_parameters_is_wrong_use() -> None:
    assert_wrong_use(run(period="2019-12"), "no parameters are known for 2019-12")


def assert_wrong_use(result: Result, named: str) -> None:
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("secugate contributions: ")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_option_is_wrong_use() -> None:
    result = CliRunner().invoke(APP, ["--period", "2026-07"])
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_factor_that_is_not_in_use_is_a_warning() -> None:
    warned = json.loads(run(accident_factor="0.90").stdout)["warnings"]
    assert warned[-1] == "accident factor 0.90 is not in use in 2026-07, but 0.85, 1.00, 1.10, 1.30, 1.50 are"
    assert all(
        "factor" not in text
        for text in json.loads(run(period="2020-01", accident_factor="0.9").stdout)["warnings"]
    )


def test_doubtful_values_are_warnings() -> None:
    warned = json.loads(run().stdout)["warnings"]
    assert [text.split()[0] for text in warned] == [
        "rates.pension.employee",
        "rates.pension.employer",
        "bases.dependency_allowance",
        "rates.accident.employer",
        "mutuality.class_2",
    ]
    assert all(
        "is second-hand" in text and "https://ccss.public.lu/fr/parametres-sociaux.html" in text
        for text in warned
    )
    assert "one parameter set quotes 1.26 %" in warned[-1]


def test_a_month_without_doubtful_values_has_no_warning() -> None:
    assert json.loads(run(period="2025-03").stdout)["warnings"] == []


def test_a_weak_and_an_assumed_value_are_warnings() -> None:
    assert (
        "mutuality.class_2 0.0113 from open-calculator (2022-01-01) is weak" in run(period="2022-02").stdout
    )
    assert (
        "rates.accident.employer 0.0075 from fedil-2020 (2021-01-01) is assumed"
        in run(period="2021-02").stdout
    )


def test_a_month_after_the_last_check_is_a_warning() -> None:
    late = "the parameters were checked up to 2026-10, so later changes may be missing"
    assert late in json.loads(run(period="2026-11").stdout)["warnings"]
    assert late not in json.loads(run(period="2026-10").stdout)["warnings"]


def test_people_get_a_table_with_sources_and_what_to_confirm() -> None:
    result = CliRunner().invoke(APP, arguments())
    assert (result.exit_code, result.stderr) == (0, "")
    for expected in (
        "Contributions for 2026-07, in euro",
        "sickness, care",
        "0.5525 %",
        "484.00",
        "502.95",
        "986.95",
        "rates.accident.employer 0.0065 from fedil-2026-01, open-2026 (2026-01-01)",
        "css-376: https://secu.lu/assurance-dependance/",
        f"Parameters {law().version}",
        "To confirm: mutuality.class_2 0.0095",
    ):
        assert expected in result.stdout
