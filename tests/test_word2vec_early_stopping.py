"""A held-out text during training: when it is measured, when it ends the training, and which tables are left."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from tf_emb.cli import app
from tf_emb.word2vec import EarlyStopping, Progress, Word2Vec, progress
from tf_emb.word2vec.blocks import chunks
from tf_emb.word2vec.blocks.chunks import Evaluator

RNG = np.random.default_rng(0)
TEXT = [[f"w{i}" for i in RNG.integers(0, 12, 20)] for _ in range(60)]
HELD_OUT = [[f"w{i}" for i in RNG.integers(0, 12, 20)] for _ in range(5)]
FAST = {"dim": 4, "blocks": 2, "block": 8, "sample": 0, "rate": 0.1, "min_count": 1}
ROOT = Path(__file__).parent.parent


def tables(of: Word2Vec) -> list[np.ndarray]:
    return [table.numpy() for table in of.tables]


def equal(some: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(some, other, strict=True))


class KerasModel:
    """As much of a model as Keras' callback uses; its weights are the epoch that they are of."""

    stop_training, weights = False, -1

    def get_weights(self) -> int:
        return self.weights

    def set_weights(self, weights: int) -> None:
        self.weights = weights


def by_keras(losses: Sequence[float], patience: int, min_delta: float) -> tuple[int, int]:
    """The epochs that Keras trains, and the one whose weights it restores."""
    model = KerasModel()
    rule = keras.callbacks.EarlyStopping("loss", min_delta, patience, mode="min", restore_best_weights=True)
    rule.set_model(model)
    rule.on_train_begin()
    epoch = -1
    while not model.stop_training and epoch + 1 < len(losses):
        epoch += 1
        model.weights = epoch
        rule.on_epoch_end(epoch, {"loss": losses[epoch]})
    rule.on_train_end()
    return epoch + 1, model.weights


def test_the_rule_is_that_of_keras() -> None:
    rng, ends = np.random.default_rng(0), set()
    for trial in range(500):
        losses = rng.integers(0, 8, 10) / 4  # ties, and steps of exactly min_delta
        losses[1:][rng.random(9) < 0.05] = np.nan  # not the first: Keras then takes nothing for better than it
        rule = EarlyStopping(patience=1 + trial % 3, min_delta=(0.0, 0.25, 0.4)[trial % 5 % 3])
        epochs = next((n for n in range(1, 11) if rule.over(losses[:n])), 10)
        assert (epochs, rule.best(losses[:epochs])) == by_keras(losses, rule.patience, rule.min_delta), losses
        ends.add(epochs)
    assert ends >= set(range(2, 11))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """Make the held-out losses what a test needs."""

    def script(losses: Sequence[float]) -> None:
        left = list(losses)
        monkeypatch.setattr(Evaluator, "loss", lambda self, ids: left.pop(0))

    return script


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Cut an epoch into four chunks."""
    monkeypatch.setattr(chunks, "CHUNK", 315)
    monkeypatch.setattr(progress, "chunk_size", lambda ids, options: 315)
    return 4


@pytest.mark.parametrize("restore", [True, False])
def test_it_stops_when_patience_ends_and_goes_back_to_the_best(scripted: Any, in_parts: int, restore: bool) -> None:
    scripted([3.0, 2.0, 2.5, 2.2])
    after: list[list[np.ndarray]] = []
    seen: list[Progress] = []
    of = Word2Vec(epochs=9, **FAST)

    def note(at: Progress) -> None:
        seen.append(at)
        if at.epoch_ends:
            after.append(tables(of))

    of.fit(TEXT, [note, EarlyStopping(patience=2, restore_best=restore)], held_out=HELD_OUT)
    assert of.held_out_losses == [3.0, 2.0, 2.5, 2.2]
    assert len(of.losses) == 4
    assert equal(tables(of), after[1 if restore else 3])
    assert not equal(after[1], after[3])
    assert [len(at.held_out_losses) for at in seen] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]
    assert [at.epoch_ends for at in seen] == [False, False, False, True] * 4
    if restore:
        left = tables(of)
        assert equal(tables(of.resume(TEXT)), left)  # what was left was for other tables


def test_it_restores_the_best_even_if_nothing_stopped_it(scripted: Any) -> None:
    scripted([2.0, 1.0, 3.0])
    after: list[list[np.ndarray]] = []
    of = Word2Vec(epochs=3, **FAST)
    of.fit(TEXT, [lambda at: after.append(tables(of)), EarlyStopping(patience=5)], held_out=HELD_OUT)
    assert equal(tables(of), after[1])
    assert not equal(after[1], after[2])


def test_measuring_does_not_change_the_training(in_parts: int) -> None:
    plain = Word2Vec(epochs=2, **FAST).fit(TEXT)
    measured = Word2Vec(epochs=2, **FAST).fit(TEXT, held_out=HELD_OUT)
    assert equal(tables(plain), tables(measured))
    assert plain.losses == measured.losses
    assert plain.held_out_losses == []
    assert measured.held_out_losses[-1] == measured.evaluate(HELD_OUT)


def test_no_thread_trains_while_the_text_is_measured(monkeypatch: pytest.MonkeyPatch, in_parts: int) -> None:
    """Without the barrier a thread takes the next epoch's first chunk while another one ends this epoch."""
    lock, running, trained, found = threading.Lock(), 0, 0, []
    train = chunks.BlockTrainer.train

    def counted(*args: Any) -> Any:
        nonlocal running, trained
        with lock:
            running += 1
        time.sleep(0.02)
        result = train(*args)
        with lock:
            running, trained = running - 1, trained + 1
        return result

    def measure(self: Evaluator, ids: np.ndarray) -> float:
        time.sleep(0.05)
        found.append((running, trained))
        return 1.0

    monkeypatch.setattr(chunks.BlockTrainer, "train", counted)
    monkeypatch.setattr(Evaluator, "loss", measure)
    of = Word2Vec(epochs=3, threads=3, **FAST).fit(TEXT, held_out=HELD_OUT)
    assert found == [(0, 4), (0, 8), (0, 12)]
    assert of.held_out_losses == [1.0] * 3


