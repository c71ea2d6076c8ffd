"""`python -m compare speed --subject word2vec`: that it measures what it says; never how fast anything is."""

import json
import statistics

import numpy as np
import pytest
from fake_word2vec_c import install
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench.word2vec import contenders, pairs, plan, rows, text, words
from compare.bench.word2vec.contenders import tutorial
from compare.bench.word2vec.task import Task
from compare.bench.word2vec.trainings import train
from compare.bench.word2vec.words_report import plot
from compare.bench.word2vec.worker import measured
from tf_emb.vectors import load_vectors

PEERS = ["gensim", "gensim-iterator", "word2vec.c", "torch"]


def invoke(*arguments):
    return CliRunner().invoke(app, ["speed", "--subject", "word2vec", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("speed")
    program, calls = install(out)
    options = ("--quick", "--rounds", 1, "--row", "CBOW", "--word2vec-c", program, "--slow-words", 1000)
    done = invoke(*options, "--out", out, "--json", out / "copy" / "speed.json")
    assert done.exit_code == 0, done.output
    return out, json.loads((out / "speed.json").read_text()), done.stdout, calls


@pytest.fixture(scope="module")
def lee(tmp_path_factory):
    return text.write(text.sentences(None), tmp_path_factory.mktemp("text") / "lee.txt", 3000)


def test_every_contender_is_measured(run):
    (row,) = run[1]["rows"]
    assert list(row["contenders"]) == ["tf_emb", *PEERS]
    for name, of in row["contenders"].items():
        assert of["raw_words"] == (1000 if name == "torch" else 20_000)
        assert len(of["words_per_second"]) == len(of["words_per_cpu_second"]) == 1
        assert of["words_per_second"][0] > 0
        assert row["ratios"].keys() == set(PEERS)


def test_the_program_is_asked_for_cbow(run):
    asked = json.loads(run[3].read_text().splitlines()[-1])
    assert (asked["cbow"], asked["hs"], asked["negative"], asked["threads"]) == ("1", "0", "5", "2")


def test_files_and_table(run):
    out, result, said, _ = run
    assert (out / "speed.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "copy" / "speed.json").read_text() == (out / "speed.json").read_text()
    table = said.partition("Reports:")[0]
    assert max(map(len, table.splitlines())) <= 100
    assert "…" not in table
    assert "  torch*" in table
    assert result["command"].startswith("python -m compare speed")


def turn(contender, seed, speed):
    return {"row": rows.ROWS[0].name, "seed": seed, "contender": contender, "words_per_second": speed, "version": "1",
            "words_per_cpu_second": speed, "raw_words": 10, "prepare_seconds": 1.0, "grown_mib": 1.0}  # fmt: skip


def test_figures_follow_from_the_rounds():
    turns = [turn("tf_emb", seed, speed) for seed, speed in enumerate((40.0, 90.0, 20.0, 7.0))]
    turns += [turn("gensim", seed, speed) for seed, speed in enumerate((10.0, 30.0, 10.0))]
    result = words.summary(turns)
    ((row,),) = (result["rows"],)
    assert row["contenders"]["tf_emb"]["median_words_per_second"] == statistics.median([40, 90, 20, 7])
    assert row["ratios"]["gensim"] == {"median": 3.0, "least": 2.0, "most": 4.0, "rounds": [4.0, 3.0, 2.0]}
    assert plot(result).axes


def test_rows_have_the_peers_that_can_train_them():
    quick = plan.Settings(**plan.QUICK)
    found = {row.name: words.timed(row, quick) for row in rows.ROWS}
    assert list(found.values()) == [
        ["gensim", "gensim-iterator", "torch", "tensorflow-tutorial"], ["gensim", "gensim-iterator", "torch"],
        ["gensim", "gensim-iterator"], ["torch"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("contender", "model", "loss"),
    [("torch", "skipgram", "negative-sampling"), ("torch", "cbow", "negative-sampling"),
     ("torch", "skipgram", "full-softmax"), ("tensorflow-tutorial", "skipgram", "negative-sampling"),
     ("gensim-iterator", "skipgram", "hierarchical-softmax")],
)  # fmt: skip
def test_peers_train_and_save(contender, model, loss, lee, tmp_path):
    import torch

    task = Task(contender=contender, text=str(lee.path), model=model, loss=loss, dim=8, words=2000, seed=1,
                max_vocab=50 if loss == "full-softmax" else None, threads=torch.get_num_threads())  # fmt: skip
    job = (tutorial.build if contender == "tensorflow-tutorial" else contenders.prepare)(task)
    job.save(tmp_path / "before.bin")
    said = measured(job)
    job.save(tmp_path / "after.bin")
    before, after = (load_vectors(tmp_path / f"{name}.bin") for name in ("before", "after"))
    assert before.index_to_key == after.index_to_key
    assert np.abs(after.vectors - before.vectors).max() > 1e-4
    assert said["raw_words"] == (3000 if contender.startswith("gensim") else 2000)
    assert said["words_per_second"] == pytest.approx(said["raw_words"] / said["seconds"])


def test_pairs_are_inside_their_windows_and_bags_hold_the_same_pairs(lee):
    task = Task(contender="torch", text=str(lee.path), window=3, words=2000)
    drawn = pairs.draw(task)
    assert drawn.words == 2000
    around, centers = pairs.bags(drawn, 3)
    vocab = len(drawn.vocabulary)
    per_bag = [(center, word) for center, bag in zip(centers, around, strict=True) for word in bag if word < vocab]
    assert per_bag == list(zip(drawn.centers, drawn.contexts, strict=True))
    assert len(per_bag) / len(centers) == pytest.approx(4, abs=0.3)  # window + 1 pairs a centre


@pytest.mark.parametrize(("contender", "loss"), [("gensim", "full-softmax"), ("torch", "hierarchical-softmax")])
def test_what_a_contender_cannot_do_is_refused(contender, loss, lee):
    with pytest.raises(ValueError, match=f"{contender} must be asked for what it has; got skipgram with {loss}"):
        contenders.prepare(Task(contender=contender, text=str(lee.path), loss=loss))


def test_a_training_that_breaks_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"^cakes ended, exit status 1: ValueError: a contender must be one of"):
        train(Task(contender="cakes", text="x"), tmp_path / "log")


def test_bad_input_is_refused(tmp_path):
    done = invoke("--row", "cakes", "--out", tmp_path)
    assert done.exit_code == 2
    assert "`--row` must be part of the name of a row" in done.stderr


def test_all_rows_are_followed_by_ours_alone(monkeypatch, tmp_path):
    """The rows and the parts have tests of their own; here, that one follows the other and both are kept."""
    asked = {}

    def extra(**given):
        asked.update(given)
        return {"quick": True, "seed": 0}

    monkeypatch.setattr(words, "run", lambda *of: of[-1]({"rows": [], "trainings": []}))
    monkeypatch.setattr(words, "print_report", lambda *_: None)
    monkeypatch.setattr(words, "write", lambda result, out: {"speed.json": replaced(out, result)})
    monkeypatch.setattr(words.word2vec, "extra", extra)
    done = invoke("--quick", "--rounds", 2, "--threads", 1, "--seed", 5, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert (asked["rounds"], asked["threads"], asked["quick"], asked["seed"]) == (2, 1, True, 5)
    assert json.loads((tmp_path / "speed.json").read_text())["alone"] == {"quick": True, "seed": 0}
    assert "these numbers mean nothing" in done.stdout


def replaced(out, result):
    path = out / "speed.json"
    path.write_text(json.dumps(result))
    return path
