"""`python -m compare quality`: that it measures what it says, judges all alike, and that a bar can be missed."""

import json
import math
from itertools import chain

import numpy as np
import pytest
from fake_word2vec_c import install
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench import methods
from compare.bench.word2vec import bars, plan, rows, scores, text
from compare.bench.word2vec import subject as quality
from compare.bench.word2vec.plan import Settings
from compare.bench.word2vec.plot import plot
from compare.bench.word2vec.report import bars_table, last_line
from tf_emb.vectors import Vectors, save_vectors

MEASURES = [*bars.MARGINS, bars.SPEED]


def invoke(*arguments):
    return CliRunner().invoke(app, ["quality", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("quality")
    program, calls = install(out)
    done = invoke("--quick", "--row", "skip-gram negative", "--word2vec-c", program, "--out", out)
    assert done.exit_code == 0, done.output
    return out, json.loads((out / "quality.json").read_text()), done.stdout, calls


def test_both_sides_train_and_are_scored_on_the_same_words(run):
    _, result, _, _ = run
    trainings = result["trainings"]
    assert [of["contender"] for of in trainings] == ["tf_emb", "gensim", "word2vec.c"]
    for of in trainings:
        assert of["raw_words"] == result["text"]["words"] == 20_000
        assert list(of["scores"]) == list(bars.MARGINS)
        assert of["seconds"] > 0
        assert of["words_per_second"] == pytest.approx(20_000 / of["seconds"])
        assert of["words_per_cpu_second"] > 0


def test_bars_follow_from_trainings(run):
    _, result, said, _ = run
    assert [bar["measure"] for bar in result["bars"]] == MEASURES
    ours, theirs = result["trainings"][:2]
    for bar in result["bars"][:4]:
        assert bar["value"] == ours["scores"][bar["measure"]] - theirs["scores"][bar["measure"]]
    assert result["bars"][4]["value"] == ours["words_per_second"] / theirs["words_per_second"]
    held = sum(bar["held"] for bar in result["bars"])
    assert said.splitlines()[-1] == f"{held} of 5 bars held"
    assert said.count("✓ >=") == held
    assert said.count("✗ >=") == 5 - held


def test_files_and_table(run):
    out, _, said, _ = run
    assert (out / "quality.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "quality.svg").read_text()
    table = said.partition("Reports:")[0]
    assert max(map(len, table.splitlines())) <= 100
    assert "…" not in table
    assert "\x1b" not in said


def test_the_program_gets_its_flags(run):
    _, _, _, calls = run
    first, second = map(json.loads, calls.read_text().splitlines())
    assert first.keys() == {"train", "min-count", "debug", "save-vocab"}
    assert second["read-vocab"] == first["save-vocab"]
    assert second["train"] == first["train"]
    asked = {name: second[name] for name in second.keys() - {"train", "read-vocab", "output"}}
    assert asked == {"min-count": "5", "debug": "0", "size": "10", "window": "5", "sample": "0.001", "hs": "0",
                     "negative": "5", "threads": "2", "iter": "1", "cbow": "0", "binary": "1"}  # fmt: skip


def test_a_run_goes_on_without_repeating(run, tmp_path, monkeypatch):
    out, result, _, _ = run
    asked = []

    def measure(item, texts, settings, work):
        asked.append(item.key)
        return result["trainings"][1] | dict(zip(("row", "epochs", "seed", "contender"), item.key, strict=True))

    monkeypatch.setattr(quality, "measure", measure)
    options = ("--quick", "--row", "skip-gram negative", "--resume", out / "quality.json", "--out", tmp_path)
    assert invoke(*options).exit_code == 0
    assert asked == []
    assert invoke(*options, "--seeds", 2).exit_code == 0
    name = "skip-gram negative sampling"
    assert asked == [(name, 1, 1, "gensim"), (name, 1, 1, "tf_emb")]
    again = json.loads((tmp_path / "quality.json").read_text())
    assert again["trainings"][:3] == result["trainings"]
    assert again["bars"][0]["ours"][0] == result["bars"][0]["ours"][0]
    other = invoke(*options, "--dim", 11)
    assert other.exit_code == 2
    assert "`--resume` must go on with the same settings; that run had dim 10, not 11." in other.stderr


def test_a_run_that_is_stopped_keeps_what_it_has(run, tmp_path, monkeypatch):
    _, result, _, _ = run
    left = [result["trainings"][0]]

    def measure(item, texts, settings, work):
        if not left:
            raise KeyboardInterrupt
        return left.pop()

    monkeypatch.setattr(quality, "measure", measure)
    done = invoke("--quick", "--row", "skip-gram negative", "--out", tmp_path)
    assert done.exit_code == 130
    assert "0 of 0 bars held" in done.stdout
    assert "--resume" in done.stderr
    assert len(json.loads((tmp_path / "quality.json").read_text())["trainings"]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--row", "cakes"], "`--row` must be part of the name of a row; got 'cakes'."),
     (["--peer", "cakes"], "`--peer` must be one of"),
     (["--subject", "cakes"], "`--subject` must be one of word2vec, methods; got 'cakes'."),
     (["--corpus", "/nowhere"], "`--corpus` must be a readable file"),
     (["--word2vec-c", "/nowhere"], "`--word2vec-c` must be the program's file"),
     (["--resume", __file__], "`--resume` must be a quality.json of word2vec"),
     (["--subject", "methods", "--data", "cakes"], "`--data` must be NAME=PATH")],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(options, said, tmp_path):
    done = invoke("--quick", "--out", tmp_path, *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def planted(row, contender, seed, speed, **found):
    return {"row": row, "epochs": 1, "seed": seed, "contender": contender, "words_per_second": speed,
            "words_per_cpu_second": speed, "grown_mib": 1.0, "version": "1", "scores": found}  # fmt: skip


def sampled(ours, theirs, speeds=((100.0,), (20.0,))):
    """Trainings of skip-gram with negative sampling, a score a seed."""
    name = rows.ROWS[0].name
    return [planted(name, who, seed, speed, **{"analogies, 30k": 15.0, "WordSim-353": 0.5} | score)
            for who, side, took in (("tf_emb", ours, speeds[0]), ("gensim", theirs, speeds[1]))
            for seed, (score, speed) in enumerate(zip(side, took, strict=True))]  # fmt: skip


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
    name = rows.ROWS[3].name
    others = {scores.HELD_OUT: 7.1, scores.WITH_PRIOR: 7.0}
    of = [planted(name, "tf_emb", 0, 30.0, **{scores.HELD_OUT: ours}), planted(name, rows.SAMPLED, 0, 99.0, **others),
          planted(name, "torch", 0, 11.0)]  # fmt: skip
    likelihood, speed = bars.bars(of)
    assert (likelihood.theirs, likelihood.held) == ([7.0], held)
    assert (speed.peer, speed.held) == ("torch", False)
    result = {"bars": [bar.as_dict() for bar in (likelihood, speed)], "trainings": of}
    assert last_line(result) == f"{int(held)} of 2 bars held"
    assert bars_table(result["bars"])
    assert plot(result).axes


def test_every_contender_is_judged_by_the_same_call(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(quality, "train", lambda task, log: {"trained": (task.contender, task.vectors)})
    monkeypatch.setattr(quality, "scores", lambda *given: seen.append(given) or {"WordSim-353": 0.1})
    settings = Settings(words=500)
    texts = plan.Texts(settings, tmp_path)
    for item in plan.items(rows.ROWS[:1], lambda row: row.peers, [1], [0]):
        found = quality.measure(item, texts, settings, tmp_path)
        assert found["trained"] == (item.contender, str(tmp_path / "vectors.bin"))
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
    row = rows.ROWS[2]
    order = [item.contender for item in plan.items([row], lambda row: ("gensim",), [1], range(3))]
    assert order == ["tf_emb", "gensim", "gensim", "tf_emb", "tf_emb", "gensim"]


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


def test_methods_are_discovered_and_their_figures_judged(tmp_path, monkeypatch):
    (tmp_path / "judged.py").write_text(
        "from compare.bench.figure import Figure\n"
        "def measure(seeds, paths, quick):\n"
        "    yield Figure('planted', str(sorted(paths)), 'F1', [0.5 for _ in seeds], 'a peer', [0.6], margin=0.05)\n"
        "    yield Figure('planted', str(quick), 'perplexity', [9.0], 'a peer', [9.5], higher=False)\n"
    )
    monkeypatch.setattr(methods, "__path__", [str(tmp_path)])
    options = ("--subject", "methods", "--quick", "--seeds", 2, "--data", f"cora={tmp_path}")
    done = invoke(*options, "--out", tmp_path / "out", "--json", tmp_path / "copy.json")
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "copy.json").read_text())
    assert [(of["data"], len(of["ours"]), of["held"]) for of in result["figures"]] == [
        ("['cora']", 2, False),
        ("True", 1, True),
    ]
    assert done.stdout.splitlines()[-1] == "1 of 2 figures held"
    assert "✗ missed" in done.stdout
