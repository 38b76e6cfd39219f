"""Writes the pages of `docs/reference/` from the tables they tell: forms, codes, states, catalogue;
and removes those that nothing tells any more.

    python docs/generate.py

`make check` runs it and then demands a clean tree, so the pages cannot go stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import starmap
from pathlib import Path

from lxml import etree

from adapters.database.personal import PERSONAL
from adapters.scans import DEMANDS
from docs import programs
from gateway import sandbox as scripted
from gateway.attachments import KINDS, Kind
from gateway.moments import Received
from gateway.procedures import PARTS, PAYROLL, PROCEDURES, Procedure, answers_to
from gateway.procedures import procedure as handled
from gateway.recovery import states as recovering
from gateway.rejections import LANGUAGES, REJECTIONS, Level, Rejection, Severity
from gateway.rejections.fields import fields_of
from gateway.retention import terms
from gateway.staff import CONSOLE, RIGHTS, Right, Role
from gateway.states import REPEATS, TRANSITIONS, State
from outbox import states as answers
from tests.procedures.vector_files import VECTORS, Vector
from xsd import Form, FormField, catalogue
from xsd.catalogue import Entry

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"
TODAY = Received(datetime(2026, 8, 3, tzinfo=UTC)).day


def cell(text: str) -> str:
    """A text that fits into one cell of a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def prose(text: str) -> str:
    """A text as it reads: without this, `<matricule>` would be taken for markup and not be shown."""
    return text.replace("<", "\\<")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def procedures() -> str:
    """Each procedure: what its module says of it, its answers, its fields; then all that goes out."""
    sent = (entry for entry in catalogue().entries.values() if entry.direction == "out")
    pages = ((code, one.family) for one in PROCEDURES for code in one.pages)
    return (
        f"{NOTE}# Procedures\n\n"
        + "\n".join((*map(procedure, PROCEDURES), payroll()))
        + "\n# What goes with a batch\n\nIn one signed container with it.\n\n"
        + table(("Kind", "Goes with", "Name", "What it must be"), map(attachment, KINDS))
        + "\n# What the gateway sends\n\n"
        + "\n".join((*map(message, sent), *starmap(page, pages)))
    )


def payroll() -> str:
    """The message that holds records of several procedures."""
    told = import_module("gateway.contents.payroll").__doc__ or ""
    rows = ((f"`{handled(code).record}`", code) for code in PARTS)
    return f"## {PAYROLL}\n\n{prose(told.strip())}\n\nAnswers {', '.join(answers_to(PAYROLL))}.\n\n" + table(
        ("Record", "As in"), rows
    )


def attachment(kind: Kind) -> tuple[str, ...]:
    name = re.sub(r"\?P<[a-z]+>", "", kind.pattern.pattern)
    return f"`{kind.code}`", kind.procedure, f"`{name}`", DEMANDS[kind.code]


def message(entry: Entry) -> str:
    """A form that goes out: what its module says of it and, for a notice, its fields."""
    form = catalogue().form(entry.code, "1.0", TODAY)
    text = told_of(entry.code, entry.family)
    if form.record is None:
        return f"{text}.\n"
    fields = (row(field) for field in form.fields)
    told = ((number, name, type_, required, meaning) for number, name, type_, required, _, meaning in fields)
    head = ("No", "Element", "Type", "Required", "Meaning")
    return f"{text}; record `{form.record}`.\n\n" + table(head, told)


def page(code: str, family: str) -> str:
    """What goes out to be read and has no form."""
    return f"{told_of(code, family)}; no form.\n"


def told_of(code: str, family: str) -> str:
    """What the module of an answer says of it."""
    module = import_module(f"gateway.returns.{code.lower()}").__doc__ or ""
    return f"## {code}\n\n{prose(module.strip())}\n\nFamily {family}"


def procedure(one: Procedure) -> str:
    form = catalogue().form(one.code, "1.0", TODAY)
    module = sys.modules[one.handle.__module__].__doc__ or ""
    answers = ", ".join(answers_to(one.code))
    return (
        f"## {one.code}\n\n{module.strip()}\n\n"
        f"Family {one.family}; answers {answers}; record `{one.record}`.\n\n"
        + table(("No", "Element", "Type", "Required", "Code when wrong", "Meaning"), rows(form))
    )


