"""The house rules that a machine can check: what lies where, how long things are, and which words are used."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from schemas import settings as settings_module
from schemas.settings import Settings

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("schemas", "streams", "sinks", "deploy")
DECISIONS: Final = ROOT / ".github" / "decisions"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TOP_LEVEL: Final = {
    "README.md",
    "deploy",
    "docker-compose.yml",
    "pyproject.toml",
    "schemas",
    "sinks",
    "streams",
    "tests",
}

FUNCTION_MAX, FUNCTION_LONG = 70, 40
MODULE_MAX, MODULE_LONG = 500, 300
README_WORDS_MAX: Final = 700

WORDS: Final = {
    "ack": "commit (Kafka), or acknowledge (an alert)",
    "acked": "committed",
    "allowlist": "explanation path",
    "blacklist": "say what it is",
    "subject": "data_subject: bare, it is a schema registry's or an authorization standard's",
    "watermark": "mark, which is a promise and not inferred",
    "whitelist": "explanation path",
}
UPSTREAM: Final = {"_filter_tps_with_pending_acks", "noack"}  # Faust's own names


class Function(NamedTuple):
    """Where a function is and how many lines it takes, decorators and docstring included."""

    place: str
    lines: int


def sources(*packages: str) -> list[Path]:
    """The Python files of these packages."""
    return [f for package in packages for f in sorted((ROOT / package).rglob("*.py")) if "__pycache__" not in f.parts]


def length(file: Path) -> int:
    """Lines of a file."""
    return len(file.read_text(encoding="utf-8").splitlines())


def functions(file: Path) -> Iterator[Function]:
    """Every function and method of a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield Function(f"{file.relative_to(ROOT)}:{first} {node.name}", (node.end_lineno or first) - first + 1)


def tracked() -> list[Path]:
    """The files in git; everything but hidden caches where there is no git."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, timeout=30)
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    return [f for f in ROOT.rglob("*") if f.is_file() and not set(f.relative_to(ROOT).parts) & {".venv", "__pycache__"}]


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of each tracked file that is one."""
    for file in tracked():
        try:
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


# --- what lies where


def test_the_top_level_is_the_fixed_one() -> None:
    """Nothing else is visible beside it; a licence may be."""
    visible = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")}
    assert visible - {"LICENSE"} == TOP_LEVEL


def test_nothing_that_a_machine_made_is_tracked() -> None:
    """Caches, builds and egg-info are not ours."""
    made = re.compile(r"__pycache__|\.egg-info|\.py[co]$|(^|/)(dist|build|target)/|\.sqlite3?$|\.log$")
    assert [str(f.relative_to(ROOT)) for f in tracked() if made.search(str(f.relative_to(ROOT)))] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    """One file each, four digits and a title, superseded and never taken away; the heading has the same number."""
    files = sorted(DECISIONS.glob("*.md"))
    assert [f.name[:5] for f in files] == [f"{n:04d}-" for n in range(1, len(files) + 1)]
    for file in files:
        assert re.fullmatch(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md", file.name), file.name
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(file.name[:4])}. "), file.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], file.name


def test_every_direct_dependency_has_a_line_of_reason() -> None:
    """Whoever adds one says why, and why not our own."""
    reasons = next(DECISIONS.glob("0001-*.md"), None)
    assert reasons is not None, "there is no ADR 1 that gives a reason for each dependency"
    extras = [d for extra in PROJECT["optional-dependencies"].values() for d in extra]
    names = {re.split(r"[\[<>=!~; ]", d)[0] for d in (*PROJECT["dependencies"], *extras)}
    known = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", reasons.read_text(encoding="utf-8")))
    assert names - known == set()


# --- how long things are


def test_no_function_is_too_long() -> None:
    """70 lines are refused."""
    assert [f for file in sources(*PACKAGES) for f in functions(file) if f.lines > FUNCTION_MAX] == []


def test_no_module_is_too_long() -> None:
    """500 lines are refused, of tests too: a list of promises may be long, but not without end."""
    lengths = {str(f.relative_to(ROOT)): length(f) for f in sources(*PACKAGES, "tests")}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_MAX} == {}


