"""Vectors of whole graphs that predict how often substructures occur."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from tf_emb.methods.graph.counts import closed_walk_labels, count_factors, graph_bags, graph_vectors

HEXAGON, PAIR = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
GRAPHS = [graph for graph in nx.graph_atlas_g() if len(graph) == 5]


def test_closed_walks_count_loops_degrees_and_triangles():
    paw = nx.Graph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 3)])
    loops, degrees, triangles = closed_walk_labels([paw], 3)[0]
    assert loops.tolist() == [0, 0, 0, 1]
    assert degrees.tolist() == [2, 2, 3, 4]  # the loop twice over, or to node 2 and back
    assert triangles.tolist() == [5, 5, 6, 7]


def test_edges_are_followed_in_their_direction_and_counted_if_parallel():
    ring, acyclic = nx.DiGraph([(0, 1), (1, 2), (2, 0)]), nx.DiGraph([(0, 1), (1, 2), (0, 2)])
    doubled = nx.MultiDiGraph([*ring.edges, (0, 1)])
    last = [labels[2].tolist() for labels in closed_walk_labels([ring, acyclic, doubled], 3)]
    assert last == [[3] * 3, [2] * 3, [4] * 3]  # (0, 0, 1), (0, 0, 0), (0, 0, 2)


def test_closed_walks_tell_apart_what_subtrees_do_not():
    subtrees, both = (graph_bags([HEXAGON, PAIR], 4, length).toarray() for length in (0, 3))
    assert np.array_equal(*subtrees)
    assert not np.array_equal(*both)


def test_products_are_the_kernel_where_the_dims_suffice():
    bags = csr_array(np.random.default_rng(0).poisson(2.0, (9, 3)) @ np.random.default_rng(1).poisson(1.0, (3, 12)))
    graphs, words = count_factors(bags, 4)
    np.testing.assert_allclose(graphs @ graphs.T, (bags @ bags.T).toarray(), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(graphs @ words.T, bags.toarray(), rtol=1e-9, atol=1e-7)
    assert (np.diff(np.square(graphs).sum(axis=0)) <= 0).all()


def test_isomorphic_graphs_have_equal_vectors_and_the_seed_moves_them_by_rounding_only():
    shuffled = [nx.relabel_nodes(graph, {node: (3 * node + 1) % 5 for node in graph}) for graph in GRAPHS]
    found = graph_vectors([*GRAPHS, *shuffled], dim=8)
    first, second = np.split(found.matrix, 2)
    assert np.array_equal(first, second)
    assert len(np.unique(first, axis=0)) == len(GRAPHS)
    again = graph_vectors([*GRAPHS, *shuffled], dim=8, seed=1).matrix
    np.testing.assert_allclose(again, found.matrix, rtol=1e-4, atol=1e-4)


def test_vectors_have_names_and_sizes_and_an_empty_graph_is_at_zero():
    found = graph_vectors([*GRAPHS, nx.Graph()], rounds=1, dim=3, labels=[f"g{i}" for i in range(len(GRAPHS) + 1)])
    assert found.matrix.shape == (len(GRAPHS) + 1, 3)
    assert found.matrix.dtype == np.float32
    assert found.columns["nodes"] == [5] * len(GRAPHS) + [0]
    assert found.columns["edges"] == [graph.number_of_edges() for graph in GRAPHS] + [0]
    assert not found.matrix[-1].any()


def test_what_makes_no_vectors_is_refused():
    for call, said in [
        (lambda: closed_walk_labels(GRAPHS, -1), "`length` must be 0 or more; got -1"),
        (lambda: graph_vectors([HEXAGON, PAIR], dim=2), "`dim` must be from 1 to 1 for counts of shape"),
        (lambda: graph_vectors(GRAPHS, dim=0), "`dim` must be from 1 to"),
        (lambda: closed_walk_labels([nx.complete_graph(9)], 30), "fewer than 2\\^63 walks"),
        (lambda: graph_vectors(GRAPHS, labels=["a"]), "`labels` must be one per graph; got 1 for"),
        (lambda: graph_vectors([HEXAGON, "file"]), "networkx graphs; got str in place 1"),
        (lambda: graph_vectors([nx.Graph()]), "`graphs` must hold a node"),
    ]:
        with pytest.raises(ValueError, match=said):
            call()