def rows(form: Form) -> Iterator[tuple[str, ...]]:
    return (row(field) for field in form.fields)


def row(field: FormField) -> tuple[str, ...]:
    required = "yes" if field.required else ""
    return (
        str(field.number),
        f"`{field.name}`",
        field.type_name,
        required,
        f"[{field.rejection}](codes/{field.rejection}.md)",
        field.documentation,
    )


def codes() -> str:
    """Every code a sender can meet: what it means, what to do about it, and its page."""
    lead = (
        "What each code means and what to do. Each has a page with the texts in French, German and English, "
        "as they stand in every answer.\n\n" + table(("Severity", "Meaning"), severities())
    )
    parts = [f"{NOTE}# Codes\n\n{lead}"]
    for level, title in LEVELS.items():
        found = (one for one in REJECTIONS.values() if one.level is level)
        parts.append(
            f"\n## {title}\n\n"
            + table(
                ("Code", "Severity", "Field", "Meaning", "What to do", "Legal basis"), map(explained, found)
            )
        )
    return "".join(parts)


LEVELS = {
    Level.FILE: "The whole file is refused",
    Level.RECORD: "A record is refused",
    Level.HINT: "A hint: the record is not refused",
}


REACH = {
    Level.FILE: "nothing of the file is treated",
    Level.RECORD: "the record is refused, the others are judged by themselves",
    Level.HINT: "the record is not refused: it took effect or waits",
}


def severities() -> Iterator[tuple[str, ...]]:
    yield f"`{Severity.BLOCKING}`", "the file or the record had no effect: correct it and send it again"
    yield f"`{Severity.TO_CORRECT}`", "the record took effect or waits, but something must be put right"
    yield f"`{Severity.HINT}`", "the record took effect or waits; something may be wrong: look at it"


def explained(one: Rejection) -> tuple[str, ...]:
    page = f"[`{one.key}`](codes/{one.key}.md)"
    return (
        page,
        one.severity,
        concerned(one),
        prose(one.texts["en"]),
        prose(one.remedies["en"]),
        one.legal_basis or "",
    )


def concerned(one: Rejection) -> str:
    """The fields that a code is about."""
    return ", ".join(f"`{name}`" for name in fields_of(one.key))


def code_pages() -> dict[str, str]:
    """The page of each code, by the name of its file."""
    return {f"{one.key}.md": code_page(one) for one in REJECTIONS.values()}


def code_page(one: Rejection) -> str:
    facts = (
        ("Severity", f"`{one.severity}`"),
        ("Level", f"`{one.level}`: {REACH[one.level]}"),
        ("Field", concerned(one) or "none in particular"),
        ("Code of the operator", one.official or "none: this code is ours"),
        ("Legal basis", one.legal_basis or "none known"),
        ("Given", in_force(one)),
    )
    parts = [f"{NOTE}# {one.key}\n\n[All codes](../codes.md)\n\n", table(("", ""), iter(facts))]
    for language, (name, remedy) in LANGUAGE_WORDS.items():
        parts.append(
            f"\n## {name}: {one.titles[language]}\n\n{prose(one.texts[language])}\n\n"
            f"**{remedy}** {prose(one.remedies[language])}\n"
        )
    return "".join(parts) + example(one.key)


def in_force(one: Rejection) -> str:
    """The days on which a code is given."""
    limits = (("from", one.since), ("until", one.until))
    return ", ".join(f"{word} {day}" for word, day in limits if day) or "without limit in time"


LANGUAGE_WORDS = {
    "fr": ("Français", "Que faire ?"),
    "de": ("Deutsch", "Was tun?"),
    "en": ("English", "What to do?"),
}
assert tuple(LANGUAGE_WORDS) == LANGUAGES


def example(code: str) -> str:
    """Records of which some get a code and none another one, from the vectors by which it is tested."""
    fit = [each for each in VECTORS if {due for case in each.cases for due in case.due} == {code}]
    if not fit:
        return ""
    vector = min(fit, key=lambda each: len(each.cases))
    numbers = [str(number) for number, case in enumerate(vector.cases, start=1) if case.due]
    what = f"A {vector.procedure} record that gets this code."
    if len(vector.cases) > 1:
        what = f"{vector.procedure} records of one batch; this code goes to number {' and '.join(numbers)}."
    file = f"tests/vectors/{vector.procedure.lower()}.yaml"
    return (
        f"\n## Example\n\n{what} The people and employers around it, all made up, are in "
        f"[{file}](../../../{file}).\n\n```xml\n{records(vector)}```\n"
    )


