"""What no other test asks for: each was found by an error that was planted and that nothing saw."""

import io
import logging
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from rich.text import Text

from tf_emb.corpus import prepare
from tf_emb.corpus.tokenizers import tokenizer
from tf_emb.layers import Embedding, bag_inputs
from tf_emb.layers.id_inputs import whole
from tf_emb.layers.renorm import EPSILON, shortened
from tf_emb.ops.gather import reads_distinct
from tf_emb.parity.report import plot, view
from tf_emb.parity.report.terminal import _pairs
from tf_emb.word2vec import Checkpoints, EarlyStopping, Progress, Word2Vec
from tf_emb.word2vec import checkpoints as module
from tf_emb.word2vec.progress import Training


def test_jieba_is_quiet() -> None:
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(logging.DEBUG)
    tokenizer("jieba")
    assert jieba.default_logger.level == logging.WARNING


@pytest.mark.parametrize("wrong", [-1e-9, float("nan")])
def test_an_improvement_is_no_loss(wrong: float) -> None:
    with pytest.raises(ValueError, match="`min_delta` must be 0 or more"):
        EarlyStopping(min_delta=wrong)


@pytest.mark.parametrize(
    ("parts", "done", "every_epoch", "stops"),
    [
        (3, 0, True, [3, 6]),
        (3, 2, True, [3, 6]),
        (3, 3, True, [6]),
        (1, 0, True, [1, 2]),
        (3, 0, False, [6]),
        (0, 0, True, [0]),
    ],
)
def test_threads_wait_at_the_ends_of_epochs_where_something_is_measured(
    parts: int, done: int, every_epoch: bool, stops: list[int]
) -> None:
    of: Any = SimpleNamespace(parts=list(range(parts)), planned=2 * parts, done=done)
    assert Training._stops(of, every_epoch) == stops


def progress(*, epoch_ends: bool) -> Progress:
    return Progress(0, 0.5, 1, 1.0, 1, 1, 1.0, 0.025, epoch_ends=epoch_ends)


def test_a_checkpoint_is_due_at_the_end_of_an_epoch_or_after_a_while(tmp_path: Path, monkeypatch: Any) -> None:
    begun: list[float] = []
    monkeypatch.setattr(Checkpoints, "_begin", lambda self: begun.append(time.monotonic()))
    monkeypatch.setattr(module, "FIRST", 3600)
    model: Any = None
    checkpoints = Checkpoints(model, tmp_path / "state", every=3600)
    checkpoints(progress(epoch_ends=False))
    assert len(begun) == 0
    checkpoints(progress(epoch_ends=True))
    assert len(begun) == 1
    checkpoints(progress(epoch_ends=False))
    assert len(begun) == 1
    monkeypatch.setattr(checkpoints, "_last", checkpoints._last - 7200)
    monkeypatch.setattr(checkpoints, "_began", checkpoints._began - 7200)
    checkpoints(progress(epoch_ends=False))
    assert len(begun) == 2
    assert np.isclose(checkpoints.cost, 0)


@pytest.mark.parametrize("compiled", [False, True])
def test_ids_that_became_floats_are_themselves_again_or_name_no_row(compiled: bool) -> None:
    floats = [0.0, 1.0, 4.0, 5.0, -1.0, 1e30, -1e30, np.inf, np.nan]
    known = [0, 1, 4] + [-1] * 6

    def back(ids: Any) -> Any:
        return whole(ids, 5, "nan")

    if compiled:  # where nothing can be raised, a fraction is refused as an unknown id is
        floats, known = [*floats, 2.5], [*known, -1]
        back = tf.function(back, jit_compile=True)
    else:
        floats, known = floats[:-1], known[:-1]
    found = back(tf.constant(floats))
    assert found.dtype == tf.int32
    np.testing.assert_array_equal(found, known)


def test_floats_hold_as_many_ids_as_they_have_bits() -> None:
    ids = tf.constant([0.0, 1.0], tf.float64)
    assert whole(ids, 2**31, "nan").dtype == tf.int32
    assert whole(ids, 2**31 + 1, "nan").dtype == tf.int64
    half = tf.constant([0.0, 2048.0], tf.float16)
    np.testing.assert_array_equal(whole(half, 2048, "nan"), [0, -1])
    with pytest.raises(TypeError, match=r"float16 holds ids up to 2047 of 0\.\.2048"):
        whole(half, 2049, "nan")


