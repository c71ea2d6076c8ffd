"""Vectors of whole graphs."""

import networkx as nx
import numpy as np
import pytest

from tf_emb.methods.graph.bag_model import BagModel, graph2vec, train
from tf_emb.methods.graph.counts import subtree_bags, subtree_labels

PAIR = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
GRAPHS = [nx.path_graph(4), nx.star_graph(3), nx.cycle_graph(4), nx.complete_graph(4), nx.empty_graph(2)]
SMALL = {"rounds": 1, "dim": 4, "epochs": 3, "batch": 16}


def test_a_round_sees_a_step_further():
    labels = subtree_labels([nx.path_graph(4)], 2)[0]
    assert labels.tolist() == [[0, 0, 0, 0], [1, 2, 2, 1], [3, 4, 4, 3]]


def test_graphs_that_the_test_tells_apart_have_other_bags_and_the_hexagon_and_two_triangles_have_not():
    hexagon, triangles, path, star = subtree_bags(
        [nx.cycle_graph(6), PAIR, nx.path_graph(6), nx.star_graph(5)], 4
    ).toarray()
    assert np.array_equal(hexagon, triangles)
    assert not np.array_equal(path, star)
    assert not np.array_equal(hexagon, path)


def test_isomorphic_graphs_have_equal_bags_and_the_order_of_graphs_does_not_matter():
    shuffled = [nx.relabel_nodes(graph, {node: (7 * node + 3) % 101 for node in graph}) for graph in reversed(GRAPHS)]
    bags, again = subtree_bags(GRAPHS, 3).toarray(), subtree_bags(shuffled[::-1], 3).toarray()
    assert np.array_equal(bags, again)
    assert np.array_equal(bags, subtree_bags(shuffled, 3).toarray()[::-1])


def test_nodes_may_be_told_apart_from_the_start():
    one, other = nx.path_graph(3), nx.path_graph(3)
    nx.set_node_attributes(one, {0: "C", 1: "O", 2: "C"}, "atom")
    nx.set_node_attributes(other, {0: "O", 1: "C", 2: "C"}, "atom")
    assert subtree_labels([one, other], 0, "atom")[1].tolist() == [[1, 0, 0]]
    bags = subtree_bags([one, other], 1, "atom").toarray()
    assert np.array_equal(bags[0, :2], bags[1, :2])
    assert not np.array_equal(bags[0], bags[1])


def test_bags_count_every_node_in_every_round():
    bags = subtree_bags([*GRAPHS, nx.Graph()], 2)
    assert bags.sum(axis=1).tolist() == [3 * len(graph) for graph in GRAPHS] + [0]
    assert (bags.sum(axis=0) > 0).all()


def test_what_makes_no_bag_is_refused():
    for call, said in [
        (lambda: subtree_labels(GRAPHS, -1), "`rounds` must be 0 or more; got -1"),
        (lambda: subtree_bags([nx.Graph()], 1), "`graphs` must hold a node; got 1 graphs without any"),
        (lambda: subtree_bags(GRAPHS, 1, "atom"), "`attribute` must be one that every node has; 0 has no 'atom'"),
        (lambda: graph2vec(GRAPHS, labels=["a"]), "`labels` must be one per graph; got 1 for 5 graphs"),
        (lambda: graph2vec([None]), "networkx graphs; got NoneType in place 0"),
        (lambda: graph2vec(GRAPHS, epochs=0), "`epochs` must be 1 or more; got 0"),
    ]:
        with pytest.raises(ValueError, match=said):
            call()


def test_every_graph_gets_a_vector_with_its_name_and_sizes():
    vectors = graph2vec(GRAPHS, labels=list("pscke"), **SMALL)
    assert vectors.matrix.shape == (5, 4)
    assert vectors.index_to_key == list("pscke")
    assert vectors.columns == {"nodes": [4, 4, 4, 4, 2], "edges": [3, 3, 4, 6, 0]}


def test_the_seed_decides_the_vectors():
    first, again, other = (graph2vec(GRAPHS, seed=seed, **SMALL).matrix for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_uses_every_pair_once_an_epoch_and_learns():
    bags = subtree_bags(GRAPHS, 2).tocoo()
    pairs = np.repeat(np.stack([bags.row, bags.col]).astype(np.int32), bags.data, axis=1)
    model, seen = BagModel(5, bags.sum(axis=0), 8), []
    losses = train(model, pairs, epochs=40, batch=16, rate=0.05, seed=0)
    assert losses[0] == pytest.approx(
        5 * np.log(2), rel=0.3
    )  # output vectors start at zero; noise that is the word is out
    assert losses[-1] < 0.7 * losses[0]

    class Watched(BagModel):
        def step(self, optimizer, documents, words, noise=None):
            import tensorflow as tf

            tf.py_function(lambda *batch: seen.append(np.stack(batch)), [documents, words], [])
            return super().step(optimizer, documents, words, noise)

    train(Watched(5, bags.sum(axis=0), 8), pairs, epochs=2, batch=16, rate=0.05, seed=0)
    steps = -(-pairs.shape[1] // 16)
    assert len(seen) == 2 * steps
    first, second = (np.concatenate(seen[i : i + steps], axis=1) for i in (0, steps))
    assert not np.array_equal(first, second)
    assert sorted(first.T.tolist()) == sorted(second.T.tolist()) == sorted(pairs.T.tolist())