def records(vector: Vector) -> str:
    """The records of a vector, as XML."""
    parts = []
    for case in vector.cases:
        root = etree.Element(handled(vector.procedure).record)
        for name, text in case.fields.items():
            etree.SubElement(root, name).text = text
        etree.indent(root)
        parts.append(f"{etree.tostring(root, encoding='unicode')}\n")
    return "".join(parts)


def states() -> str:
    """The life of a deposit, as a picture and as a table."""
    arrows = "".join(
        f"    {before.value} --> {after.value}: {event.value}\n"
        for (before, event), after in TRANSITIONS.items()
    )
    meanings = table(
        ("State", "Meaning"), ((f"`{state.value}`", meaning(state, "states")) for state in State)
    )
    return (
        f"{NOTE}# The life of a deposit\n\n```mermaid\nstateDiagram-v2\n    [*] --> received\n{arrows}"
        f"    rejected --> [*]\n    done --> [*]\n```\n\n{meanings}\n{of_repeats()}\n{of_answers()}"
    )


def of_repeats() -> str:
    """What becomes of the same bytes sent again."""
    rules = table(
        ("State of the first", "The first receipt again, and no effect"),
        ((f"`{state.value}`", repeat.value) for state, repeat in REPEATS.items()),
    )
    return f"## The same bytes again\n\nFrom the same sender, through any door.\n\n{rules}"


def of_answers() -> str:
    """The life of an answer, as a picture and as a table."""
    arrows = "".join(
        f"    {before.value} --> {after.value}: {event.value}\n"
        for (before, event), after in answers.TRANSITIONS.items()
    )
    meanings = ((f"`{state.value}`", meaning(state, "states", "outbox")) for state in answers.State)
    return (
        f"# The life of an answer\n\n```mermaid\nstateDiagram-v2\n    [*] --> available\n{arrows}```\n\n"
        + table(("State", "Meaning"), meanings)
    )


def recovery() -> str:
    """The course of a case of recovery, as a picture and as a table of every state and event."""
    arrows = "".join(
        f"    {before.value} --> {after.value}: {event.value}\n"
        for (before, event), after in recovering.TRANSITIONS.items()
    )
    meanings = ((f"`{state.value}`", meaning(state, "recovery/states")) for state in recovering.State)
    events = tuple(event.name.lower().replace("_", " ") for event in recovering.Event)
    steps = (
        (
            f"`{state.value}`",
            *(recovering.TRANSITIONS.get((state, event), "") for event in recovering.Event),
        )
        for state in recovering.State
    )
    return (
        f"{NOTE}# The course of a case of recovery\n\nIn words: [recovery](../recovery.md).\n\n"
        f"```mermaid\nstateDiagram-v2\n    [*] --> current\n{arrows}    closed --> [*]\n```\n\n"
        + table(("State", "Meaning"), meanings)
        + "\n## What leads where\n\nAn empty cell: it cannot happen.\n\n"
        + table(("State", *events), steps)
    )


def staff() -> str:
    """Which command of the operator, and which page of the console, is whose."""
    head = ("command", "roles", "reason", "persons")
    return (
        f"{NOTE}# Who may give which command\n\n"
        "Once staff are registered ([how](../staff.md)). A reason is asked for what belongs to others.\n\n"
        + table(head, starmap(_right, RIGHTS.items()))
        + "\n# What the console shows and does by itself\n\n"
        "For all else there ([what](../console.md)) the right of the command counts.\n\n"
        + table(head, starmap(_right, CONSOLE.items()))
    )


def _right(command: str, right: Right) -> tuple[str, ...]:
    everybody = len(right.roles) == len(Role)
    roles = "all" if everybody else ", ".join(role for role in Role if role in right.roles)
    return f"`{command}`", roles, "yes" if right.reason else "", "two" if right.four_eyes else ""


