"""Parameter files with one defect each, and the error that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gateway.parameters
from gateway.parameters import ParameterError, law, read

SHIPPED = Path(gateway.parameters.__file__).parent
FIRST_CARE = (
    '"2020-01-01": {value: "0.0280", source: [uel-2020, fedil-2020, pwc-2025-01], confidence: published}'
)
FIRST_AGE = '"2020-01-01": {value: "1606.50", source: [uel-2020, cleiss], confidence: published}'


def twice(entry: str, *known: str) -> str:
    """An entry whose value stands in a list, once for each day on which it became known."""
    day, _, value = entry.partition(": ")
    versions = [value.replace("confidence:", f'known: "{k}", confidence:') if k else value for k in known]
    return f"{day}: [{', '.join(versions)}]"


DEFECTS = {
    "a rate unquoted": (
        "rates.yaml",
        'value: "0.0280"',
        "value: 0.0280",
        "care.employee.values.2020-01-01.value: write it in quotes: '0.0280' unquoted is of YAML type float",
    ),
    "a whole number unquoted": (
        "bases.yaml",
        'value: "173"',
        "value: 173",
        "full_time_hours.values.2020-01-01.value: write it in quotes: '173' unquoted is of YAML type int",
    ),
    "a date unquoted": (
        "rates.yaml",
        '"2026-01-01": {value: "0.0850"',
        '2026-01-01: {value: "0.0850"',
        "pension.employee.values: write it in quotes: '2026-01-01' unquoted is of YAML type timestamp",
    ),
    "yes without quotes": (
        "collection.yaml",
        'value: "yes"',
        "value: yes",
        "advance_payment_in_use.values.2020-01-01.value: write it in quotes: 'yes' unquoted",
    ),
    "nothing instead of a value": (
        "rates.yaml",
        'value: "0.0011"',
        "value: ",
        "health_at_work.employer.values.2020-01-01.value: write it in quotes: '' unquoted is",
    ),
    "an empty text": ("rates.yaml", 'value: "0.0011"', 'value: ""', "values.2020-01-01.value: is empty"),
    "dates out of order": (
        "minimum_wage.yaml",
        FIRST_AGE,
        FIRST_AGE.replace("2020-01-01", "2021-06-01"),
        "age_15_16.values.2021-01-01: the dates are not in order: 2021-01-01 stands after 2021-06-01",
    ),
    "a date twice": (
        "minimum_wage.yaml",
        FIRST_AGE,
        FIRST_AGE + "\n    " + FIRST_AGE,
        "age_15_16.values: the key '2020-01-01' stands twice",
    ),
    "a parameter twice": (
        "minimum_wage.yaml",
        "\nage_17:",
        "\nage_15_16:",
        ": the key 'age_15_16' stands twice",
    ),
    "a day that is none": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("2020-01-01", "2020-02-30"),
        "care.employee.values.2020-02-30: no such day: 2020-02-30",
    ),
    "a date in another spelling": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("2020-01-01", "20200101"),
        "care.employee.values.20200101: a day is written YYYY-MM-DD, not '20200101'",
    ),
    "no source": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("source: [uel-2020, fedil-2020, pwc-2025-01], ", ""),
        "care.employee.values.2020-01-01: source is missing",
    ),
    "an empty list of sources": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("[uel-2020, fedil-2020, pwc-2025-01]", "[]"),
        "care.employee.values.2020-01-01.source: has no source",
    ),
    "a source that is not listed": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("fedil-2020", "fedil-2019"),
        "care.employee.values.2020-01-01.source: unknown source 'fedil-2019': sources.yaml does not list it",
    ),
    "a source that is no list": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("[uel-2020, fedil-2020, pwc-2025-01]", "uel-2020"),
        "care.employee.values.2020-01-01.source: is not a list",
    ),
    "no confidence": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace(", confidence: published", ""),
        "care.employee.values.2020-01-01: confidence is missing",
    ),
    "an unknown confidence": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("published", "certain"),
        "care.employee.values.2020-01-01.confidence: unknown confidence 'certain'; known are official",
    ),
    "an unknown key of a value": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("confidence:", "remark: none, confidence:"),
        "remark: unknown key; known are confidence, known, note, source, value",
    ),
    "a day of knowledge that is none": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("confidence:", 'known: "2020-02-30", confidence:'),
        "care.employee.values.2020-01-01.known: no such day: 2020-02-30",
    ),
    "a list of one value": (
        "rates.yaml",
        FIRST_CARE,
        FIRST_CARE.replace("{", "[{").replace("}", "}]"),
        "care.employee.values.2020-01-01: one value stands without a list",
    ),
    "a second value without the day on which it was known": (
        "rates.yaml",
        FIRST_CARE,
        twice(FIRST_CARE, "", ""),
        "care.employee.values.2020-01-01: the values of one first day stand in the order",
    ),
    "a second value known before the first": (
        "rates.yaml",
        FIRST_CARE,
        twice(FIRST_CARE, "2023-01-01", "2022-12-31"),
        "care.employee.values.2020-01-01: the values of one first day stand in the order",
    ),
    "two values known on one day": (
        "rates.yaml",
        FIRST_CARE,
        twice(FIRST_CARE, "2023-01-01", "2023-01-01"),
        "care.employee.values.2020-01-01: the values of one first day stand in the order",
    ),
    "an unknown key of a parameter": (
        "bases.yaml",
        '  unit: "x SSM"\n',
        '  unit: "x SSM"\n  reference: "art. 241"\n',
        "ceiling_multiple.reference: unknown key; known are description, note, payer, unit, values",
    ),
    "values misspelt": (
        "bases.yaml",
        '  unit: "x SSM"\n  values:',
        '  unit: "x SSM"\n  valeus:',
        "ceiling_multiple.unit: unknown key; here stand parameters, groups of them, description and note",
    ),
    "no unit": ("bases.yaml", '  unit: "x SSM"\n', "", "ceiling_multiple: unit is missing"),
    "an unknown unit": (
        "bases.yaml",
        'unit: "x SSM"',
        'unit: "times"',
        "ceiling_multiple.unit: unknown unit 'times'",
    ),
    "a parameter without values": (
        "bases.yaml",
        '    "2020-01-01": {value: "173", source: [css-241, rgd-2011-04-28], confidence: official}\n',
        "",
        "full_time_hours.values: is not a mapping with entries",
    ),
    "a rate in per cent": (
        "rates.yaml",
        'value: "0.0280"',
        'value: "2.80"',
        "'2.80' has not the form of the unit 'fraction of base'",
    ),
    "an amount with one decimal": (
        "bases.yaml",
        'value: "10709.97"',
        'value: "10709.9"',
        "'10709.9' has not the form of the unit 'EUR/month'",
    ),
    "an amount below zero": (
        "bases.yaml",
        'value: "10709.97"',
        'value: "-10709.97"',
        "'-10709.97' has not the form of the unit 'EUR/month'",
    ),
    "an amount with an exponent": (
        "bases.yaml",
        'value: "173"',
        'value: "1E2"',
        "'1E2' has not the form of the unit",
    ),
    "an unknown branch": (
        "base_matrix.yaml",
        "value: [care, dependency]",
        "value: [care, dependance]",
        "elements.overtime_pay.values.2020-01-01.value: 'dependance' has not the form of the unit 'branches'",
    ),
    "one branch instead of a list": (
        "base_matrix.yaml",
        "value: [care, dependency]",
        "value: care",
        "elements.overtime_pay.values.2020-01-01.value: is not a list",
    ),
    "a list instead of one number": (
        "bases.yaml",
        'value: "173"',
        'value: ["173"]',
        "full_time_hours.values.2020-01-01.value: is not a text",
    ),
    "not YAML": ("rates.yaml", "care:\n", "care: [\n", "rates.yaml: is not YAML"),
    "a month that is none": (
        "sources.yaml",
        '"2026-10"',
        '"2026-13"',
        "checked_up_to: a period is written YYYY-MM",
    ),
    "an unknown key among the sources": (
        "sources.yaml",
        "confirm_at:",
        "confirmed_at:",
        "confirmed_at: unknown key; known are checked_up_to, confirm_at, sources",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files."""
    for path in SHIPPED.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("file", "old", "new", "message"), DEFECTS.values(), ids=list(DEFECTS))