@pytest.mark.parametrize("chunks", [2, 4, 6, 9])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    scripted: Any, in_parts: int, chunks: int, tmp_path: Path
) -> None:
    """Stopped in the first epoch, at its end, in the second, and behind the best one, whose tables the file holds."""
    losses = [2.0, 1.0, 1.5, 1.2]
    scripted([*losses, *losses])
    whole = Word2Vec(epochs=9, **FAST).fit(TEXT, [EarlyStopping(patience=2)], held_out=HELD_OUT)
    seen: list[Progress] = []
    stopped = Word2Vec(epochs=9, **FAST)
    stopped.fit(TEXT, [EarlyStopping(2), lambda at: seen.append(at) or len(seen) == chunks], held_out=HELD_OUT)
    assert stopped.training.done == chunks
    if chunks == 9:
        assert not equal(tables(stopped), tables(whole))  # it was interrupted: its own tables, to go on from
    stopped.save(tmp_path / "state")
    again = Word2Vec.load(tmp_path / "state").resume(TEXT, [EarlyStopping(patience=2)], held_out=HELD_OUT)
    assert equal(tables(again), tables(whole))
    assert again.losses == whole.losses
    assert again.held_out_losses == losses


def test_early_stopping_without_a_text_or_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^`held_out` must be a text for EarlyStopping; got None\."):
        Word2Vec(epochs=1, **FAST).fit(TEXT, [EarlyStopping()])
    with pytest.raises(ValueError, match=r"^`patience` must be 1 or more; got 0\."):
        EarlyStopping(patience=0)
    with pytest.raises(ValueError, match=r"^`min_delta` must be 0 or more; got -1\."):
        EarlyStopping(min_delta=-1)


def test_the_command_stops_early_and_logs_the_loss(tmp_path: Path) -> None:
    """A held-out text of other pairs than the corpus: the better the corpus is learnt, the worse that fits."""
    (tmp_path / "text").write_text("a b a b a b a b\nc d c d c d c d\n" * 50)
    (tmp_path / "held").write_text("a c a c a c\nb d b d b d\n" * 20)
    told = "train text -o v.bin --held-out held --patience 1 --logdir log --dim 4 --window 1 --sample 0 --rate 0.2"
    command = [sys.executable, "-c", "from tf_emb.cli import main; main()", *told.split(), "--epochs", "50"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "held-out" in done.stderr
    epochs = int(done.stdout.split(" epochs;")[0].split()[-1])
    said = done.stdout.split("held-out loss ")[1].split()
    best, last = float(said[0]), float(said[3])
    assert 1 < epochs < 50
    assert best < last
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorflow import make_ndarray

    log = EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    values = [float(make_ndarray(event.tensor_proto)) for event in log.Tensors("held-out loss")]
    assert len(values) == epochs
    assert values[-1] == pytest.approx(last, abs=1e-3)
    assert min(values) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--patience", "2"], "`--patience` must come with `--held-out`; got 2 alone."),
        (["--mode", "exact", "--held-out", "text"], "`--held-out` must come with `--mode block`; got --mode exact."),
    ],
)
def test_options_of_the_command_that_do_not_go_together(options: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "text", "-o", str(tmp_path / "v.bin"), *options])
    assert result.exit_code == 2
    assert message in result.stderr
