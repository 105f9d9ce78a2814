"""Mutants of the pure zones: files with one thing changed, each of which some test ought to notice."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

ZONES: Final = ("streams/join", "streams/policy")

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
RECKONED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
PLAIN_TESTS: Final = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.NamedExpr)
"""What is tested as it is; comparisons and `not` have changes of their own."""
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
    code: str  # the line as it was, without the space around it
    what: str
    nth: int  # of the changes of this file that read the same, from 0
    source: str


def changes(tree: ast.AST) -> Iterator[Change]:
    """Everything that can be changed, one at a time."""
    left_alone = set(_idle(tree))
    for node in ast.walk(tree):
        match node:
            case _ if node in left_alone:
                continue
            case ast.Compare(ops=ops):
                for at, op in enumerate(ops):
                    for other in COMPARED[type(op)]:
                        yield Change(node, f"{type(op).__name__} became {other.__name__}", ops, at, other())
            case ast.BoolOp(op=op):
                other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
                yield Change(node, f"{type(op).__name__} became {type(other_op).__name__}", node, "op", other_op)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield Change(node, "not was dropped", node, "operand", ast.UnaryOp(ast.Not(), operand))
            case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in RECKONED:
                other_sign = RECKONED[type(op)]()
                yield Change(node, f"{type(op).__name__} became {type(other_sign).__name__}", node, "op", other_sign)
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if isinstance(test, PLAIN_TESTS):
                yield Change(test, "the test was negated", node, "test", ast.UnaryOp(ast.Not(), test))
            case ast.Constant(value=bool(value)):
                yield Change(node, f"{value} became {not value}", node, "value", not value)
            case ast.Constant(value=int(value)):
                yield Change(node, f"{value} became {value + 1}", node, "value", value + 1)
            case ast.Call(func=ast.Name(id=name)) if name in ANSWERS:
                yield Change(node, f"{name} became {ANSWERS[name]}", node.func, "id", ANSWERS[name])
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield Change(node, "returned None", node, "value", ast.Constant(None))
            case ast.Expr(value=ast.Call() as call):
                yield Change(node, f"{ast.unparse(call.func)}() was dropped", node, "value", ast.Constant(None))


def _idle(tree: ast.AST) -> Iterator[ast.AST]:
    """What nobody asks while it runs: types, and what only asserts that two columns are of one length."""
    for node in ast.walk(tree):
        types = (getattr(node, name, None) for name in ("annotation", "returns"))
        for kind in (one for one in types if isinstance(one, ast.AST)):
            yield from ast.walk(kind)
        if isinstance(node, ast.keyword) and node.arg == "strict":
            yield node.value


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def all_mutants(root: Path) -> list[Mutant]:
    """Every mutant of the pure zones of the tree at `root`."""
    files = [file for zone in ZONES for file in sorted((root / zone).rglob("*.py"))]
    return [mutant for file in files for mutant in mutants(root, file)]


def mutants(root: Path, file: Path) -> Iterator[Mutant]:
    """The file with each change of its own."""
    text = file.read_text(encoding="utf-8")
    tree, lines, name = ast.parse(text), text.splitlines(), str(file.relative_to(root))
    alike: Counter[tuple[str, str]] = Counter()
    for change in changes(tree):
        old = change.owner[change.key] if isinstance(change.owner, list) else getattr(change.owner, change.key)
        _put(change, change.new)
        source = ast.unparse(ast.fix_missing_locations(tree))
        _put(change, old)
        line = getattr(change.node, "lineno", 1)
        code = lines[line - 1].strip()
        yield Mutant(name, line, code, change.what, alike[code, change.what], source)
        alike[code, change.what] += 1


def _put(change: Change, value: Any) -> None:
    if isinstance(change.owner, list):
        change.owner[change.key] = value
    else:
        setattr(change.owner, change.key, value)
