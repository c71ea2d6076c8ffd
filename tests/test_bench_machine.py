"""`python -m compare bench machine`: that it measures and computes what it says; never how fast anything is."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from compare.bench.machine import checkpoints, command, corpora, needs, operations, roofline, scaling
from compare.bench.machine.corpora import MODELS, Trained
from tf_emb.word2vec import Options

ROOT = Path(__file__).parent.parent
TINY = {"window": 1, "block": 2, "blocks": 1, "shared_noise": 3, "dim": 5, "sample": 0}


@pytest.fixture(scope="module")
def operated(tmp_path_factory):
    """What the command measures and says: one part, in a process of its own."""
    out = tmp_path_factory.mktemp("bench")
    options = f"machine --quick --rounds 1 --only operations --out {out} --json {out / 'copy.json'}".split()
    done = subprocess.run(
        [sys.executable, "-m", "compare", "bench", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr
    assert (out / "copy.json").read_text() == (out / "machine.json").read_text()
    return json.loads((out / "machine.json").read_text()), done.stdout


@pytest.fixture(scope="module")
def whole(operated, tmp_path_factory):
    """All parts; the others in this process, which has TensorFlow already."""
    folder = tmp_path_factory.mktemp("corpus")
    corpora.save(corpora.read(None, True, 0), folder)
    parts = [{"part": "operations", "result": operated[0]["measured"][0]["result"]}]
    for part in (scaling, roofline, checkpoints):
        found = part.measure(corpora.load(folder), threads=1, rounds=2, quick=True, seed=0)
        parts.append(
            {"part": part.__name__.rpartition(".")[2], "result": json.loads(json.dumps(found, allow_nan=False))}
        )
    return operated[0] | {"measured": parts}


@pytest.fixture(scope="module")
def measured(whole):
    return {of["part"]: of["result"] for of in whole["measured"]}


def test_every_size_is_measured_in_every_round(measured):
    result = measured["scaling"]
    for name, sizes in (("lengths", scaling.QUICK_LENGTHS), ("vocabularies", scaling.QUICK_VOCABULARIES)):
        assert [row["size"] for row in result[name]] == list(sizes)
        assert all(len(row["seconds"]) == 2 and min(row["seconds"]) > 0 for row in result[name])
        assert result[name][0]["to_first"]["rounds"] == [1, 1]
    for row in result["lengths"]:
        assert row["words"] == pytest.approx(row["size"], rel=0.01)
        assert 0 < row["kept_words_per_second"] < row["raw_words_per_second"]


def test_the_parts_of_a_step_are_the_whole(measured):
    assert list(measured["operations"]["models"]) == list(MODELS)
    for of in measured["operations"]["models"].values():
        assert sum(group["share"] for group in of["groups"].values()) == pytest.approx(1, abs=0.01)
        for name in (
            "gathers",
            "matrix products",
            "scatter, segment sums",
            "sigmoid, log, elementwise",
            "random draws",
        ):
            assert of["groups"][name]["ns"] > 0


def test_every_model_has_a_roof(measured):
    result = measured["roofline"]
    assert all(result["peaks"][name] > 0 for name in ("flops", "copy", "rows"))
    assert list(result["models"]) == list(MODELS)
    for of in result["models"].values():
        assert 0 < of["flops"] < of["block_flops"]
        assert of["bound"] in ("products", "rows")
        assert of["share"] > 0


def test_tables_fit_eighty_columns(whole):
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        for part in command.tables(whole):
            console.print(part)
    said = console.export_text()
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    assert "numbers mean nothing" in said
    for row in (*operations.GROUPS, operations.BETWEEN, *MODELS, "random rows read"):
        assert row in said


def test_a_part_runs_in_a_process_of_its_own(operated):
    """One thread there, so the operations of a round cannot take longer than the round: none is counted twice."""
    result, said = operated
    assert [of["part"] for of in result["measured"]] == ["operations"]
    assert operations.BETWEEN in said
    for of in result["measured"][0]["result"]["models"].values():
        assert 0.2 * of["traced"] < sum(of["operations"].values()) < of["traced"]


def test_a_part_that_breaks_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"^operations ended with exit status 1: FileNotFoundError: .*ids\.npy"):
        command.measure("operations", tmp_path, threads=1, rounds=1, quick=True, seed=0)


def test_every_part_has_its_threads():
    assert list(command.planned(["roofline", "operations", "scaling"], 3).values()) == [
        ("scaling", 3),
        ("operations", 1),
        ("roofline", 1),
        ("roofline", 3),
    ]
    assert list(command.planned(["roofline"], 1)) == ["roofline, 1 thread"]
    with pytest.raises(
        ValueError, match=r"^`--only` must be one of scaling, operations, roofline, checkpoints; got 'cakes'\."
    ):
        command.planned(["cakes"], 2)


def test_checkpoints_are_written_in_their_turns_only(measured):
    result = measured["checkpoints"]
    assert len(result["cpu"]["rounds"]) == len(result["wall"]["rounds"]) == len(result["written"]) == 2
    assert result["held"] == (result["cpu"]["median"] <= 1.02)


def sized(*ratios):
    return [{"size": size, "to_first": {"median": of}} for size, of in enumerate(ratios)]


@pytest.mark.parametrize(
    ("ratios", "held", "worst"),
    [((1, 0.901, 1.05), True, 1), ((1, 0.95, 0.89), False, 2), ((1, 1.11, 0.95), False, 1), ((1, 1.099), True, 1)],
)
def test_lengths_may_differ_by_a_tenth(ratios, held, worst):
    assert scaling.length_verdict(sized(*ratios)) == {"held": held, "size": worst, "to_first": ratios[worst]}


@pytest.mark.parametrize(
    ("ratios", "held", "worst"),
    [((1, 0.6, 0.51), True, 2), ((1, 0.5), False, 1), ((1, 0.4, 0.9), False, 1), ((1, 2.0), True, 0)],
)
def test_vocabularies_may_cost_less_than_half(ratios, held, worst):
    assert scaling.vocabulary_verdict(sized(*ratios)) == {"held": held, "size": worst, "to_first": ratios[worst]}


def test_a_ratio_is_taken_within_a_round():
    turns = [{"words": 100, "kept": 50, "seconds": seconds} for seconds in (1, 4, 10)]
    row = scaling.described(7, turns, first=[50, 50, 50])
    assert row["to_first"] == {"median": 0.5, "least": 0.2, "most": 2, "rounds": [2, 0.5, 0.2]}
    assert (row["raw_words_per_second"], row["kept_words_per_second"]) == (25, 12.5)


def test_a_corpus_is_cut_and_repeated_with_its_counts():
    corpus = corpora.drawn(50, 3_000, seed=0)
    assert corpus.words == 3_000
    assert len(corpus.counts) == 50
    assert corpus.ids.max() < 50
    for words in (500, 3_000, 10_000):
        of = corpora.with_length(corpus, words)
        assert of.words == pytest.approx(words, rel=0.05)
        assert of.counts is corpus.counts
    longer = corpora.with_length(corpus, 10_000).ids
    np.testing.assert_array_equal(longer[len(corpus.ids) :][:100], corpus.ids[:100])
    halves = np.concatenate([np.zeros(1_000, np.int32), np.ones(1_000, np.int32)])
    cut = corpora.with_length(corpora.Corpus(halves, corpus.counts), 100).ids
    assert np.mean(cut[cut >= 0]) == pytest.approx(0.5, abs=0.1)  # from both halves alike


def test_every_turn_begins_at_the_start_values():
    corpus = corpora.drawn(20, 3_000, seed=0)
    trained = Trained(corpus, dim=4, sample=0)  # several steps: in the first, outputs are 0 and inputs stay
    trained.turn(corpus)
    first = trained.model.tables[0].numpy()
    trained.turn(corpus)
    np.testing.assert_array_equal(trained.model.tables[0].numpy(), first)
    trained.reset()
    assert not trained.model.tables[1].numpy().any()
    assert (trained.model.tables[0].numpy() != first).any()


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("ResourceGather", "gathers"), ("GatherV2", "gathers"), ("_MklBatchMatMulV2", "matrix products"),
        ("_FusedMatMul", "matrix products"), ("SparseMatrixMatMul", "sparse products"),
        ("SparseTensorToCSRSparseMatrix", "sparse products"), ("UniqueWithCounts", "unique"),
        ("ResourceScatterUpdate", "scatter, segment sums"), ("UnsortedSegmentSum", "scatter, segment sums"),
        ("Sigmoid", "sigmoid, log, elementwise"), ("LogicalAnd", "sigmoid, log, elementwise"),
        ("Mul", "sigmoid, log, elementwise"), ("Sum", "sigmoid, log, elementwise"),
        ("StatelessRandomUniformV2", "random draws"), ("StridedSliceGrad", "copies"), ("ConcatV2", "copies"),
        ("Where", "the rest"), ("NotKnownYet", "the rest"),
    ],
)  # fmt: skip
def test_types_have_their_groups(kind, group):
    assert operations.group(kind) == group


def test_an_operation_inside_another_is_counted_once():
    events = [(0, 100_000, "a/while:While"), (10_000, 30_000, "a/x:Mul"), (20_000, 5_000, "a/y:Sum"),
              (50_000, 20_000, "a/x:Mul"), (0, 100_000, "EagerLocalExecute: f"), (0, 9, "On::Record")]  # fmt: skip
    taken = operations.nanoseconds([operations.typed(events), [(0, 7_000, "Mul")]])
    assert taken == {"While": 50, "Mul": 52, "Sum": 5}


def test_what_no_operation_takes_lies_between_them():
    of = operations.shares(200.0, {"Mul": 50.0, "GatherV2": 30.0, "Sum": 10.0, "NotKnownYet": 10.0})
    assert of["groups"]["sigmoid, log, elementwise"] == {"ns": 60, "share": 0.3}
    assert of["groups"]["the rest"]["ns"] == 10
    assert of["groups"][operations.BETWEEN] == {"ns": 100, "share": 0.5}
    assert list(of["operations"]) == ["Mul", "GatherV2", "Sum", "NotKnownYet"]
    assert operations.medians([{"Mul": 1.0}, {"Mul": 3.0, "Sum": 5.0}, {"Mul": 2.0}]) == {"Mul": 2, "Sum": 0}


def product(rows, inner, columns):
    """Flops of a matrix product, and of the products that give the gradients of its two sides."""
    return 2 * rows * inner * columns, 2 * rows * columns * inner, 2 * inner * rows * columns


def test_flops_of_a_block_are_those_of_its_products():
    counts, block, around, noise, dim = np.array([4, 2, 1, 1]), 2, 4, 3, 5
    skipgram = needs.needs(Options(**TINY), counts)
    assert skipgram.block_flops * block == sum(product(block, dim, around + noise)) == 420
    assert skipgram.flops == 6 * dim * (2 + noise) == 150
    cbow = needs.needs(Options(model="cbow", **TINY), counts)
    forward, back, _ = product(block, around, dim)  # the weights of a mean have no gradient
    targets = block * sum(product(1, dim, 1))
    assert cbow.block_flops * block == forward + back + targets + sum(product(block, dim, noise)) == 400
    assert cbow.flops == 4 * 2 * dim + 6 * dim * (1 + noise) == 160


def test_flops_of_a_tree_are_those_of_its_paths():
    counts, lengths = np.array([4, 2, 1, 1]), [1, 2, 3, 3]
    words = np.repeat(range(4), counts)
    tree = needs.needs(Options(loss="hierarchical-softmax", **TINY), counts)
    assert tree.flops == pytest.approx(6 * 5 * 2 * np.mean([lengths[word] for word in words]))
    longest = np.mean([max(lengths[a], lengths[b]) for a, b in itertools.product(words, words)])
    assert tree.block_flops == pytest.approx(6 * 5 * 2 * longest)


@pytest.mark.parametrize(
    ("options", "mean"),
    [({}, 6), ({"window_kind": "fixed"}, 10), ({"forward_only": True}, 3), ({"window": 2, "window_kind": "fixed"}, 4)],
)
def test_places_in_a_window(options, mean):
    assert needs.places(Options(**options)) == mean


def test_bytes_are_those_of_different_rows():
    counts = np.array([3, 1])
    weights = counts**0.75 / (counts**0.75).sum()
    found = []
    for words in itertools.product(range(2), repeat=4):  # the places around, of which the centres are two
        for noise in itertools.product(range(2), repeat=3):
            chance = np.prod([counts[word] / 4 for word in words]) * np.prod([weights[word] for word in noise])
            found.append(chance * (len(set(words[1:3])) + len({*words, *noise})))
    skipgram = needs.needs(Options(**TINY), counts)
    assert skipgram.bytes == pytest.approx(sum(found) * 5 * 4 * 2 / 2)


def test_bytes_of_a_tree_are_those_of_different_nodes():
    counts = np.array([4, 2, 1, 1])
    paths, words = [{0}, {0, 1}, {0, 1, 2}, {0, 1, 2}], np.repeat(range(4), counts)
    nodes = np.mean([len(paths[a] | paths[b]) for a, b in itertools.product(words, words)])
    around = np.mean([len(set(draw)) for draw in itertools.product(words, repeat=4)])
    tree = needs.needs(Options(loss="hierarchical-softmax", **TINY), counts)
    assert tree.bytes == pytest.approx((nodes + around) * 5 * 4 * 2 / 2)


def test_a_model_without_a_formula_is_refused():
    with pytest.raises(ValueError, match=r"^`options` must be of a model in this file; got skipgram, full-softmax"):
        needs.needs(Options(loss="full-softmax"), np.array([1, 1]))


def test_the_lower_limit_is_the_roof():
    of = needs.Needs(flops=100, block_flops=200, bytes=10)
    assert roofline.roof(of, {"flops": 1000, "rows": 1000}) == {"kept_words_per_second": 10, "bound": "products"}
    assert roofline.roof(of, {"flops": 1000, "rows": 20}) == {"kept_words_per_second": 2, "bound": "rows"}
    turns = [{"kept": 6, "words": 8, "seconds": seconds} for seconds in (1, 2, 3)]
    result = roofline.reached(of, [{"flops": 1000, "rows": 1000}] * 3, turns)
    assert (result["share"], result["product_share"]) == (pytest.approx(0.3), pytest.approx(0.6))
    assert (result["kept_words_per_second"], result["raw_words_per_second"]) == (3, 4)


def test_peaks_count_the_work_of_every_thread(monkeypatch):
    def jobs(of):
        done.append(len(of))
        for job in of:
            job()
        return 2.0

    done = []
    monkeypatch.setattr(roofline, "at_once", jobs)
    size = {"rows": 50, "gathered": 8, "batches": 3}
    assert roofline.products(3, 4)() == 3 * 2 * 4**3 / 2
    assert roofline.copies(2, 10)() == 2 * 2 * 40 / 2
    assert roofline.gathers(2, size, 5, 0)() == 2 * 3 * 8 * 5 * 4 / 2
    assert done == [3, 2, 2]
