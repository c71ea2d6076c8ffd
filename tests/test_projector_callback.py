"""Fresh vectors while a model trains: in `model.fit`, and in a loop of one's own."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from projector_sample import quiet

from tf_emb import Embedding, ExactTrainer, ProjectorCallback, Vocabulary, skipgram_draws
from tf_emb.projector import check_projection
from tf_emb.projector.align import fit_pca
from tf_emb.word2vec import Examples, example_loss, linear_rates, start_tables

LABELS = [f"w{i}" for i in range(12)]


def vectors(run: Path) -> np.ndarray:
    return np.fromfile(run / "tensor_0.bytes", "<f4").reshape(-1, 60)


def model_of(layer: Any) -> Any:
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    return model


class Recorder(keras.callbacks.Callback):
    """Keeps the layer's table at the end of each epoch."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer, self.tables = layer, list[np.ndarray]()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.tables.append(self.layer.get_weights()[0].copy())


@pytest.mark.parametrize("layer", [keras.layers.Embedding(12, 60), Embedding(12, 60)], ids=["keras", "tf_emb"])
def test_fit_logs_every_epoch_and_all_of_them_at_the_end(tmp_path: Path, layer: Any) -> None:
    ours = ProjectorCallback(layer, LABELS, 2, logdir=tmp_path, columns={"count": range(12)}, top=5, say=quiet)
    recorder = Recorder(layer)
    random = np.random.default_rng(0)
    model = model_of(layer)
    model.fit(
        random.integers(0, 12, (32, 3)), random.normal(size=(32, 1)), epochs=5, verbose=0, callbacks=[recorder, ours]
    )
    steps, together = ours.runs[:-1], ours.runs[-1]
    assert [run.name.split("-")[1] for run in steps] == ["step000002", "step000004", "step000005"]
    assert not np.array_equal(recorder.tables[1], recorder.tables[4])
    for run, epoch in zip([*steps, together], [2, 4, 5, 5], strict=True):
        np.testing.assert_array_equal(vectors(run), recorder.tables[epoch - 1][7:])  # the five most frequent
        assert (run / "metadata.tsv").read_text().splitlines()[1].startswith("w7\t7\t")
    states = json.loads((together / "bookmarks_0.json").read_text())
    basis = fit_pca(recorder.tables[4][7:])
    assert [state["label"] for state in states] == ["epoch 2", "epoch 4", "epoch 5"]
    for state, epoch in zip(states, [2, 4, 5], strict=True):
        points = np.array([[point["pca-0"], point["pca-1"]] for point in state["projections"]], np.float32)
        np.testing.assert_array_equal(points, basis.coordinates(recorder.tables[epoch - 1][7:])[:, :2])
    assert check_projection(tmp_path) == []


def test_a_loop_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentences = [["the", "cat", "sat", "on", "the", "mat"], ["the", "dog", "sat", "on", "the", "rug"]] * 10
    vocabulary = Vocabulary.build(sentences, min_count=1)
    start, output = start_tables(len(vocabulary), 60)
    layer = Embedding(*start.shape, weights=start)
    trainer = ExactTrainer([layer.embeddings, output], example_loss("negative-sampling"))
    ours = ProjectorCallback(layer, vocabulary.words, logdir=tmp_path, name="words")
    tables = []
    for epoch in range(2):
        draws = skipgram_draws(sentences, vocabulary, np.random.default_rng(epoch), sample=0)
        trainer.train(Examples.skipgram(draws), linear_rates(draws.progress))
        tables.append(layer.get_weights()[0])
        ours.on_epoch_end(epoch)
    ours.on_train_end()
    assert len(ours.runs) == 3
    for run, table in zip(ours.runs, [*tables, tables[-1]], strict=True):
        np.testing.assert_array_equal(vectors(run), table)
    said = capsys.readouterr().out
    assert "Bookmarks, at the bottom right of the page: epoch 1, epoch 2." in said
    assert f"--logdir {tmp_path}" in said


def test_many_epochs_are_thinned_and_the_last_is_kept(tmp_path: Path) -> None:
    layer = keras.layers.Embedding(12, 60)
    layer.build(None)
    ours = ProjectorCallback(layer, LABELS, logdir=tmp_path, views=(), say=quiet)
    for epoch in range(23):
        ours.on_epoch_end(epoch)
    ours.on_train_end()
    labels = [state["label"] for state in json.loads((ours.runs[-1] / "bookmarks_0.json").read_text())]
    assert labels == [f"epoch {epoch}" for epoch in [*range(2, 21, 2), 21, 22, 23]]


def test_what_is_wrong_is_said_before_training() -> None:
    with pytest.raises(ValueError, match="`every` must be 1 or more; got 0"):
        ProjectorCallback(keras.layers.Embedding(2, 2), ["a", "b"], 0)
    with pytest.raises(ValueError, match="`views` must be of"):
        ProjectorCallback(keras.layers.Embedding(2, 2), ["a", "b"], views=("pcb",))
