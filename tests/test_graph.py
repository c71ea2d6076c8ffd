"""DeepWalk and node2vec, from Python and from the command line."""

import importlib
import lzma
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array
from typer.testing import CliRunner

from tf_emb.cli import app
from tf_emb.methods import graph as package
from tf_emb.methods.graph.node_vectors import deepwalk, node2vec, sentences, walk_corpus
from tf_emb.methods.graph.sources import as_adjacency, read_graph
from tf_emb.vectors import Vectors, load_vectors

KARATE = nx.karate_club_graph()
SMALL = {"walks": 20, "length": 10, "window": 3, "dim": 8, "epochs": 2}


def separation(vectors):
    """Return the mean cosine of members of one club less that of members of two."""
    clubs = np.array([KARATE.nodes[int(label)]["club"] for label in vectors.labels])
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    same, cosine = clubs[:, None] == clubs, unit @ unit.T
    np.fill_diagonal(same, False)
    return cosine[same].mean() - cosine[clubs[:, None] != clubs].mean()


@pytest.mark.parametrize("method", [deepwalk, node2vec])
def test_members_of_one_club_are_nearer_than_others(method):
    vectors = method(KARATE, rate=0.1, block=8, blocks=8, **SMALL)
    assert vectors.matrix.shape == (34, 8)
    assert vectors.labels == [str(node) for node in KARATE]
    assert vectors.columns["degree"] == [degree for _, degree in KARATE.degree()]
    assert separation(vectors) > 0.2
    assert vectors.vectors.shape == (34, 8)


def test_what_is_given_reaches_walks_and_training(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "tf_emb.methods.graph.node_vectors.random_walks", lambda *a, **k: seen.append((a[2], k)) or walks(a[1], a[2])
    )

    def walks(starts, length):
        return np.repeat(starts[:, None], length, axis=1).astype(np.int32)

    node2vec(KARATE, p=0.5, q=3, length=6, **{k: v for k, v in SMALL.items() if k != "length"})
    deepwalk(KARATE, **{k: v for k, v in SMALL.items() if k != "length"})
    assert seen == [(6, {"p": 0.5, "q": 3}), (40, {"p": 1.0, "q": 1.0})]


def test_the_seed_decides_the_vectors():
    first, again, other = (node2vec(KARATE, seed=seed, **SMALL).matrix for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_node_without_edges_keeps_its_start_and_its_place():
    graph = nx.Graph([("a", "b"), ("b", "c")])
    graph.add_node("alone")
    vectors = node2vec(graph, **SMALL)
    assert vectors.labels == ["a", "b", "c", "alone"]
    assert vectors.columns["degree"] == [1, 2, 1, 0]
    assert 0 < np.abs(vectors.matrix[3]).max() <= 0.5 / 8
    assert np.abs(vectors.matrix[:3]).max() > 0.5 / 8


def test_walks_become_sentences():
    walks = np.array([[3, 1, 2], [0, -1, -1], [2, 1, -1]], np.int32)
    assert sentences(walks).tolist() == [3, 1, 2, -1, 0, -1, 2, 1, -1]


def test_every_node_starts_a_walk_in_every_pass_in_another_order(monkeypatch):
    monkeypatch.setattr("tf_emb.methods.graph.node_vectors.AT_ONCE", 70)
    graph, labels = as_adjacency(KARATE)
    corpus = walk_corpus(graph, labels, walks=5, length=4)
    words = np.array([*corpus.vocabulary.words, "end"])[corpus.ids].tolist()
    starts = np.reshape(words, (5, 34, 5))
    assert (starts[:, :, 4] == "end").all()
    assert all(sorted(row) == sorted(labels) for row in starts[:, :, 0].tolist())
    assert len({tuple(row) for row in starts[:, :, 0].tolist()}) == 5
    assert all(KARATE.has_edge(int(a), int(b)) for walk in starts.reshape(-1, 5) for a, b in pairwise(walk[:4]))
    assert (np.diff(corpus.vocabulary.counts) <= 0).all()
    assert corpus.raw_words == corpus.known_words == 5 * 34 * 4 == corpus.vocabulary.counts.sum()
    assert corpus.sentences == 5 * 34
    assert np.array_equal(np.bincount(corpus.ids[corpus.ids >= 0]), corpus.vocabulary.counts)


def test_a_graph_may_come_as_a_matrix_or_a_file(tmp_path):
    wanted = nx.to_numpy_array(KARATE)
    nx.write_weighted_edgelist(KARATE, tmp_path / "edges")
    (tmp_path / "lines.xz").write_bytes(lzma.compress("\n".join(nx.generate_adjlist(KARATE)).encode()))
    for given in (KARATE, wanted, csr_array(wanted), tmp_path / "edges", read_graph(tmp_path / "lines.xz", "adjlist")):
        graph, labels = as_adjacency(given)
        order = np.argsort([int(label) for label in labels])
        dense = np.zeros((34, 34))
        dense[graph.sources, graph.neighbours] = graph.weights
        expected = wanted > 0 if isinstance(given, nx.Graph) and given is not KARATE else wanted
        assert np.array_equal(dense[np.ix_(order, order)], expected)


def test_directed_edges_lead_one_way(tmp_path):
    (tmp_path / "edges").write_text("a b # a remark\nb c 2\n")
    graph, labels = as_adjacency(read_graph(tmp_path / "edges", directed=True))
    assert labels == ["a", "b", "c"]
    assert (graph.sources.tolist(), graph.neighbours.tolist(), graph.weights.tolist()) == ([0, 1], [1, 2], [1, 2])
    assert len(as_adjacency(tmp_path / "edges")[0].neighbours) == 4


def test_what_is_no_graph_is_refused(tmp_path):
    (tmp_path / "edges").write_text("a b x\n")
    for call, said in [
        (lambda: node2vec(nx.Graph()), "`graph` must have at least one node; got none"),
        (lambda: node2vec(nx.Graph([(1, "1")])), "names differ as text"),
        (lambda: node2vec(KARATE, walks=0), "`walks` must be an integer of 1 or more; got 0"),
        (lambda: node2vec(KARATE, p=-1), "`p` must be positive and finite; got -1"),
        (lambda: read_graph(tmp_path / "edges"), "`path` must be a file of format edgelist"),
        (lambda: read_graph(tmp_path / "edges", "gml"), "`format` must be 'edgelist' or 'adjlist'; got 'gml'"),
        (lambda: read_graph(tmp_path / "none"), "none"),
    ]:
        with pytest.raises((ValueError, OSError), match=said):
            call()


def test_vectors_that_grow_without_bound_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"`rate` must be small enough that .*; got 1e\+30\. Use 0\.03"):
        node2vec(KARATE, rate=1e30, **SMALL)


