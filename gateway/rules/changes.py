"""What changed between two packs of rules: what, for whom, and from when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.rules import Pack, short

AT_ONCE = "with this pack"
_WHOM = {"in": "who sends", "out": "who reads", "envelope": "everybody; it is part of"}
_SIDES = {"employee": "employees", "employer": "employers", "state": "the State"}


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change.

    Attributes:
        area: `form`, `code` or `parameter`.
        subject: what is changed.
        what: how.
        whom: who is concerned.
        since: first day on which it counts, or that it counts as soon as the pack does.
    """

    area: str
    subject: str
    what: str
    whom: str
    since: str


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """All changes between the indexes of two packs."""
    return [
        *_forms(old["forms"], new["forms"]),
        *_codes(old["codes"], new["codes"]),
        *_parameters(old["parameters"], new["parameters"]),
    ]


def notice(old: Pack, new: Pack) -> str:
    """The change notice, as Markdown."""
    found = changes(old.index, new.index)
    head = (
        f"# Change notice: rules {new.version}\n\n"
        f"From {old.version} (`{short(old.digest)}`) to {new.version} (`{short(new.digest)}`).\n\n"
    )
    if not found:
        return f"{head}Nothing changes.\n"
    rows = "".join(
        f"| {one.since} | {one.whom} | {one.subject} | {one.what} |\n"
        for one in sorted(found, key=lambda one: (one.since, one.area, one.subject, one.what))
    )
    return f"{head}| From | For | What | Change |\n| --- | --- | --- | --- |\n{rows}"


def _forms(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        one = new.get(name, old.get(name))
        whom = f"{_WHOM[one['direction']]} {name.partition(' ')[0]}"
        if name not in old:
            yield Change("form", name, "a new form", whom, one["from"])
        elif name not in new:
            yield Change("form", name, "withdrawn", whom, AT_ONCE)
        else:
            if old[name]["from"] != one["from"]:
                yield Change(
                    "form", name, f"in force from {one['from']}, not {old[name]['from']}", whom, one["from"]
                )
            if old[name]["until"] != one["until"]:
                until = one["until"]
                yield Change(
                    "form", name, f"in force until {until or 'further notice'}", whom, until or AT_ONCE
                )
            for what in _fields(old[name]["fields"], one["fields"]):
                yield Change("form", name, what, whom, AT_ONCE)


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in [*old, *(one for one in new if one not in old)]:
        if field not in new:
            yield f"field {field} is gone"
        elif field not in old:
            yield f"new field {field}, {'required' if new[field]['required'] else 'optional'}"
        else:
            if old[field]["required"] != new[field]["required"]:
                yield f"field {field} is {'required' if new[field]['required'] else 'optional'} now"
            if old[field]["type"] != new[field]["type"]:
                yield f"field {field} is spelt as {new[field]['type']}, not {old[field]['type']}"
            if old[field]["meaning"] != new[field]["meaning"]:
                yield f"field {field} is explained otherwise"


def _codes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        one = new.get(key, old.get(key))
        whom = f"who sends {', '.join(one['for'])}"
        if key not in old:
            yield Change("code", key, f"new: {one['text']['en']}", whom, one["since"] or AT_ONCE)
        elif key not in new:
            yield Change("code", key, "not given any more", whom, AT_ONCE)
        else:
            for name in ("level", "severity"):
                if old[key][name] != one[name]:
                    what = f"{name} is {one[name]}, not {old[key][name]}"
                    yield Change("code", key, what, whom, one["since"] or AT_ONCE)
            if (old[key]["since"], old[key]["until"]) != (one["since"], one["until"]):
                what = f"given from {one['since'] or 'ever'} until {one['until'] or 'further notice'}"
                yield Change("code", key, what, whom, one["since"] or AT_ONCE)
            if (old[key]["text"], old[key]["remedy"]) != (one["text"], one["remedy"]):
                yield Change("code", key, "said in other words", whom, AT_ONCE)


def _parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for place in sorted(old.keys() | new.keys()):
        before = old.get(place, {"values": {}})["values"]
        one = new.get(place, old.get(place))
        after = new.get(place, {"values": {}})["values"]
        whom = f"{_SIDES.get(one['payer'], 'everybody')}, and who computes contributions"
        for day in sorted(before.keys() | after.keys()):
            if day not in before:
                what = f"{after[day]} ({one['description']})"
            elif day not in after:
                what = f"{before[day]} does not count any more ({one['description']})"
            elif before[day] != after[day]:
                what = f"{after[day]}, not {before[day]} ({one['description']})"
            else:
                continue
            yield Change("parameter", place, what, whom, day)