def test_a_defect_is_refused_with_file_and_key(
    folder: Path, file: str, old: str, new: str, message: str
) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParameterError) as refusal:
        read(folder)
    assert refusal.value.file == file
    assert str(refusal.value).startswith(file)
    assert message in str(refusal.value)


def test_an_error_names_the_line(folder: Path) -> None:
    path = folder / "bases.yaml"
    lines = path.read_text(encoding="utf-8").replace('value: "173"', "value: 173").splitlines()
    path.write_text("\n".join(lines), encoding="utf-8")
    line = next(number for number, text in enumerate(lines, start=1) if "value: 173" in text)
    with pytest.raises(ParameterError, match=rf"bases\.yaml, line {line}, full_time_hours\."):
        read(folder)


def test_the_files_without_a_defect_are_read(folder: Path) -> None:
    assert read(folder) == law()


def test_a_file_that_is_missing(folder: Path) -> None:
    (folder / "mutuality.yaml").unlink()
    with pytest.raises(ParameterError, match=r"mutuality\.yaml: the file is missing"):
        read(folder)


def test_a_file_that_is_unknown(folder: Path) -> None:
    (folder / "taxes.yaml").write_text("note: nothing\n", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"taxes\.yaml: unknown file"):
        read(folder)


def test_a_file_that_is_empty(folder: Path) -> None:
    (folder / "rates.yaml").write_text("# nothing yet\n", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"rates\.yaml: the file is empty"):
        read(folder)


def test_a_file_in_another_encoding(folder: Path) -> None:
    path = folder / "rates.yaml"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    with pytest.raises(ParameterError, match=r"rates\.yaml: is not YAML"):
        read(folder)


@pytest.mark.parametrize("file", sorted(path.name for path in SHIPPED.glob("*.yaml")))
def test_the_version_changes_with_any_byte_of_any_file(folder: Path, file: str) -> None:
    with (folder / file).open("ab") as appended:
        appended.write(b"# one more remark\n")
    changed = read(folder)
    assert changed.version != law().version
    assert (changed.numbers, changed.words) == (law().numbers, law().words)


def test_the_version_is_short_and_hexadecimal() -> None:
    assert len(law().version) == 12
    int(law().version, 16)
