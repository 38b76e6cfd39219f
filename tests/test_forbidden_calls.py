"""SR-26 and SR-2: what no shipped module may call, by walking the syntax of every one of them.

The linter looks for some of this too, but a comment silences it. Here an exception stands in a table with
its reason, or there is none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
PACKAGES = ("adapters", "gateway", "inbox", "outbox", "signing", "xsd")
MODULES = sorted(file for package in PACKAGES for file in (HOME / package).rglob("*.py"))
TEMPLATES = sorted(
    file
    for package in PACKAGES
    for pattern in ("*.html", "*.txt")
    for file in (HOME / package).rglob(pattern)
    if "templates" in file.parts
)

NEVER_IMPORTED = frozenset(
    {
        "cPickle", "cloudpickle", "code", "codeop", "commands", "dill", "dumbdbm", "ftplib", "imaplib",
        "jsonpickle", "marshal", "nntplib", "pickle", "poplib", "pty", "shelve", "smtplib", "telnetlib",
        "xml", "xmlrpc",
    }
)  # fmt: skip
"""What makes objects or commands of bytes, a second XML parser, and protocols without protection."""

NEVER_CALLED = frozenset(
    {
        "eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "input",
        "os.system", "os.popen", "os.execl", "os.execle", "os.execlp", "os.execv", "os.execve", "os.execvp",
        "os.spawnl", "os.spawnv", "os.spawnvp", "os.posix_spawn", "os.posix_spawnp",
        "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
        "tempfile.mktemp", "random.seed", "random.Random", "random.random", "random.choice",
        "random.randint", "random.randbytes", "random.getrandbits",
        "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader",
        "yaml.UnsafeLoader", "yaml.FullLoader", "yaml.CLoader", "yaml.CFullLoader", "yaml.CUnsafeLoader",
        "etree.parse", "etree.iterparse", "etree.XML", "etree.HTML", "etree.XSLT", "etree.XInclude",
        "etree.HTMLParser", "etree.ETCompatXMLParser", "etree.set_default_parser", "etree.Resolver",
        "ssl._create_unverified_context", "ssl.wrap_socket", "hashlib.md5", "hashlib.sha1",
        "sys.setrecursionlimit", "sys.set_int_max_str_digits", "extractall",
        "shutil.unpack_archive", "tarfile.open",
    }
)  # fmt: skip

MAY: Mapping[tuple[str, str], str] = {
    ("adapters/demo.py", "etree.parse"): "the demo shows answers of our own gateway, which it has verified",
}
"""Module and call, and why it may."""

PROGRAMS = {
    "adapters/booth/__init__.py": "the booth, which is our own module",
    "adapters/scans.py": "the decoder of pictures, which is our own script",
    "adapters/conformance.py": "the program of a sender that they ask us to try, on their own machine",
    "adapters/demo.py": "our own command",
    "adapters/shadow/__init__.py": "the process of a shadow run, which is our own module",
    "adapters/dumping.py": "PostgreSQL's own pg_dump and pg_restore",
}
"""Who starts programs, and which."""

BUILT_LATER = {
    "adapters/bank/read.py": "of three messages that a pattern allows",
    "adapters/cli/__init__.py": "the list of our own commands",
    "adapters/database/dialects/__init__.py": "sqlite or postgresql",
    "gateway/client/__init__.py": "the table of its own names",
    "gateway/client/exchange.py": "https or sftp",
}
"""Who imports a module whose name is put together, and of what."""

READS_XML = {
    "adapters/bank/read.py": "schemas of the package",
    "adapters/bank/write.py": "orders that we wrote ourselves, and schemas of the package",
    "adapters/portal/checking.py": "simulation results that we wrote ourselves",
    "adapters/portal/editing.py": "returns that we wrote ourselves",
    "adapters/portal/following.py": "acknowledgements that we wrote ourselves",
    "adapters/trusted_list.py": "a trusted list, by the operator's command",
    "gateway/wire.py": "documents that we wrote ourselves",
    "signing/parse.py": "what comes from outside: the one parser",
    "xsd/schema.py": "schemas of the package",
}
"""Who builds a tree of XML, and of what: everything of senders goes through `signing.parse`."""


def name_of(node: ast.expr) -> str:
    """A dotted name as it is written; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = name_of(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return ""


def faults(source: str, module: str = "") -> Iterator[str]:
    """What a module does that none may do.

    Args:
        module: its path from the root of the project, for the tables above.
    """
    for node in ast.walk(ast.parse(source)):
        yield from _imports(node)
        if isinstance(node, ast.Call):
            yield from _calls(node, module)
        elif isinstance(node, ast.Attribute) and name_of(node) in ("ssl.CERT_NONE", "yaml.UnsafeLoader"):
            yield name_of(node)


def _imports(node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        dotted = [f"{(node.module or '').rpartition('.')[2]}.{alias.name}" for alias in node.names]
        yield from (f"from {name}" for name in dotted if name in NEVER_CALLED)
    yield from (f"import {name}" for name in names if name.partition(".")[0] in NEVER_IMPORTED)


def _calls(node: ast.Call, module: str) -> Iterator[str]:
    name = ".".join(name_of(node.func).split(".")[-2:])
    if (name in NEVER_CALLED or name.endswith(".extractall")) and (module, name) not in MAY:
        yield name
    if name.startswith("subprocess.") and module not in PROGRAMS:
        yield name
    if name.endswith("import_module") and not _is_fixed(node.args[0]) and module not in BUILT_LATER:
        yield f"{name} of a name that is put together"
    if name in ("etree.fromstring", "fromstring") and module not in READS_XML:
        yield name
    for keyword in node.keywords:
        yield from _keyword(name, keyword)
    if name == "etree.XMLParser":
        told = {one.arg: getattr(one.value, "value", None) for one in node.keywords}
        wanted = {"resolve_entities": False, "no_network": True, "load_dtd": False}
        yield from (
            f"{name} without {key}={value}" for key, value in wanted.items() if told.get(key) != value
        )


def _keyword(name: str, keyword: ast.keyword) -> Iterator[str]:
    said = keyword.arg, getattr(keyword.value, "value", None)
    forbidden = (("shell", True), ("verify", False), ("huge_tree", True), ("autoescape", False))
    if said in forbidden:
        yield f"{name} with {said[0]}={said[1]}"


def _is_fixed(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def path_of(file: Path) -> str:
    return file.relative_to(HOME).as_posix()


@pytest.mark.parametrize("file", MODULES, ids=path_of)
def test_sr_26_no_module_calls_what_is_forbidden(file: Path) -> None:
    assert list(faults(file.read_text(), path_of(file))) == []


@pytest.mark.parametrize("file", TEMPLATES, ids=path_of)
def test_sr_9_no_template_lets_text_through_unescaped(file: Path) -> None:
    assert re.search(r"\|\s*safe\b|autoescape\s+false", file.read_text()) is None


def test_the_walk_sees_the_whole_of_what_is_shipped() -> None:
    assert len(MODULES) > 300
    assert len(TEMPLATES) > 30


@pytest.mark.parametrize("table", [PROGRAMS, READS_XML])
def test_no_exception_outlives_its_reason(table: Mapping[str, str]) -> None:
    """A module that does it no longer leaves the table."""
    word = "subprocess" if table is PROGRAMS else "fromstring"
    assert [module for module in table if word not in (HOME / module).read_text()] == []
    assert all(table.values())


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import xml.etree.ElementTree as ET",
        "from xml.sax import parse",
        "from os import system\nsystem('ls')",
        "eval(text)",
        "exec(text)",
        "compile(text, 'x', 'exec')",
        "__import__(text)",
        "import os\nos.system(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import subprocess\nsubprocess.run(['ls'])",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.UnsafeLoader)",
        "from lxml import etree\netree.parse(file)",
        "from lxml import etree\netree.fromstring(text)",
        "from lxml import etree\netree.XMLParser()",
        "from lxml import etree\netree.XMLParser(resolve_entities=True, no_network=True, load_dtd=False)",
        "from lxml import etree\netree.XMLParser(no_network=True, load_dtd=False)",
        "from importlib import import_module\nimport_module(name)",
        "import tempfile\ntempfile.mktemp()",
        "import random\nrandom.choice(letters)",
        "import httpx2\nhttpx2.get(address, verify=False)",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
        "import zipfile\nzipfile.ZipFile(file).extractall(folder)",
        "import jinja2\njinja2.Environment(autoescape=False)",
        "import hashlib\nhashlib.md5(text)",
    ],
)
def test_each_of_them_is_seen(source: str) -> None:
    """The negative control: without a look at this form of it, this would be red."""
    assert list(faults(source, "adapters/somewhere.py"))


@pytest.mark.parametrize(
    "source",
    [
        "import yaml\nyaml.safe_load(text)",
        "import re\nre.compile(text)",
        "from importlib import import_module\nimport_module('adapters.hsm')",
        "evaluated = model.eval_all",
    ],
)
def test_what_only_looks_alike_is_let_through(source: str) -> None:
    assert list(faults(source, "adapters/somewhere.py")) == []
