"""`python -m compare bench word2vec`: that it measures what it says, judges all alike, and that a bar can be missed."""

import json
import math
import statistics
from itertools import chain

import numpy as np
import pytest
from fake_word2vec_c import install
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench.tables import Table
from compare.bench.word2vec import bars, command, plan, report, scores, text
from compare.bench.word2vec.plot import plot
from tf_emb.vectors import Vectors, save_vectors

MEASURES = [*bars.MARGINS, bars.SPEED]
PEERS = ["gensim", "gensim-iterator", "word2vec.c", "torch"]
NAME = "CBOW negative sampling"


def invoke(*arguments):
    return CliRunner().invoke(app, ["bench", "word2vec", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    program, calls = install(out)
    done = invoke(
        "--quick",
        "--row",
        "cbow",
        "--word2vec-c",
        program,
        "--slow-words",
        1000,
        "--out",
        out,
        "--json",
        out / "copy" / "word2vec.json",
    )
    assert done.exit_code == 0, done.output
    return out, json.loads((out / "word2vec.json").read_text()), done.stdout, calls


def test_all_train_and_are_scored_on_the_same_words(run):
    _, result, _, _ = run
    trainings = result["measured"]
    assert [of["contender"] for of in trainings] == ["tf_emb", *PEERS]
    for of in trainings:
        words = 1000 if of["contender"] == "torch" else 20_000
        assert of["raw_words"] == words <= result["settings"]["text_words"] == 20_000
        assert list(of["scores"]) == list(bars.MARGINS)
        assert of["seconds"] > 0
        assert of["words_per_second"] == pytest.approx(words / of["seconds"])
        assert of["words_per_cpu_second"] > 0


def test_bars_and_speeds_follow_from_the_same_trainings(run):
    _, result, said, _ = run
    assert [bar["measure"] for bar in result["bars"]] == MEASURES
    ours, theirs, *_ = result["measured"]
    for bar in result["bars"][:4]:
        assert bar["value"] == ours["scores"][bar["measure"]] - theirs["scores"][bar["measure"]]
    assert result["bars"][4]["value"] == ours["words_per_second"] / theirs["words_per_second"]
    held = sum(bar["held"] for bar in result["bars"])
    assert said.splitlines()[-1] == f"{held} of 5 bars held"
    assert said.count("✓ >=") == held
    assert said.count("✗ >=") == 5 - held
    (group,) = result["speeds"]
    assert (group["row"], group["epochs"], list(group["ratios"])) == (NAME, 1, PEERS)
    assert group["ratios"]["gensim"]["median"] == result["bars"][4]["value"]


def test_files_and_tables(run):
    out, _, said, _ = run
    assert (out / "word2vec.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "word2vec.svg").read_text()
    assert (out / "copy" / "word2vec.json").read_text() == (out / "word2vec.json").read_text()
    table = said.partition("Reports:")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert "\x1b" not in said
    assert "  torch*" in table


def test_the_program_gets_its_flags(run):
    _, _, _, calls = run
    first, second = map(json.loads, calls.read_text().splitlines())
    assert first.keys() == {"train", "min-count", "debug", "save-vocab"}
    assert second["read-vocab"] == first["save-vocab"]
    assert second["train"] == first["train"]
    asked = {name: second[name] for name in second.keys() - {"train", "read-vocab", "output"}}
    assert asked == {
        "min-count": "5",
        "debug": "0",
        "size": "10",
        "window": "5",
        "sample": "0.001",
        "hs": "0",
        "negative": "5",
        "threads": "2",
        "iter": "1",
        "cbow": "1",
        "binary": "1",
    }


def test_a_run_goes_on_without_repeating(run, tmp_path, monkeypatch):
    out, result, _, _ = run
    asked = []

    def measure(training, texts, settings, work):
        asked.append(training.key)
        return result["measured"][1] | {"seed": training.seed, "contender": training.contender}

    monkeypatch.setattr(command, "measure", measure)
    options = ("--quick", "--row", "cbow", "--slow-words", 1000, "--peer", "gensim", "--resume", out / "word2vec.json")
    assert invoke(*options, "--out", tmp_path / "same").exit_code == 0
    assert asked == []
    assert invoke(*options, "--seeds", 2, "--out", tmp_path).exit_code == 0
    assert asked == [f"{NAME}, 1 ep., seed 1: {name}" for name in ("gensim", "tf_emb")]
    again = json.loads((tmp_path / "word2vec.json").read_text())
    assert again["measured"][:5] == result["measured"]
    assert again["bars"][0]["ours"][0] == result["bars"][0]["ours"][0]
    other = invoke(*options, "--dim", 11)
    assert other.exit_code == 2
    assert "`--resume` must continue with the same settings; that run had dim 10, not 11." in other.stderr


def test_a_run_that_is_stopped_keeps_what_it_has(run, tmp_path, monkeypatch):
    left = [run[1]["measured"][0]]

    def measure(training, texts, settings, work):
        if not left:
            raise KeyboardInterrupt
        return left.pop()

    monkeypatch.setattr(command, "measure", measure)
    done = invoke("--quick", "--row", "cbow", "--out", tmp_path)
    assert done.exit_code == 130
    assert "0 of 0 bars held" in done.stdout
    assert "--resume" in done.stderr
    assert len(json.loads((tmp_path / "word2vec.json").read_text())["measured"]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--row", "cakes"], "`--row` must be part of the name of a row; got 'cakes'."),
     (["--peer", "cakes"], "`--peer` must be one of gensim, gensim-iterator, word2vec.c, torch, tensorflow-tutorial;"),
     (["--peer", "word2vec.c"], "`--peer word2vec.c` needs the program."),
     (["--corpus", "/nowhere"], "`--corpus` must be a readable file"),
     (["--word2vec-c", "/nowhere"], "`--word2vec-c` must be the file of the program"),
     (["--resume", __file__], "`--resume` must be a JSON report of `bench word2vec`")],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(options, said, tmp_path):
    done = invoke("--quick", "--out", tmp_path, *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_rows_have_the_peers_that_can_train_them():
    settings = plan.Settings(program="word2vec")
    found = {of.name: plan.peers(of, settings, ()) for of in plan.OBJECTIVES}
    assert list(found.values()) == [
        [*PEERS, "tensorflow-tutorial"],
        PEERS,
        ["gensim", "gensim-iterator", "word2vec.c"],
        ["torch", "tf_emb, negative sampling"],
    ]
    assert "word2vec.c" not in plan.peers(plan.OBJECTIVES[0], plan.Settings(), ())


@pytest.mark.parametrize(("asked", "others"), [(["gensim"], []), (["torch", "word2vec.c"], ["word2vec.c", "torch"])])
def test_peers_that_the_bars_need_always_train(asked, others):
    first, *_, last = plan.OBJECTIVES
    settings = plan.Settings(program="word2vec")
    assert plan.peers(first, settings, asked) == ["gensim", *others]
    assert plan.peers(last, settings, asked) == ["torch", "tf_emb, negative sampling"]


def test_figures_follow_from_the_rounds():
    name = plan.OBJECTIVES[0].name
    found = {"tf_emb": (40.0, 90.0, 20.0, 7.0), "gensim": (10.0, 30.0, 10.0), plan.SAMPLED: (1.0,)}
    trainings = [planted(name, who, seed, speed) for who, of in found.items() for seed, speed in enumerate(of)]
    (group,) = bars.speeds(trainings)
    assert group["contenders"]["tf_emb"]["median_words_per_second"] == statistics.median([40, 90, 20, 7])
    assert group["ratios"] == {"gensim": {"median": 3.0, "least": 2.0, "most": 4.0, "rounds": [4.0, 3.0, 2.0]}}
    assert report.speeds_table([group])
    assert plot({"measured": trainings}).axes


def planted(row, contender, seed, speed, **found):
    return {
        "row": row,
        "epochs": 1,
        "seed": seed,
        "contender": contender,
        "words_per_second": speed,
        "words_per_cpu_second": speed,
        "grown_mib": 1.0,
        "raw_words": 10,
        "prepare_seconds": 1.0,
        "version": "1",
        "scores": found,
    }


def sampled(ours, theirs, speeds=((100.0,), (20.0,))):
    """Trainings of skip-gram with negative sampling, a score a seed."""
    name = plan.OBJECTIVES[0].name
    return [
        planted(name, who, seed, speed, **{"analogies, 30k": 15.0, "WordSim-353": 0.5} | score)
        for who, side, took in (("tf_emb", ours, speeds[0]), ("gensim", theirs, speeds[1]))
        for seed, (score, speed) in enumerate(zip(side, took, strict=True))
    ]


@pytest.mark.parametrize(
    ("measure", "ours", "theirs", "held"),
    [("analogies, 30k", 14.2, 15.1, True), ("analogies, 30k", 14.0, 15.1, False), ("analogies, 30k", 20.0, 15.1, True),
     ("WordSim-353", 0.495, 0.504, True), ("WordSim-353", 0.493, 0.504, False)],
)  # fmt: skip
def test_a_score_below_the_margin_misses(measure, ours, theirs, held):
    found = {bar.measure: bar for bar in bars.bars(sampled([{measure: ours}], [{measure: theirs}]))}
    assert found[measure].held is held
    assert found[measure].value == ours - theirs
    assert all(bar.held for name, bar in found.items() if name != measure)


@pytest.mark.parametrize(("theirs", "held"), [(24.9, True), (25.1, False)])
def test_a_speed_below_the_bar_misses(theirs, held):
    found = bars.bars(sampled([{}], [{}], speeds=((100.0,), (theirs,))))[-1]
    assert (found.measure, found.bar, found.held) == (bars.SPEED, 4.0, held)


def test_speed_is_the_ratio_of_medians_and_scores_are_means():
    ours, theirs = [{"WordSim-353": value} for value in (0.4, 0.5, 0.9)], [{"WordSim-353": 0.6}] * 3
    of = bars.bars(sampled(ours, theirs, speeds=((100.0, 200.0, 900.0), (50.0, 40.0, 10.0))))
    by_name = {bar.measure: bar for bar in of}
    assert by_name["WordSim-353"].value == pytest.approx(0)
    speed = by_name[bars.SPEED]
    assert (speed.value, speed.least, speed.most) == (5.0, 2.0, 90.0)


def test_seeds_that_one_side_lacks_do_not_count():
    of = sampled([{"WordSim-353": 0.5}, {"WordSim-353": 0.0}], [{"WordSim-353": 0.5}] * 2, speeds=((9.0,) * 2,) * 2)
    bar = next(bar for bar in bars.bars(of[:3]) if bar.measure == "WordSim-353")
    assert bar.ours == bar.theirs == [0.5]


@pytest.mark.parametrize(("ours", "held"), [(6.9, True), (7.05, False)])
def test_the_full_softmax_has_to_beat_the_better_reading_of_negative_sampling(ours, held):
    name = plan.OBJECTIVES[3].name
    others = {scores.HELD_OUT: 7.1, scores.WITH_PRIOR: 7.0}
    of = [planted(name, "tf_emb", 0, 30.0, **{scores.HELD_OUT: ours}),
          planted(name, plan.SAMPLED, 0, 99.0, **others), planted(name, "torch", 0, 11.0)]  # fmt: skip
    likelihood, speed = bars.bars(of)
    assert (likelihood.theirs, likelihood.held) == ([7.0], held)
    assert (speed.peer, speed.held) == ("torch", False)
    result = {"measured": of} | report.summary(of)
    assert report.last_line(result) == f"{int(held)} of 2 bars held"
    assert isinstance(report.bars_table(result["bars"]), Table)
    assert isinstance(report.scores_table(result), Table)
    assert plot(result).axes


def test_every_contender_is_judged_by_the_same_call(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        command, "call", lambda name, module, task, **_: {"trained": (task["contender"], task["vectors"])}
    )
    monkeypatch.setattr(command, "scores", lambda *given: seen.append(given) or {"WordSim-353": 0.1})
    settings = plan.Settings(words=500, program="word2vec")
    texts = plan.Texts(settings, tmp_path)
    for training in plan.trainings(plan.OBJECTIVES[:1], settings, (), [1], [0]).values():
        found = command.measure(training, texts, settings, tmp_path)
        assert found["trained"] == (training.contender, str(tmp_path / "vectors.bin"))
    assert seen == [(tmp_path / "vectors.bin",)] * 6


def test_a_score_does_not_depend_on_who_wrote_the_file(tmp_path):
    words = [
        "king",
        "queen",
        "man",
        "woman",
        "tiger",
        "cat",
        "computer",
        "keyboard",
        "old",
        "new",
        "smart",
        "intelligent",
        "car",
        "automobile",
    ]
    table = np.random.default_rng(1).normal(size=(len(words), 5)).astype(np.float32)
    save_vectors(tmp_path / "ours.bin", Vectors(words, table))
    Vectors(words, table).keyed().save_word2vec_format(str(tmp_path / "gensim.bin"), binary=True)
    ours, theirs = (scores.scores(tmp_path / f"{name}.bin") for name in ("ours", "gensim"))
    assert ours == theirs
    assert ours["WordSim-353"] is not None
    save_vectors(tmp_path / "other.bin", Vectors(words, table[::-1]))
    assert scores.scores(tmp_path / "other.bin") != ours


def test_tables_of_zeros_have_the_likelihood_of_guessing(tmp_path):
    train = text.write([["a"] * 9 + ["b"] * 8 + ["c"] * 7], tmp_path / "train.txt")
    held = text.write([["a", "b", "unknown", "c", "a"]], tmp_path / "held.txt")
    save_vectors(tmp_path / "v.bin", Vectors(["a", "b", "c"], np.zeros((3, 2))))
    np.save(tmp_path / "v.output.npy", np.zeros((3, 2), np.float32))
    asked = {"window": 2, "min_count": 5, "max_vocab": None}
    found = scores.likelihoods(tmp_path / "v.bin", train.path, held.path, asked, prior=True)
    assert found[scores.HELD_OUT] == pytest.approx(math.log(3))
    assert found[scores.WITH_PRIOR] != pytest.approx(math.log(3), abs=1e-3)


def test_contenders_take_turns():
    planned = plan.trainings([plan.OBJECTIVES[2]], plan.Settings(), ["gensim"], [1, 5], range(7, 10))
    order = [of.contender for of in planned.values()]
    assert order == ["tf_emb", "gensim", "gensim", "tf_emb", "tf_emb", "gensim"] * 2
    assert [(of.epochs, of.seed) for of in planned.values()][::2] == [(n, seed) for n in (1, 5) for seed in (7, 8, 9)]


def test_the_text_is_cut_into_lines_and_loses_nothing(tmp_path):
    words = [f"w{i}" for i in range(2500)]
    whole = text.write([words[:2300], [], words[2300:]], tmp_path / "whole.txt")
    lines = list(text.read(whole.path))
    assert [len(line) for line in lines] == [1000, 1000, 300, 200]
    assert list(chain(*lines)) == words
    assert whole.words == 2500
    head = text.write(text.read(whole.path), tmp_path / "head.txt", 1100)
    assert list(chain(*text.read(head.path))) == words[:1100]
    first, last = text.split(whole, 0.01, tmp_path)
    assert (first.words, last.words) == (2475, 25)
    assert list(chain(*text.read(first.path), *text.read(last.path))) == words
