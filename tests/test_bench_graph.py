"""The peers that graphs are measured beside, and how labels are scored."""

import networkx as nx
import numpy as np
import pytest

from compare.bench.methods.measures.graph import Loop, alias, labels_of, likeliest, two_clusters
from compare.cases.methods.walks.oracle import second_order


def test_a_table_of_walkers_gives_the_weights_back():
    weights = np.array([3.0, 1, 0.5, 7, 1])
    keep, other = alias(weights.tolist())
    mass = keep + np.bincount(other, 1 - keep, minlength=5)
    np.testing.assert_allclose(mass, weights * 5 / weights.sum())


def test_the_loop_takes_the_steps_of_the_formula():
    graph = nx.karate_club_graph()
    loop = Loop(graph, 0.25, 4.0)
    wanted = second_order(nx.to_numpy_array(graph), 0.25, 4.0)
    for (t, v), (keep, other) in loop.edges.items():
        mass = (keep + np.bincount(other, 1 - keep, minlength=len(keep))) / len(keep)
        np.testing.assert_allclose(mass, wanted[t, v, sorted(graph[v])], atol=1e-12)
    walk = loop.walk(0, 50, np.random.default_rng(0))
    assert len(walk) == 50
    assert nx.is_path(graph, walk)


def test_as_many_labels_as_are_true_and_the_likeliest_of_them():
    scores = np.array([[0.1, 3, 2], [5, -np.inf, 1], [1, 1, 1]])
    assert likeliest(scores, np.array([2, 1, 0])).tolist() == [[False, True, True], [True, False, False], [False] * 3]


def test_labels_stand_beside_the_graph(tmp_path):
    (tmp_path / "g.labels").write_text("b 2\na 10 2\n")
    assert labels_of(tmp_path / "g.adjlist.xz", ["a", "b"]).tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize("flip", [False, True])
def test_clusters_are_named_as_suits_them(flip):
    vectors = np.array([[1, 0.1], [1, 0], [0, 1], [0.1, 1]])
    assert two_clusters(vectors, np.array([True, True, False, False]) ^ flip, 0) == 1.0
    assert two_clusters(vectors, np.array([True, False, False, False]) ^ flip, 0) == 0.75
