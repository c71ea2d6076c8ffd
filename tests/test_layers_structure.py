"""How the code of layers is laid out: the way from a call to the gather, and what signatures say."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import tf_emb
from tf_emb.layers import Embedding

HOME = Path(tf_emb.__file__).parent
ROOMS = ("ops", "layers", "optimizers")


def files_entered(function: Callable[[], object]) -> set[str]:
    """Files of tf_emb whose functions run while `function` does."""
    seen: set[str] = set()
    sys.setprofile(lambda frame, event, _: seen.add(frame.f_code.co_filename) if event == "call" else None)
    try:
        function()
    finally:
        sys.setprofile(None)
    return {str(Path(name).relative_to(HOME)) for name in seen if Path(name).is_relative_to(HOME)}


def frames_to(function: str, call: Callable[[], object]) -> list[list[str]]:
    """For every call of `tf.<function>`: the functions of tf_emb that are on the stack, outermost first."""
    stacks, real = [], getattr(tf, function)

    def spy(*args: object, **kwargs: object) -> object:
        frame, stack = sys._getframe(1), []
        while frame is not None:
            if Path(frame.f_code.co_filename).is_relative_to(HOME):
                stack.append(frame.f_code.co_name)
            frame = frame.f_back
        stacks.append(stack[::-1])
        return real(*args, **kwargs)

    with mock.patch.object(tf, function, spy):
        call()
    return stacks


OPTIONS = [
    {},
    {"padding_idx": 1, "out_of_range": "nan"},
    {"out_of_range": 3, "sparse": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options) or "plain")
def test_a_call_goes_through_five_files_and_where_it_may_leave_nan_two_more(options: dict) -> None:
    layer, ids = Embedding(7, 2, **options), np.array([[1, 4, 1]])
    layer.build()
    way = {"layers/embedding.py", "layers/id_inputs.py", "layers/given.py", "ops/gather.py", "ops/ids.py"}
    more = {"ops/gradient.py", "ops/shield.py"} if options.get("out_of_range") == "nan" else set()
    assert files_entered(lambda: layer(ids)) == way | more


def test_a_call_reaches_the_table_in_five_functions() -> None:
    layer = Embedding(7, 2)
    layer.build()
    way = ["__call__", "call", "_rows", "lookup", "_rows"]
    assert frames_to("gather", lambda: layer(np.array([4, 1, 4]))) == [way]


def parameters(path: Path) -> Iterator[tuple[str, str]]:
    """Every annotated parameter of a file's functions but *args and **kwargs, which go on to Keras."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                if argument.annotation is not None:
                    name = f"{path.name}:{argument.lineno} {node.name}({argument.arg})"
                    yield name, ast.unparse(argument.annotation)


def test_signatures_say_what_a_tensor_holds() -> None:
    paths = [path for room in ROOMS for path in sorted((HOME / room).glob("*.py")) if path.name != "types.py"]
    typed = [pair for path in paths for pair in parameters(path)]
    untyped = [name for name, annotation in typed if "Any" in annotation.replace("[", " ").replace("]", " ").split()]
    assert len(typed) > 250
    # convert.py reads what other libraries made; the rest says shape and dtype.
    assert [name for name in untyped if not name.startswith("convert.py")] == []
    assert len(untyped) <= 3