def run(*arguments):
    return CliRunner().invoke(app, ["graph", *map(str, arguments)])


@pytest.fixture
def threads(monkeypatch):
    """Leave TensorFlow's threads as they are: a process can settle them once."""
    command = importlib.import_module("tf_emb.commands.graph")
    monkeypatch.setattr(command, "one_thread_per_operation", lambda: None)


@pytest.mark.usefixtures("threads")
def test_the_command_writes_the_vectors_that_python_gives(tmp_path):
    nx.write_weighted_edgelist(KARATE, tmp_path / "karate")
    options = [word for name, value in SMALL.items() for word in (f"--{name}", value)]
    result = run(tmp_path / "karate", "-o", tmp_path / "v.bin", "--p", 0.5, "--q", 2, "--seed", 3, *options)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"34 vectors of 8 numbers by node2vec; written to {tmp_path / 'v.bin'}\n"
    assert "34 nodes, 78 edges" in result.stderr
    wanted = node2vec(tmp_path / "karate", p=0.5, q=2, seed=3, **SMALL)
    written = load_vectors(tmp_path / "v.bin")
    assert written.index_to_key == wanted.labels
    assert np.array_equal(written.vectors, wanted.matrix)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("method", "other"), [("deepwalk", {}), ("node2vec", {"p": 1, "q": 1})])
def test_the_command_leaves_out_what_is_not_given(tmp_path, monkeypatch, method, other):
    def fake(graph, **options):
        seen.append((graph, options))
        return Vectors(list(graph), np.ones((len(graph), 4)))

    seen = []
    monkeypatch.setattr(f"tf_emb.methods.graph.node_vectors.{method}", fake)
    nx.write_adjlist(KARATE, tmp_path / "karate.gz")
    result = run(
        tmp_path / "karate.gz",
        "-o",
        tmp_path / "v.txt",
        "--method",
        method,
        "--format",
        "adjlist",
        "--walks",
        2,
        "--dim",
        4,
        "--directed",
    )
    assert result.exit_code == 0, result.stderr
    assert f"by {method}" in result.stdout
    assert len(load_vectors(tmp_path / "v.txt")) == 34
    ((graph, options),) = seen
    assert graph.is_directed()
    assert graph.number_of_edges() == 78
    assert len(options.pop("callbacks")) == 2
    assert options == {"walks": 2, "dim": 4, "window": 10, "epochs": 1, "threads": 1, "seed": 0, **other}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "line"], "`--method` must be node2vec or deepwalk; got 'line'"),
        (["--method", "deepwalk", "--p", "2"], "`--p` and `--q` must be 1 for deepwalk; got 2 and 1"),
        (["--format", "gml"], "`format` must be"),
        (["--q", "0"], "`q` must be positive"),
        (["-o", "v.xyz"], "must end in one of"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, options, said):
    (tmp_path / "edges").write_text("a b\n")
    result = run(tmp_path / "edges", "-o", tmp_path / "v.bin", *options)
    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]
    assert not (tmp_path / "v.bin").exists()


def test_the_package_exports_its_methods_and_loads_no_tensorflow_for_reading():
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    with pytest.raises(AttributeError, match=r"no attribute 'node3vec'; it has Adjacency, as_adjacency"):
        package.node3vec  # noqa: B018 -- the access is what is tested
    program = "import sys; from tf_emb.methods.graph import random_walks, read_graph; print('keras' in sys.modules)"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
