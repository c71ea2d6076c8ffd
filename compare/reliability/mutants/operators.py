"""The errors that are planted: each changes one place of one file, and no line's number.

Text that is only read by people is left alone: docstrings, annotations, messages. So is what decides what a type
checker sees.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
COMPUTED: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
TOKEN = re.compile(rb"\bnot\s+in\b|\bis\s+not\b|\bis\b|\bin\b|\band\b|\bor\b|<<|>>|<=|>=|==|!=|\*\*|//|[-+*/%<>&|]")


@dataclass(frozen=True)
class Mutant:
    """One planted error: bytes `start` to `end` of a file become `after`.

    Attributes:
        path: the file, relative to the repository.
        line: where it is.
        start: first byte.
        end: the one after the last.
        before: what stands there.
        after: what comes there.
    """

    path: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def apply(self, source: bytes) -> bytes:
        """Return the file with the error in it."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} `{shown(self.before)}` to `{shown(self.after)}`"


def shown(code: str) -> str:
    """Return code in one short line."""
    line = " ".join(code.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def mutants(path: Path, root: Path) -> list[Mutant]:
    """Return every mutant of a file, in the order of its text."""
    source = path.read_bytes()
    found = set(_Finder(source, path.relative_to(root).as_posix()).of(ast.parse(source)))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.after))


class _Finder:
    def __init__(self, source: bytes, path: str) -> None:
        self.source, self.path = source, path
        lengths = [0, *(len(line) for line in source.splitlines(keepends=True))]
        self.starts = [sum(lengths[: index + 1]) for index in range(len(lengths))]

    def of(self, node: ast.AST) -> Iterator[Mutant]:
        """Yield the mutants of a node and of all below it."""
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            return
        if method := getattr(self, f"of_{type(node).__name__.lower()}", None):
            yield from method(node)
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "decorator_list", "type_params", "bases"):
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        yield from self.of(child)

    def of_compare(self, node: ast.Compare) -> Iterator[Mutant]:
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            for after in COMPARED[type(operator)]:
                yield from self.between(left, right, after)

    def of_binop(self, node: ast.BinOp) -> Iterator[Mutant]:
        texts = (ast.JoinedStr, ast.Tuple, ast.List)
        if any(isinstance(side, texts) or _is_text(side) for side in (node.left, node.right)):
            return  # joined text, which knows no other operation
        if type(node.op) in COMPUTED:
            yield from self.between(node.left, node.right, COMPUTED[type(node.op)])

    def of_augassign(self, node: ast.AugAssign) -> Iterator[Mutant]:
        if type(node.op) in COMPUTED and not isinstance(node.value, (ast.List, ast.Tuple, ast.JoinedStr)):
            yield from self.between(node.target, node.value, COMPUTED[type(node.op)])
        yield self.whole(node, "pass")

    def of_boolop(self, node: ast.BoolOp) -> Iterator[Mutant]:
        after = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from self.between(left, right, after)

    def of_unaryop(self, node: ast.UnaryOp) -> Iterator[Mutant]:
        if isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
            yield self.whole(node, self.text(node.operand))

    def of_if(self, node: ast.If | ast.IfExp | ast.While) -> Iterator[Mutant]:
        if not isinstance(node.test, (ast.Compare, ast.Constant)):
            yield self.whole(node.test, f"(not ({self.text(node.test)}))")

    of_ifexp = of_while = of_if

    def of_constant(self, node: ast.Constant) -> Iterator[Mutant]:
        if isinstance(node.value, bool):
            yield self.whole(node, str(not node.value))
        elif isinstance(node.value, int):
            yield self.whole(node, str(node.value + 1))
        elif isinstance(node.value, float):
            yield self.whole(node, repr(node.value + 1))

    def of_return(self, node: ast.Return) -> Iterator[Mutant]:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield self.whole(node, "return None")

    def of_raise(self, node: ast.Raise) -> Iterator[Mutant]:
        yield self.whole(node, "pass")

    def of_expr(self, node: ast.Expr) -> Iterator[Mutant]:
        if isinstance(node.value, ast.Call):
            yield self.whole(node, "pass")

    def of_assign(self, node: ast.Assign) -> Iterator[Mutant]:
        if all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            yield self.whole(node, "pass")

    def of_break(self, node: ast.Break) -> Iterator[Mutant]:
        yield self.whole(node, "continue")

    def of_continue(self, node: ast.Continue) -> Iterator[Mutant]:
        yield self.whole(node, "break")

    def between(self, left: ast.expr, right: ast.expr, after: str) -> Iterator[Mutant]:
        """Yield the mutant whose operator between two operands is another; parentheses and comments may stand there."""
        start, end = self.end(left), self.start(right)
        if token := TOKEN.search(self.source, start, end):
            yield self.change(token.start(), token.end(), after)

    def whole(self, node: ast.stmt | ast.expr, after: str) -> Mutant:
        """Return the mutant with something in the place of a node; lines that it took stay."""
        start, end = self.start(node), self.end(node)
        if isinstance(node, ast.stmt):
            after += "\n" * self.source.count(b"\n", start, end)
        return self.change(start, end, after)

    def change(self, start: int, end: int, after: str) -> Mutant:
        line = self.source.count(b"\n", 0, start) + 1
        return Mutant(self.path, line, start, end, self.source[start:end].decode(), after)

    def start(self, node: ast.stmt | ast.expr) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr) -> int:
        return self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def text(self, node: ast.expr) -> str:
        return self.source[self.start(node) : self.end(node)].decode()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