def sandbox() -> str:
    """The number that gets each code in a sandbox."""
    told = (
        (
            f"`{number}`",
            f"[`{code}`](codes/{code}.md)",
            REJECTIONS[code].level,
            "all" if len(scripted.procedures_of(code)) > 1 else scripted.procedures_of(code)[0],
            REJECTIONS[code].titles["en"],
        )
        for code, number in scripted.numbers().items()
    )
    return (
        f"{NOTE}# The numbers of the sandbox\n\n"
        "Each gets its code, whatever else its record says ([how](../senders/sandbox.md)). It stands in "
        "`Insured`, or in `Employer` where the form has no insured. Numbers never change.\n\n"
        + table(("Number", "Code", "Level", "In", "What it is"), told)
    )


PURPOSE = re.compile(r"Purpose:\s*(.*)", re.DOTALL)


def processing() -> str:
    """The record of processing (GDPR art. 30): what each field is for, who gets it, where it is, how long."""
    received = "\n".join(map(processed, PROCEDURES))
    sent = (entry for entry in catalogue().entries.values() if entry.direction == "out")
    posted = ((entry.code, told_first(entry), kept_for(entry.code)) for entry in sent)
    stored = ((f"`{name}.{column}`", why) for (name, column), why in PERSONAL.items())
    rows = (
        (f"`{name}`", str(term.months), term.counted_from, term.why, term.source)
        for name, term in terms().registers.items()
    )
    return (
        f"{NOTE}# Record of processing\n\n"
        "For whoever keeps the record of Regulation (EU) 2016/679, art. 30. The controller is the "
        "institution that runs the gateway. Documents are sealed at rest "
        "([how](../decisions/0015-encryption-at-rest.md)); staff read them only with a reason, which the "
        "journal keeps ([who](staff.md)). All terms are in months and assumed: "
        "`gateway/retention/terms.yaml`.\n\n"
        f"## What comes in\n\n{received}\n"
        "## What goes out\n\nTo the member named in it, and to nobody else.\n\n"
        + table(("Form", "What it is", "Kept, months"), posted)
        + "\n## What stands in the database in plain text\n\n"
        + table(("Column", "Why"), stored)
        + "\n## Rows that are deleted after a term\n\n"
        + table(("Table", "Months", "Counted from", "Why", "Source"), rows)
    )


def processed(one: Procedure) -> str:
    """The fields of a procedure with their purposes, and who gets them."""
    form = catalogue().form(one.code, "1.0", TODAY)
    answers = ", ".join(answers_to(one.code))
    later = ", ".join(one.notices)
    notices = f"; later {later} to members with a mandate for the employer" if later else ""
    fields = ((f"`{field.name}`", purpose(field.documentation)) for field in form.fields)
    return (
        f"### {one.code}\n\nFrom a member with a mandate, to the institution. Back to that member: {answers}"
        f"{notices}. Kept {kept_for(one.code)} months.\n\n" + table(("Field", "Purpose"), fields)
    )


def purpose(documentation: str) -> str:
    """What the form says a field is for; its whole text where it says so in other words."""
    found = PURPOSE.search(documentation)
    return found[1] if found else documentation


def kept_for(code: str) -> str:
    return str(terms().of_documents([code]).months)


def told_first(entry: Entry) -> str:
    """The first sentence of what the module of an answer says of it."""
    module = import_module(f"gateway.returns.{entry.code.lower()}").__doc__ or ""
    return prose(module.strip().partition("\n\n")[0])


def meaning(state: State | recovering.State | answers.State, module: str, room: str = "gateway") -> str:
    source = (ROOT / room / f"{module}.py").read_text()
    found = re.search(rf'{state.name} = "[a-z]+"\n    """(.*?)"""', source, re.DOTALL)
    assert found is not None, state
    return found[1]


def pages() -> dict[str, str]:
    """All pages, by their place in the folder of the reference."""
    tables = {
        "procedures.md": procedures(),
        "codes.md": codes(),
        "states.md": states(),
        "recovery.md": recovery(),
        "sandbox.md": sandbox(),
        "staff.md": staff(),
        "processing.md": processing(),
    }
    return tables | {f"codes/{name}": page for name, page in code_pages().items()} | programs.pages()


def write(folder: Path) -> None:
    """Write all pages into a folder, and remove those of which nothing tells any more."""
    for room in ("codes", "forms"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    written = pages()
    for name, page in written.items():
        (folder / name).write_text(page)
    for file in folder.rglob("*.md"):
        if str(file.relative_to(folder)) not in written:
            file.unlink()


if __name__ == "__main__":
    write(REFERENCE)
