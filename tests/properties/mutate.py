"""Mutation run over the pure zones: changes one thing in the code, and asks whether any test notices. By command only.

    python -m tests.properties.mutate --sample 60 --seed 7

Each mutant runs in a copy of the tree, in a process of its own with limits of time and memory. A survivor is a line
that nothing holds to what it says, or a change that means nothing; a person decides which.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

ROOT: Final = Path(__file__).parents[2]
ZONES: Final = ("streams/join", "streams/policy")
COPIED: Final = ("schemas", "streams", "sinks", "tests", "pyproject.toml")
TESTS: Final = (  # the quick ones first: most mutants end there
    "tests/unit/test_reconcile.py",
    "tests/unit/test_completeness.py",
    "tests/unit/test_knowledge.py",
    "tests/unit/test_open_accesses.py",
    "tests/unit/test_published_states.py",
    "tests/unit/test_stamp_and_register.py",
    "tests/unit/test_cuts.py",
    "tests/unit/test_explain.py",
    "tests/unit/test_judging_fast_path.py",
    "tests/unit/test_audit.py",
    "tests/properties/test_two_judges_agree.py",
    "tests/properties/test_settling.py",
)
LIMIT_SECONDS: Final = 180
LIMIT_BYTES: Final = 4 << 30  # a mutant may loop for ever, and collect what it finds

COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ANSWERS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Change(NamedTuple):
    """One attribute or element of the tree, and what to put there."""

    node: ast.AST
    what: str
    owner: Any
    key: Any
    new: Any


class Mutant(NamedTuple):
    """A file with one change."""

    file: str
    line: int
    what: str
    source: str


Fate = Literal["killed", "timed out", "survived"]


def changes(tree: ast.AST) -> Iterator[Change]:
    """Everything that can be changed, one at a time."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=ops):
                for at, op in enumerate(ops):
                    for other in COMPARED[type(op)]:
                        yield Change(node, f"{type(op).__name__} became {other.__name__}", ops, at, other())
            case ast.BoolOp(op=op):
                other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
                yield Change(node, f"{type(op).__name__} became {type(other_op).__name__}", node, "op", other_op)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield Change(node, "not was dropped", node, "operand", ast.UnaryOp(ast.Not(), operand))
            case ast.BinOp(op=ast.Add() | ast.Sub() as op):
                other_sign = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
                yield Change(node, f"{type(op).__name__} became {type(other_sign).__name__}", node, "op", other_sign)
            case ast.Constant(value=bool(value)):
                yield Change(node, f"{value} became {not value}", node, "value", not value)
            case ast.Constant(value=int(value)) if value < 1 << 20:
                yield Change(node, f"{value} became {value + 1}", node, "value", value + 1)
            case ast.Call(func=ast.Name(id=name)) if name in ANSWERS:
                yield Change(node, f"{name} became {ANSWERS[name]}", node.func, "id", ANSWERS[name])
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield Change(node, "returned None", node, "value", ast.Constant(None))
            case ast.Expr(value=ast.Call() as call):
                yield Change(node, f"{ast.unparse(call.func)}() was dropped", node, "value", ast.Constant(None))


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def mutants(file: Path) -> Iterator[Mutant]:
    """The file with each change of its own."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    name = str(file.relative_to(ROOT))
    for change in changes(tree):
        old = change.owner[change.key] if isinstance(change.owner, list) else getattr(change.owner, change.key)
        _put(change, change.new)
        source = ast.unparse(ast.fix_missing_locations(tree))
        _put(change, old)
        yield Mutant(name, getattr(change.node, "lineno", 0), change.what, source)


def _put(change: Change, value: Any) -> None:
    if isinstance(change.owner, list):
        change.owner[change.key] = value
    else:
        setattr(change.owner, change.key, value)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))


def tested(tree: Path) -> Fate:
    """Whether the tests of this copy notice anything."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *TESTS]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            check=False,
            capture_output=True,
            timeout=LIMIT_SECONDS,
            preexec_fn=_limit,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    return "survived" if done.returncode == 0 else "killed"


def fate(tree: Path, mutant: Mutant) -> Fate:
    """What becomes of a mutant; the copy is as it was afterwards."""
    file = tree / mutant.file
    original = file.read_text(encoding="utf-8")
    file.write_text(mutant.source, encoding="utf-8")
    try:
        return tested(tree)
    finally:
        file.write_text(original, encoding="utf-8")


def run(chosen: list[Mutant], tree: Path) -> list[Mutant]:
    """Try each; the survivors. Says how it goes."""
    survivors: list[Mutant] = []
    began = time.monotonic()
    for number, mutant in enumerate(chosen, 1):
        answer = fate(tree, mutant)
        if answer == "survived":
            survivors.append(mutant)
        took = time.monotonic() - began
        print(f"{number}/{len(chosen)} {answer}: {mutant.file}:{mutant.line}: {mutant.what} ({took:.0f} s)", flush=True)
    return survivors


def main() -> int:
    """Score and survivors; 1 when the tests fail without any mutation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=60, help="how many mutants to try (default 60)")
    parser.add_argument("--seed", type=int, default=7, help="which ones (default 7)")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    asked = parser.parse_args()
    files = [f for zone in ZONES for f in sorted((ROOT / zone).rglob("*.py")) if asked.only in str(f)]
    every = [mutant for file in files for mutant in mutants(file)]
    chosen = random.Random(asked.seed).sample(every, min(asked.sample, len(every)))
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, tree / name)
        if tested(tree) != "survived":
            print("the tests fail without any mutation")
            return 1
        survivors = run(chosen, tree)
    killed = len(chosen) - len(survivors)
    print(f"{killed} of {len(chosen)} killed ({100 * killed / max(1, len(chosen)):.0f} %), of {len(every)} there are")
    for mutant in survivors:
        print(f"survived: {mutant.file}:{mutant.line}: {mutant.what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