def test_a_table_plus_nothing_keeps_its_bits_and_plus_one_is_one_more() -> None:
    table = np.array([[-0.0, 1.0], [2.0, -0.0]], np.float32)
    layer = Embedding(2, 2, weights=table)
    layer.build()
    layer.enable_lora(1)
    np.testing.assert_array_equal(np.signbit(layer.matrix()), np.signbit(table))
    layer.lora_embeddings_a.assign([[1.0], [0.0]])
    layer.lora_embeddings_b.assign([[1.0, 1.0]])
    np.testing.assert_array_equal(layer.matrix(), table + np.float32([[1], [0]]))


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_rows_of_any_rank_are_shortened_to_their_norm(shape: tuple[int, ...], p: float) -> None:
    rows = np.random.default_rng(0).normal(size=shape) * 3
    norms = np.linalg.norm(rows, p, axis=-1, keepdims=True)
    expected = np.where(norms > 4, rows * 4 / (norms + EPSILON), rows)
    np.testing.assert_allclose(shortened(tf.constant(rows), 4.0, p), expected, rtol=1e-13)


def test_rows_are_read_once_where_tensorflow_can() -> None:
    layer = Embedding(3, 2)
    layer.build()
    assert reads_distinct(layer.embeddings)
    assert not reads_distinct(tf.zeros([3, 2]))


def test_a_layer_of_two_parts_stays_locked_when_they_are_joined() -> None:
    layer = Embedding(4, 2, trainable_rows=[1])
    layer.build()
    assert layer._tracker.locked
    layer._join()
    assert layer._tracker.locked
    assert not hasattr(layer, "_trained")


def test_a_maximum_over_bags_of_one_size_needs_no_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_inputs, "segment_max", None)  # which torch.compile cannot follow
    rows = tf.constant([[1.0, 5.0], [3.0, 2.0]])
    places = tf.constant([0, 1])
    one_each = bag_inputs.Bags(places, places, 2, None, width=1)
    np.testing.assert_array_equal(one_each.max(rows), rows)
    one = bag_inputs.Bags(places, tf.zeros_like(places), 1, None, width=2)
    np.testing.assert_array_equal(one.max(rows), [[3.0, 5.0]])


@pytest.mark.parametrize(("steps", "scale"), [([1, 2, 11], ["log"]), ([1, 3, 11], []), ([0, 1, 11], [])])
def test_steps_that_were_chosen_in_ratios_are_drawn_so(steps: list[int], scale: list[str]) -> None:
    axes, curve = MagicMock(), SimpleNamespace(steps=steps, errors={"numpy float32": [0.1, 0.2, 0.3]})
    plot._finish(axes, curve, 1e-9)  # type: ignore[arg-type]
    assert [call.args[0] for call in axes.set_xscale.call_args_list] == scale
    axes.set_ylim.assert_called_once_with(bottom=5e-10)
    axes.axhline.assert_not_called()


def test_labels_of_a_report_do_not_wrap() -> None:
    console = Console(width=30, record=True, file=io.StringIO())
    console.print(_pairs([(Text("a label of three"), Text("words " * 9))]))
    assert console.export_text().startswith("a label of three ")


def test_an_error_beside_that_of_numpy_is_told_where_it_is_known() -> None:
    row: Any = SimpleNamespace(rmse_ratio=None, dtype="float32")
    assert view._beside_numpy(row) == ""
    row.rmse_ratio = 2.0
    assert re.fullmatch(r", 2\S* times that of NumPy float32", view._beside_numpy(row))


@pytest.mark.parametrize("measured", [False, True])
def test_threads_wait_for_each_other_only_where_a_text_is_held_out(
    measured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    stops = Training._stops
    monkeypatch.setattr(Training, "_stops", lambda self, every: asked.append(every) or stops(self, every))
    corpus = prepare([["a", "b", "c"] * 20], min_count=1)
    Word2Vec(dim=2, epochs=1, min_count=1, sample=0).fit(corpus, held_out=corpus if measured else None)
    assert asked == [measured]
