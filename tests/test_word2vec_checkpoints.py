"""A training is never lost: true points, files under a checksum, checkpoints, and what is refused on the way back."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_emb.word2vec import Checkpoints, Progress, Word2Vec
from tf_emb.word2vec import progress as module
from tf_emb.word2vec.blocks import chunks
from tf_emb.word2vec.checkpoints import before, newest, write_checkpoint
from tf_emb.word2vec.memory import check_tables
from tf_emb.word2vec.state import State, load_state, save_state

WORDS = [f"w{i}" for i in range(30)]
TEXT = [list(np.random.default_rng(i).choice(WORDS, 12)) for i in range(60)]
FAST: dict[str, Any] = {"dim": 6, "window": 2, "min_count": 1, "sample": 0, "epochs": 3, "block": 8, "blocks": 4}


@pytest.fixture(autouse=True)
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a pass over TEXT into eight chunks."""
    monkeypatch.setattr(module, "chunk_size", lambda ids, options: 100)


@pytest.fixture(scope="module")
def stopped() -> Word2Vec:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "chunk_size", lambda ids, options: 100)
        return stopped_after(5)


@pytest.fixture(scope="module")
def points() -> list[list[np.ndarray]]:
    """Return the bits of the tables after every chunk of a training with one thread, from those at its start."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "chunk_size", lambda ids, options: 100)
        of = Word2Vec(**FAST)
        of.begin(TEXT)
        found = [bits(of)]
        of.resume(TEXT, [lambda at: found.append(bits(of))])
    return found


def is_at(points: list[list[np.ndarray]], state: State) -> bool:
    """Return whether the tables of a state are those after the chunks that it says are done."""
    held = [table.view(np.uint32) for table in state.tables]
    return not state.ahead and all(map(np.array_equal, held, points[state.done]))


def stopped_after(count: int, **options: Any) -> Word2Vec:
    seen: list[Progress] = []
    return Word2Vec(**{**FAST, **options}).fit(TEXT, [lambda at: seen.append(at) or len(seen) == count])


def bits(of: Word2Vec) -> list[np.ndarray]:
    return [table.numpy().view(np.uint32) for table in of.tables]


@pytest.mark.parametrize("target", [0, 9])
def test_ctrl_c_in_a_program_repeats_no_chunk(
    target: int, points: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes while a chunk is being trained, and Python raises it once the chunk's operations return."""
    train = chunks.BlockTrainer.train

    def interrupted(self: Any, ids: Any, chunk: Any, share: Any) -> Any:
        trained = train(self, ids, chunk, share)
        if chunk.number == target:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        return trained

    of = Word2Vec(**FAST)
    monkeypatch.setattr(chunks.BlockTrainer, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        of.fit(TEXT)
    monkeypatch.setattr(chunks.BlockTrainer, "train", train)
    of.save(tmp_path / "state")
    assert of.training.done == target + 1
    assert is_at(points, load_state(tmp_path / "state"))
    again = Word2Vec.load(tmp_path / "state").resume(TEXT)
    assert all(map(np.array_equal, bits(again), points[-1]))


def test_what_callbacks_see_with_several_threads_is_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks finish out of order; a checkpoint must repeat none that is finished, and leave out none that is not."""
    finished: set[int] = set()
    train = chunks.BlockTrainer.train

    def slow_at_times(self: Any, ids: Any, chunk: Any, share: Any) -> Any:
        time.sleep(0.02 if chunk.number % 5 == 0 else 0)
        return train(self, ids, chunk, share)

    monkeypatch.setattr(chunks.BlockTrainer, "train", slow_at_times)
    finish = module.Training._finish

    def noted(self: Any, of: Any) -> bool:
        finished.add(of.chunk.number)
        return finish(self, of)

    monkeypatch.setattr(module.Training, "_finish", noted)
    of, seen = Word2Vec(threads=3, **FAST), []

    def check(at: Progress) -> None:
        state = of.state()
        seen.append(set(range(state.done)) | state.ahead == finished)

    of.fit(TEXT, [check])
    assert seen == [True] * of.training.planned


def test_each_chunk_is_trained_once_although_threads_were_stopped_out_of_order(tmp_path: Path) -> None:
    of = stopped_after(7, threads=3)
    of.training.done, of.training.ahead = 2, {4, 5}
    of.save(tmp_path / "state")
    again, trained = Word2Vec.load(tmp_path / "state"), []
    train = chunks.BlockTrainer.train
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            chunks.BlockTrainer,
            "train",
            lambda self, ids, chunk, share: trained.append(chunk.number) or train(self, ids, chunk, share),
        )
        again.resume(TEXT)
    assert sorted(trained) == [2, 3, *range(6, again.training.planned)]


def test_what_is_read_while_another_thread_trains_is_a_true_point(points: Any) -> None:
    of = Word2Vec(**FAST)
    of.begin(TEXT)
    trainer = threading.Thread(target=of.resume, args=(TEXT,))
    trainer.start()
    states = []
    while trainer.is_alive():
        states.append(of.state())
        time.sleep(0.001)
    assert all(is_at(points, state) for state in states)


@pytest.mark.parametrize("damage", ["cut", "altered", "foreign", "empty", "longer"])
def test_a_torn_or_altered_file_is_refused_by_name_and_the_one_before_it_is_used(
    damage: str, stopped: Word2Vec, tmp_path: Path
) -> None:
    path = tmp_path / "v.bin.state"
    earlier = stopped_after(3).state()
    write_checkpoint(path, earlier)
    write_checkpoint(path, stopped.state())
    whole = path.read_bytes()
    draw = np.random.default_rng(0)
    for place in draw.integers(0, len(whole), 40).tolist() if damage in ("cut", "altered") else [0]:
        altered = whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        torn = {
            "cut": whole[:place],
            "altered": altered,
            "foreign": b"PK\3\4" * 9,
            "empty": b"",
            "longer": whole * 2,
        }
        path.write_bytes(torn[damage])
        with pytest.raises(ValueError, match=r"^`path` must be a saved training; got .*v\.bin\.state \("):
            Word2Vec.load(path)
        state, refused = newest(path)
        assert (state.done, len(refused)) == (3, 1)
        assert str(path) in refused[0]


def test_both_torn_is_an_error_that_names_both(stopped: Word2Vec, tmp_path: Path) -> None:
    for path in (tmp_path / "state", before(tmp_path / "state")):
        path.write_bytes(b"tf-emb training, format 3\n")
    with pytest.raises(ValueError, match=r"state .*state\.before "):
        newest(tmp_path / "state")
    with pytest.raises(FileNotFoundError):
        newest(tmp_path / "other")


def test_a_file_of_another_format_says_which(stopped: Word2Vec, tmp_path: Path) -> None:
    save_state(tmp_path / "state", stopped.state())
    written = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(written.replace(b"format 3", b"format 4", 1))
    with pytest.raises(ValueError, match="format 4, not 3"):
        load_state(tmp_path / "state")


def test_a_kill_between_the_two_renames_loses_nothing(stopped: Word2Vec, tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_checkpoint(path, stopped.state())
    path.rename(before(path))
    assert newest(path)[0].done == 5


def test_checkpoints_are_true_points_and_kept_two_at_a_time(
    points: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tf_emb.word2vec.checkpoints.SHARE", 0)
    of, path, true = Word2Vec(**FAST), tmp_path / "state", []
    with Checkpoints(of, path, every=1e-9) as checkpoints:

        def look(at: Progress) -> None:
            checkpoints.wait()
            true.append(is_at(points, load_state(path)))

        of.fit(TEXT, [checkpoints, look])
    assert true == [True] * of.training.planned
    assert sorted(tmp_path.iterdir()) == [path, before(path)]
    assert load_state(path).done - load_state(before(path)).done == 1


def test_a_checkpoint_waits_fifty_times_as_long_as_the_one_before_took(tmp_path: Path) -> None:
    of = Word2Vec(**FAST)
    checkpoints = Checkpoints(of, tmp_path / "state", every=1e-9)
    checkpoints._last_cost = 3600.0
    of.fit(TEXT, [checkpoints])
    assert (checkpoints.written, checkpoints.cost) == (0, 0)


def test_a_full_disk_is_reported_and_the_training_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    of = Word2Vec(**FAST)
    with Checkpoints(of, tmp_path / "none" / "state", every=1e-9, warn=said.append) as checkpoints:
        of.fit(TEXT, [checkpoints])
    assert of.training.finished == of.training.planned
    assert "No such file" in said[0]


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (TEXT[:30], "it had 720 words, and has 360"),
        (TEXT[::-1], "as many words, but others or in another order"),
        ([["w1", "autre", "w2", "w1"]], "it had 720 words, and has 4"),
    ],
)
def test_another_text_is_refused_on_the_way_back(stopped: Word2Vec, text: Any, how: str) -> None:
    with pytest.raises(ValueError, match=f"`corpus` must be the text that the training began with; .*{how}"):
        stopped.resume(text)
    assert stopped.training.done == 5


def test_another_held_out_text_is_refused_on_the_way_back(stopped: Word2Vec) -> None:
    with pytest.raises(ValueError, match="`held_out` must be the text that the training began with; there was none"):
        stopped.resume(TEXT, held_out=TEXT)


def test_tables_that_do_not_fit_are_refused_with_the_estimate() -> None:
    with pytest.raises(ValueError, match=r"100,000,000 words by `dim` = 100,000, .*: about 160 TB, and .* are"):
        check_tables(10**8, 10**5)