def test_what_is_long_is_said_aloud() -> None:
    """A warning, not a failure: one thought may need it."""
    files = sources(*PACKAGES)
    long = [f"{f.place}: {f.lines} lines" for file in files for f in functions(file) if f.lines > FUNCTION_LONG]
    long += [f"{f.relative_to(ROOT)}: {length(f)} lines" for f in files if length(f) > MODULE_LONG]
    assert files
    if long:
        warnings.warn("long: " + "; ".join(long), stacklevel=1)


def test_the_readme_can_be_read() -> None:
    """700 words, code and tables included."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= README_WORDS_MAX


# --- which words are used


def defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a file gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield 0, name


def words(name: str) -> list[str]:
    """`data_subject`, `DataSubject` and `DATA_SUBJECT` as data, subject."""
    return [w.lower() for part in name.split("_") for w in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", part)]


def wrong_words(name: str) -> list[str]:
    """The words of a name that mean something else here."""
    parts = words(name)
    pairs = pairwise(["", *parts])
    wrong = [word for before, word in pairs if word in WORDS and (before, word) != ("data", "subject")]
    wrong += ["allow_list"] if "allow_list" in name.lower() else []
    return [] if name in UPSTREAM else wrong


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("subject", ["subject"]),
        ("record_subject", ["subject"]),
        ("data_subject", []),
        ("DataSubject", []),
        ("SubjectLine", ["subject"]),
        ("ack", ["ack"]),
        ("last_acked_offset", ["acked"]),
        ("backoff", []),
        ("acknowledge", []),
        ("package", []),
        ("ALLOW_LIST", ["allow_list"]),
        ("noack", []),
    ],
)
def test_words_are_found_inside_names(name: str, wrong: list[str]) -> None:
    """Whole words only, however a name is put together."""
    assert wrong_words(name) == wrong


def test_one_word_has_one_meaning() -> None:
    """Conventions, section 2, in whatever we name."""
    wrong = [
        (f"{file.relative_to(ROOT)}:{line}", name, WORDS.get(word, "explanation path"))
        for file in sources(*PACKAGES, "tests")
        for line, name in defined(ast.parse(file.read_text(encoding="utf-8")))
        for word in wrong_words(name)
    ]
    assert wrong == []


def test_every_setting_has_its_words() -> None:
    """A docstring under each field: unit, bound and the reason for the default."""
    tree = ast.parse(Path(settings_module.__file__).read_text(encoding="utf-8"))
    [body] = [node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == Settings.__name__]
    told = {
        field.target.id: doc.value.value
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
    }
    assert set(told) == set(Settings.model_fields)
    assert [name for name, words in told.items() if not str(words).strip().endswith(".")] == []


def test_nobody_forgets_that_it_was_cancelled() -> None:
    """mode's sleep ends when its service is told to end, by the `wait_for` of Python 3.11, which then forgets that it
    was cancelled as well: whoever slept goes on, and is waited for. `asyncio.sleep` does not; `wait_for` itself is for
    the linter to find."""
    slept = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sources(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
        if getattr(node.value, "id", None) not in {"asyncio", "time"}
    ]
    assert slept == []


def test_every_client_of_kafka_says_who_it_is() -> None:
    """In one way: `**at(settings)`, or `**broker.arguments()`. One that gives an address of its own would come in the
    open, and a secured broker would not answer it."""
    made = [
        (f"{file.relative_to(ROOT)}:{node.lineno}", [k.arg for k in node.keywords])
        for file in sources("schemas", "streams", "sinks")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("AIOKafka")
    ]
    assert len(made) > 8
    assert [place for place, given in made if None not in given or "bootstrap_servers" in given] == []


# --- what must not be told

MACHINES: Final = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|[A-Z]:\\\\Users\\\\")
REGISTRIES: Final = re.compile(
    r"pypi\.org|pythonhosted\.org|repo1?\.maven|maven\.org|registry\.npmjs|docker\.io|ghcr\.io|quay\.io|gcr\.io|"
    r"(?:artifactory|nexus|jfrog)[.\w-]*\.\w+/|--(?:extra-)?index-url[ =]http",
    re.IGNORECASE,
)
ME: Final = str(Path(__file__).relative_to(ROOT))


def test_no_file_names_a_machine() -> None:
    """A path of one developer's machine works nowhere else, and tells who that is."""
    assert [(name, m.group()) for name, text in texts() if name != ME for m in MACHINES.finditer(text)] == []


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the business of whoever installs: many installations have a mirror."""
    assert [(name, m.group()) for name, text in texts() if name != ME for m in REGISTRIES.finditer(text)] == []
