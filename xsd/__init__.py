"""The forms: every version of every document, the days on which each is in force, and their judge.

A form is one XSD 1.0 file, `<code>/<version>.xsd`, which says all there is to say about it: fields,
spellings, field numbers, the codes due, and why each field is asked for. Everything here is read
from these files, and from nowhere else.
"""

from xsd.catalogue import Catalogue, Entry, NotInForce, UnknownForm, Version, catalogue
from xsd.faults import Checked, Fault, FormFaults, Malformed, line_of
from xsd.form import FILE_FORM, NAMESPACE, Form, FormField, read_record

__all__ = [
    "FILE_FORM",
    "NAMESPACE",
    "Catalogue",
    "Checked",
    "Entry",
    "Fault",
    "Form",
    "FormFaults",
    "FormField",
    "Malformed",
    "NotInForce",
    "UnknownForm",
    "Version",
    "catalogue",
    "line_of",
    "read_record",
]
