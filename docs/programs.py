"""The pages of the reference that tell of programs: addresses, forms with examples, settings and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import typer
from pydantic_core import PydanticUndefined

from adapters import https
from adapters.cli import COMMANDS
from adapters.cli import app as secugate
from adapters.https_billing import add_billing
from adapters.https_evidence import add_evidence
from adapters.https_keys import add_keys
from adapters.https_releases import add_releases
from adapters.https_uploads import add_uploads
from adapters.https_webhooks import add_webhooks
from adapters.oauth import add_tokens
from adapters.settings import Settings
from gateway.moments import Received
from xsd import Form, catalogue

ROOT = Path(__file__).parent.parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"
TODAY = Received(datetime(2026, 8, 3, tzinfo=UTC)).day
_LARGEST = 100_000_000
_LONGEST_EXAMPLE = 6000


def cell(text: str) -> str:
    """A text that fits into one cell of a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|").replace("<", "\\<")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def described() -> Mapping[str, Any]:
    """What the HTTPS door says of itself (OpenAPI), without a gateway behind it."""
    nobody = cast(Any, SimpleNamespace(clock=None, begin=None, wake=None))
    app = https.application(
        nobody,
        nobody,
        member_of=nobody,
        access_of=nobody,
        find_deposit=nobody,
        expected=nobody,
        gate=nobody,
    )
    add_uploads(app, nobody, _LARGEST)
    add_billing(app, nobody, nobody)
    add_evidence(app, nobody, nobody)
    add_releases(app, nobody, nobody, nobody)
    add_keys(app, nobody, nobody, nobody)
    add_webhooks(app, nobody, nobody, nobody)
    add_tokens(app, nobody, nobody)
    return app.openapi()


def api() -> str:
    """The addresses of the HTTPS door."""
    told = described()
    parts = [
        f"{NOTE}# The HTTPS door\n\nAs the door describes itself (OpenAPI {told['openapi']}). One comes in "
        "with the certificate of a member, or with a token ([how](../doors.md)).\n"
    ]
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            parts.append(f"\n## `{method.upper()} {path}`\n\n{_prose(one)}\n")
            parts.append(_parameters(one))
            answers = (
                (status, str(answer.get("description", ""))) for status, answer in one["responses"].items()
            )
            parts.append("\n" + table(("Answer", "When"), answers))
    parts.append("\n# What answers hold\n")
    for name, schema in told["components"]["schemas"].items():
        fields = schema.get("properties", {})
        rows = ((f"`{field}`", _type(one), str(one.get("description", ""))) for field, one in fields.items())
        head = schema.get("description", "").partition("\n\n")[0]
        parts.append(
            f"\n## {name}\n\n{cell(head)}\n\n" + (table(("Field", "Type", "Meaning"), rows) if fields else "")
        )
    return "".join(parts)


def _prose(one: Mapping[str, Any]) -> str:
    text: str = one.get("description") or one.get("summary") or ""
    return text.strip().replace("<", "\\<")


def _parameters(one: Mapping[str, Any]) -> str:
    given = one.get("parameters", [])
    if not given:
        return ""
    rows = (
        (
            f"`{each['name']}`",
            each["in"],
            "yes" if each.get("required") else "",
            str(each.get("description", "")),
        )
        for each in given
    )
    return "\n" + table(("Parameter", "In", "Required", "Meaning"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "")


def forms() -> dict[str, str]:
    """A page for each form and the list of all, by the names of their files."""
    entries = [one for one in catalogue().entries.values() if one.direction != "envelope"]
    rows = (
        (
            f"[{one.code}]({one.code}.md)",
            "from a member" if one.direction == "in" else "to a member",
            one.family,
            ", ".join(f"{version.number} from {version.first}" for version in one.versions.values()),
        )
        for one in entries
    )
    lead = "Each is one XSD file, which says all there is to say about it; the examples are tested.\n\n"
    pages = {"index.md": f"{NOTE}# Forms\n\n{lead}" + table(("Form", "Goes", "Family", "Versions"), rows)}
    return pages | {
        f"{one.code}.md": _form(one.code, number) for one in entries for number in list(one.versions)[-1:]
    }


def _form(code: str, number: str) -> str:
    form = catalogue().form(code, number, TODAY)
    return f"{NOTE}# {code} {number}\n\n[All forms](index.md)\n\n{_fields(form)}{_example(code)}"


def _fields(form: Form) -> str:
    if form.record is None:
        return f"The form: `xsd/{form.code.lower()}/{form.version}.xsd`.\n"
    rows = (
        (str(one.number), f"`{one.name}`", one.type_name, "yes" if one.required else "", one.documentation)
        for one in form.fields
    )
    return f"Record `{form.record}`.\n\n" + table(("No", "Element", "Type", "Required", "Meaning"), rows)


def _example(code: str) -> str:
    """The shortest example of a form among the tested pairs."""
    pairs = ROOT / "tests" / "pairs"
    own = [*pairs.glob(f"{code}-*/batch.xml"), *pairs.glob(f"*/{code}.xml")]
    if not own:
        return ""
    file = min(own, key=lambda one: (one.stat().st_size, str(one)))
    text = file.read_text()
    short = text if len(text) <= _LONGEST_EXAMPLE else text[:_LONGEST_EXAMPLE] + "\n…\n"
    return f"\n## Example\n\n`{file.relative_to(ROOT)}`\n\n```xml\n{short.strip()}\n```\n"


def settings() -> str:
    """What an operator may set."""
    rows = (
        (f"`SECUGATE_{name.upper()}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return (
        f"{NOTE}# Settings\n\nEnvironment variables of the gateway; it runs without any of them.\n\n"
        + table(("Name", "Without it", "What it is"), rows)
    )


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value == "":
        return ""
    return f"`{value}`"


def commands() -> str:
    """Every command with its arguments and options."""
    parts = [
        f"{NOTE}# Commands\n\nWhat `--help` says. The exit status of a sender's commands: "
        "[the ten-minute start](../senders/start.md).\n"
    ]
    group = cast(Any, typer.main.get_command(secugate))
    context = typer.Context(group, info_name="secugate")
    for name in COMMANDS:
        parts.extend(_command(group.get_command(context, name), f"secugate {name}"))
    return "".join(parts)


def _command(command: Any, words: str) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield f"\n## `{words}`\n\n{_help(command)}\n"
        rows = [row for one in command.params if (row := _option(one)) is not None]
        if rows:
            yield "\n" + table(("Given", "Meaning"), iter(rows))
    for name, one in inner.items():
        yield from _command(one, f"{words} {name}")


def _help(command: Any) -> str:
    return re.sub(r"\s*\n(?!\s*\n)\s*", " ", (command.help or "").strip()).replace("<", "\\<")


def _option(one: Any) -> tuple[str, str] | None:
    text = str(getattr(one, "help", None) or "")
    if "--help" in one.opts:
        return None
    if one.param_type_name == "argument":
        return f"`{(one.metavar or one.name).upper()}`", text
    needed = " (needed)" if one.required else ""
    return " ".join(f"`{word}`" for word in [*one.opts, *one.secondary_opts]), text + needed


def pages() -> dict[str, str]:
    """All of them, by their place in the folder of the reference."""
    tables = {"api.md": api(), "settings.md": settings(), "commands.md": commands()}
    return tables | {f"forms/{name}": page for name, page in forms().items()}
