"""`check_projection`: each way in which the page shows something wrong is said in words."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from projector_sample import log, quiet, table

from tf_emb.projector import check_projection, log_epochs, log_side_by_side

WORDS = [f"w{i}" for i in range(120)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in which everything is used and nothing is wrong."""
    kinds = [f"k{i % 5}" for i in range(120)]
    return log(
        tmp_path,
        table(120, 60),
        WORDS,
        columns={"kind": kinds, "count": range(120)},
        sprites=np.zeros((120, 8, 8)),
        views={"flat": table(120, 2), "deep": table(120, 3)},
    )


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def bookmark(key: str, value: object) -> Callable[[Path], None]:
    """Return what sets a key of the first bookmark; None removes it."""

    def change(run: Path) -> None:
        first, *rest = json.loads((run / "bookmarks_0.json").read_text())
        first.pop(key, None)
        (run / "bookmarks_0.json").write_text(json.dumps([first | ({} if value is None else {key: value}), *rest]))

    return change


def config(old: str, new: str) -> Callable[[Path], None]:
    return lambda run: edited(run / "projector_config.pbtxt", old, new)


def rows(old: str, new: str) -> Callable[[Path], None]:
    return lambda run: edited(run / "metadata.tsv", old, new)


def tensor(values: np.ndarray) -> Callable[[Path], None]:
    def write(run: Path) -> None:
        edited(run / "projector_config.pbtxt", "tensor_shape: 60", f"tensor_shape: {values.shape[1]}")
        edited(run / "projector_config.pbtxt", "tensor_shape: 120", f"tensor_shape: {len(values)}")
        values.astype("<f4").tofile(run / "tensor_0.bytes")

    return write


def with_nan() -> np.ndarray:
    values = table(120, 60)
    values[7, 3] = np.nan
    return values


def large_sheet(run: Path) -> None:
    from PIL import Image

    Image.new("L", (8200, 16)).save(run / "sprite_0.png")


TWICE = 'embeddings {\n  tensor_name: "embedding"\n  tensor_path: "tensor_0.bytes"\n  tensor_shape: 120\n  tensor_shape: 60\n}\n'  # noqa: E501

FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "text as raw": (tensor(np.full((120, 60), 2.0)), "TensorBoard answers with an error"),
    "outside": (config("tensor_0.bytes", "../tensor_0.bytes"), "resolves outside the config directory"),
    "no event": (lambda run: next(run.glob("*tfevents*")).unlink(), "holds no event file"),
    "no config text": (lambda run: (run / "projector_config.pbtxt").write_text("nonsense {"), "answers with an error"),
    "no tensor": (lambda run: (run / "projector_config.pbtxt").write_text(""), "Unknown run"),
    "unsafe name": (config('tensor_name: "embedding"', 'tensor_name: "a#b"'), "hangs on a name"),
    "same names": (lambda run: edited(run / "projector_config.pbtxt", "embeddings {", TWICE + "embeddings {"),
                   "2 tensors are called 'embedding'"),
    "short": (lambda run: (run / "tensor_0.bytes").write_bytes((run / "tensor_0.bytes").read_bytes()[:-240]),
              "answers with an error"),
    "NaN": (tensor(with_nan()), "1 rows hold NaN or Inf, the first is row 7"),
    "flat": (tensor(table(120, 2)), "shows nothing below 3"),
    "lengths": (tensor(table(120, 8)), "the page does not normalise"),
    "rows": (tensor(table(100_001, 3)), "shows the first 100000"),
    "no metadata": (config('  metadata_path: "metadata.tsv"\n', ""), "points have no labels"),
    "metadata gone": (lambda run: (run / "metadata.tsv").unlink(), "metadata cannot be read"),
    "no newline": (lambda run: (run / "metadata.tsv").write_text((run / "metadata.tsv").read_text()[:-1]), "newline"),
    "one column": (lambda run: (run / "metadata.tsv").write_text("\n".join(WORDS) + "\n"), "has one column"),
    "blank label": (rows("\nw3\t", "\n\t"), "column 'label' is empty in 1 rows, the first is row 3"),
    "number as text": (rows("\nw3\t", "\n007\t"), "turns '007' into a number"),
    "tab": (rows("\nw3\t", "\nw\t3\t"), "row 3 of its metadata has 6 cells for 5 columns"),
    "line": (rows("\nw3\t", "\nw\n3\t"), "121 rows for 120 vectors"),
    "many kinds": (lambda run: (run / "metadata.tsv").write_text(
        "label\tkind\n" + "".join(f"{word}\tk{i % 55}\n" for i, word in enumerate(WORDS))),
        "column 'kind' has 55 categories"),
    "large sprites": (large_sheet, "8200 x 16 pixels; the page refuses more than 8192"),
    "few sprites": (config("single_image_dim: 24", "single_image_dim: 240"), "there is room for 1 pictures"),
    "no sprites": (lambda run: (run / "sprite_0.png").unlink(), "pictures cannot be read"),
    "drifting": (bookmark("selectedProjection", "tsne"), "bookmark 'flat' is a t-SNE, which the page resumes"),
    "lacking": (bookmark("customYUpText", None), "bookmark 'flat' lacks customYUpText"),
    "emptying": (bookmark("shuffledDataIndices", []), "after which all views are empty"),
    "few points": (bookmark("projections", []), "has coordinates of 0 rows; the tensor has 120"),
    "NaN in JSON": (bookmark("tSNEPerplexity", float("nan")), "NaN is no JSON"),
}  # fmt: skip


def test_what_we_write_is_right(run: Path) -> None:
    log_epochs(run.parent, {1: table(120, 60), 2: 2 * table(120, 60)}, WORDS, say=quiet)
    log_side_by_side(run.parent, {"a": table(120, 9), "b": table(120, 9) * 2}, WORDS, say=quiet)
    log(run.parent, np.full((5, 4), 2.0), ["007", "", "a\tb", "x\ny", "猫"])
    assert check_projection(run.parent) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_said(run: Path, name: str) -> None:
    spoil, said = FAULTS[name]
    spoil(run)
    problems = check_projection(run.parent)
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith(f"run {run.name}: ") for problem in problems)


def test_a_run_whose_name_hangs_the_page_is_said(run: Path) -> None:
    run.rename(run.with_name("a+b"))
    assert any("the page hangs on a name" in problem for problem in check_projection(run.parent))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="`logdir` must hold a run of the projector"):
            check_projection(path)


def test_torch_is_read_and_its_faults_are_said(tmp_path: Path) -> None:
    code = f"""import warnings; warnings.simplefilter("ignore")
import torch
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter({str(tmp_path / "run")!r})
writer.add_embedding(torch.arange(12.0).reshape(4, 3), ["007", "a", "b", "c"])
writer.close()"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    problems = "\n".join(check_projection(tmp_path))
    assert "its metadata has one column" in problems
