"""`secugate contributions`, from its arguments to what it prints and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

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
        "group",
        "policy",
        "known",
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
        ["branch", "base", "rate", "employee", "employer", "formula", "source"]
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


def printed(*more: str, **options: str) -> dict[str, Any]:
    result = CliRunner().invoke(APP, [*arguments(**options), *more, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def branches(document: dict[str, Any]) -> list[str]:
    return [line["branch"] for line in document["lines"]]


@pytest.mark.parametrize(
    ("group", "total"),
    [
        ("employee", "986.95"),
        ("pensioner", "986.95"),
        ("occasional", "967.89"),
        ("pupil", "21.06"),
        ("apprentice", "986.95"),
    ],
)
def test_a_group_is_named(group: str, total: str) -> None:
    document = printed(group=group)
    assert (document["group"], document["total"]) == (group, total)


def test_a_group_follows_from_contract_and_scheme() -> None:
    assert printed(contract="E", scheme="01")["group"] == "pupil"
    assert printed(contract="I", scheme="10")["group"] == "public"


def test_a_group_without_a_published_rule_is_a_warning() -> None:
    warned = printed(group="apprentice")["warnings"]
    assert "groups.floor.apprentice no from css-241 (2020-01-01) is assumed" in " ".join(warned)
    assert not any("groups." in text for text in printed()["warnings"])


def test_a_public_employer_exempt_from_the_mutuality() -> None:
    document = printed("--public", mde_class="none", accident_factor="1.00")
    assert document["total"] == "1019.26"
    assert "mde" not in branches(document)
    assert branches(document)[-1] == "family_benefits"


def test_health_services() -> None:
    assert printed(health_service="sti")["total"] == "986.57"
    assert "health_at_work" not in branches(printed(health_service="own"))


def after(*earlier: str, base: str) -> dict[str, Any]:
    """The line of sickness care in July 2026, after earlier months of that year."""
    options = [part for text in earlier for part in ("--earlier", text)]
    line: dict[str, Any] = printed(*options, base=base)["lines"][0]
    return line


def test_earlier_months_leave_room_for_this_one() -> None:
    """June used 3000.00 of 13856.63, so that July may use 24713.26."""
    assert after(base="20000")["base"] == "13856.63"
    assert after("2026-06:3000.00:173", base="20000")["base"] == "20000.00"
    assert after("2026-06:3000.00:173", base="30000")["base"] == "24713.26"


def test_earlier_months_leave_pay_for_this_one() -> None:
    """18000.00 in June are 4143.37 above its ceiling, which July has room for."""
    taken = "(5000.00 + 4143.37 of earlier months) × 2.80 %"
    assert after("2026-06:13000:173:5000", base="5000")["formula"] == taken
    assert after("2026-05:10000:173:5000", "2026-06:0:0", base="5000")["formula"] == "5000.00 × 2.80 %"


def test_pay_above_the_ceiling_until_now_is_a_warning() -> None:
    warning = printed(base="20000")["warnings"][-1]
    assert warning.startswith("up to 6143.37 of pay is above the ceiling until now; later months of 2026")


def test_a_policy_is_named() -> None:
    assert printed()["policy"] == "line-and-side+apart+cumulative+unrounded"
    named = "line+joined+monthly+rounded"
    document = printed(policy=named)
    assert document["policy"] == named
    assert document["lines"][1]["formula"] == "3812.40 × 0.25 %, rounded together with care"


def test_a_day_of_knowledge_is_printed() -> None:
    document = printed(known="2026-09-01")
    assert (document["known"], document["parameters"]) == (
        "2026-09-01",
        law().as_known(date(2026, 9, 1)).version,
    )
    assert printed()["known"] is None


def test_people_are_told_how_each_share_was_computed() -> None:
    plain, explained = (CliRunner().invoke(APP, [*arguments(), *more]) for more in ([], ["--explain"]))
    assert "accident: 3812.40 × 0.65 % × 0.85\n" in explained.stdout
    assert "accident: 3812.40" not in plain.stdout


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"group": "director"}, "--group is one of employee, pupil"),
        ({"contract": "I"}, "--contract and --scheme go together"),
        ({"scheme": "01"}, "--contract and --scheme go together"),
        ({"contract": "I", "scheme": "01", "group": "pupil"}, "--contract and --scheme go together"),
        ({"contract": "I", "scheme": "99"}, "no group is known for contract 'I' in scheme '99'"),
        ({"health_service": "STM"}, "--health-service is one of stm, sti, own"),
        ({"policy": "line"}, "--policy: a policy is named like"),
        ({"policy": "line+apart+weekly+rounded"}, "--policy: 'weekly' is not a valid"),
        ({"known": "01.09.2026"}, "--known is a day"),
        ({"known": "2026-02-30"}, "--known: "),
        ({"earlier": "2026-01"}, "--earlier is MONTH:BASE:HOURS"),
        ({"earlier": "2026-01:1:2:3:4"}, "--earlier is MONTH:BASE:HOURS"),
        ({"earlier": "2026-1:1000:173"}, "--earlier: a period"),
        ({"earlier": "2026-01:1e3:173"}, "the base of --earlier"),
        ({"earlier": "2026-01:1000:800"}, "the hours of --earlier"),
        ({"earlier": "2026-01:1000:173:x"}, "the gratuities of --earlier"),
        ({"earlier": "2026-07:1000:173"}, "months of 2026 before 2026-07"),
        ({"earlier": "2025-12:1000:173"}, "months of 2026 before 2026-07"),
    ],
    ids=str,
)
def test_other_wrong_uses(options: dict[str, str], named: str) -> None:
    assert_wrong_use(run(**options), named)


def test_earlier_months_stand_in_order_each_once() -> None:
    for months in (["2026-02", "2026-01"], ["2026-01", "2026-01"]):
        options = [part for month in months for part in ("--earlier", f"{month}:1000:173")]
        assert_wrong_use(CliRunner().invoke(APP, [*arguments(), *options, "--json"]), "each once, in order")
