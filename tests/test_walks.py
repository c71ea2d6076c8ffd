"""Random walks: what is drawn is what the formula says."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import chisquare

from compare.cases.methods.walks import first_order, second_order, visits
from tf_emb.methods.graph.second_order import StepTable, table_size
from tf_emb.methods.graph.walk_probabilities import expected_visits
from tf_emb.methods.graph.walks import END, Adjacency, random_walks

# A directed graph with weights: 5 is a dead end, 6 has no edges, and 0 a loop.
WEIGHTS = np.array(
    [
        [0.5, 2, 1, 0, 0, 0, 0],
        [1, 0, 3, 1, 0, 0, 0],
        [2, 1, 0, 1, 1, 0.1, 0],
        [0, 1, 1, 0, 4, 0, 0],
        [1, 0, 1, 0, 0, 0.1, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
)
BIASES = [(1, 1), (0.2, 1), (5, 1), (1, 0.2), (1, 5), (0.1, 0.2), (0.1, 5), (4, 0.25), (3, 3)]


@pytest.fixture(scope="module")
def graph():
    return Adjacency.from_matrix(csr_array(WEIGHTS))


@pytest.fixture(params=["table", "refusals"])
def way(request, monkeypatch):
    """Draw steps of second order by a table, and without one."""
    if request.param == "refusals":
        monkeypatch.setattr("tf_emb.methods.graph.walks.ENTRIES", 0)
    other = {"table": "draw_second_order", "refusals": "StepTable"}[request.param]
    monkeypatch.setattr(f"tf_emb.methods.graph.walks.{other}", None)


def unlikely(observed, expected):
    """Return whether a chi-square test refuses, once in a million; what cannot be must not be seen."""
    assert not observed[expected == 0].any()
    seen = expected > 0
    total = observed.sum()
    return seen.sum() > 1 and chisquare(observed[seen], expected[seen] * total / expected.sum()).pvalue < 1e-6


def steps(walks, order):
    """Count every `order` + 1 nodes in a row."""
    counts = np.zeros((len(WEIGHTS),) * (order + 1), np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(walks, order + 1, axis=1).reshape(-1, order + 1)
    np.add.at(counts, tuple(windows[(windows != END).all(axis=1)].T), 1)
    return counts


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("p", "q"), BIASES)
def test_steps_of_second_order_follow_the_formula(graph, p, q):
    walks = random_walks(graph, np.arange(70_000) % 7, 8, np.random.default_rng(0), p=p, q=q)
    seen, expected = steps(walks, 2), second_order(WEIGHTS, p, q)
    pairs = np.argwhere(seen.sum(axis=2))
    assert len(pairs) == sum(WEIGHTS[v].any() for _, v in np.argwhere(WEIGHTS))
    assert not any(unlikely(seen[t, v], expected[t, v]) for t, v in pairs)


@pytest.mark.usefixtures("way")
def test_the_test_would_see_another_bias(graph):
    walks = random_walks(graph, np.arange(70_000) % 7, 8, np.random.default_rng(0), p=1, q=0.25)
    seen, wrong = steps(walks, 2), second_order(WEIGHTS, 1, 0.3)
    assert any(unlikely(seen[t, v], wrong[t, v]) for t, v in np.argwhere(seen.sum(axis=2)))


@pytest.mark.parametrize("even", [True, False])
def test_first_steps_follow_the_weights(even):
    weights = np.sign(WEIGHTS) if even else WEIGHTS
    graph = Adjacency.from_matrix(csr_array(weights))
    assert graph.even is even
    seen = steps(random_walks(graph, np.arange(70_000) % 7, 2, np.random.default_rng(1)), 1)
    assert not any(unlikely(seen[v], first_order(weights)[v]) for v in range(5))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.2, 3)])
def test_visits_are_what_is_expected(graph, p, q):
    walks = random_walks(graph, np.arange(70_000) % 7, 12, np.random.default_rng(2), p=p, q=q)
    expected = visits(first_order(WEIGHTS), second_order(WEIGHTS, p, q))
    np.testing.assert_allclose(expected_visits(graph, 12, p=p, q=q), expected, rtol=1e-12)
    seen = np.stack([(walks == v).sum(axis=1) for v in range(7)])
    # Starts are dealt out evenly, so the deviation of a mean is below what it is for starts that are drawn.
    assert (np.abs(seen.mean(axis=1) - expected / 7) < 5 * seen.std(axis=1) / len(walks) ** 0.5).all()


def test_an_undirected_walk_settles_on_weighted_degrees():
    weights = WEIGHTS[:5, :5] + WEIGHTS[:5, :5].T
    graph = Adjacency.from_matrix(csr_array(weights))
    walks = random_walks(graph, np.arange(50_000) % 5, 40, np.random.default_rng(3))
    assert not unlikely(np.bincount(walks[:, -1]), weights.sum(axis=1))


@pytest.mark.usefixtures("way")
def test_walks_end_where_there_is_no_way_on(graph):
    walks = random_walks(graph, np.array([5, 6, 0, 4]), 2000, np.random.default_rng(0), p=2, q=0.5)
    assert walks.dtype == np.int32
    assert (walks[:2, 1:] == END).all()
    assert walks[:2, 0].tolist() == [5, 6]
    for walk in walks:
        nodes = walk[walk != END]
        assert (walk[len(nodes) :] == END).all()
        assert (WEIGHTS[nodes[:-1], nodes[1:]] > 0).all()
        assert nodes[-1] in (5, 6)


@pytest.mark.usefixtures("way")
def test_the_seed_decides_the_walks(graph):
    first, again, other = (random_walks(graph, np.arange(7), 9, np.random.default_rng(s), p=2, q=3) for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_table_holds_the_formula_and_light_edges_beside_heavy_ones():
    weights = WEIGHTS * np.where(np.arange(7) < 3, 1e-9, 1e9)[:, None]
    graph = Adjacency.from_matrix(csr_array(weights))
    table = StepTable.of(graph, 0.2, 3)
    assert len(table.upto) == table_size(graph) == sum((WEIGHTS[v] > 0).sum() for _, v in np.argwhere(WEIGHTS))
    edge = np.repeat(np.arange(len(graph.weights)), np.diff(table.first))
    shares = np.zeros((7, 7, 7))
    before = np.maximum(np.concatenate([[0], table.upto[:-1]]), edge)  # edges onto a dead end have no entries
    shares[graph.sources[edge], graph.neighbours[edge], graph.neighbours[table.onward]] = table.upto - before
    np.testing.assert_allclose(shares, second_order(weights, 0.2, 3), atol=1e-13)
    assert np.array_equal(table.upto[table.first[1:][np.diff(table.first) > 0] - 1], np.unique(edge) + 1)


def test_the_largest_draw_stays_with_its_edge(graph):
    class Highest:
        def random(self, size):
            return np.full(size, 1 - 2.0**-53)

    table = StepTable.of(graph, 2, 0.5)
    edge = np.flatnonzero(graph.degrees[graph.neighbours] > 0)
    assert (edge + Highest().random(len(edge)) == edge + 1).any()  # it does round up
    assert np.array_equal(graph.sources[table.draw(edge, Highest())], graph.neighbours[edge])


def test_a_table_is_made_where_it_has_no_more_entries_than_there_are_steps(graph, monkeypatch):
    made = []
    monkeypatch.setattr(StepTable, "of", lambda *a: made.append(a) or StepTable(*[np.empty(0, np.int64)] * 3))
    monkeypatch.setattr(StepTable, "draw", lambda self, edge, rng: edge)
    few = -(-table_size(graph) // 10)
    for starts, wanted in ((few - 1, 0), (few, 1)):
        random_walks(graph, np.zeros(starts, int), 10, np.random.default_rng(0), p=2)
        assert len(made) == wanted


def test_edges_are_found_and_others_not(graph, monkeypatch):
    t, x = np.divmod(np.arange(49), 7)
    found = graph.edges(t, x)
    assert np.array_equal(found >= 0, WEIGHTS.ravel() > 0)
    assert np.array_equal(graph.near(t, x), WEIGHTS.ravel() > 0)
    monkeypatch.setattr("tf_emb.methods.graph.adjacency.BITS", 48)
    large = Adjacency.from_matrix(csr_array(WEIGHTS))
    assert large._bits is None
    assert np.array_equal(large.near(t, x), WEIGHTS.ravel() > 0)
    assert np.array_equal(graph.weights[found[found >= 0]], WEIGHTS[WEIGHTS > 0])
    back = graph.edges(graph.neighbours, graph.sources)
    assert np.array_equal(graph.back, back)
    assert (graph.sources[back[back >= 0]] == graph.neighbours[back >= 0]).all()


def test_a_matrix_is_taken_with_repeats_summed_zeros_dropped_and_left_as_it_was():
    matrix = csr_array((np.array([1, 2, 0, 3]), np.array([1, 1, 0, 0]), np.array([0, 3, 4])))
    graph = Adjacency.from_matrix(matrix)
    assert graph.weights.tolist() == [3, 3]
    assert graph.weights.dtype == np.float64
    assert graph.neighbours.tolist() == [1, 0]
    assert matrix.data.tolist() == [1, 2, 0, 3]
    empty = Adjacency.from_matrix(csr_array((3, 3)))
    assert random_walks(empty, np.arange(3), 4, np.random.default_rng(0), p=2).tolist() == [
        [i, -1, -1, -1] for i in range(3)
    ]


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.ones((2, 3)), r"must be square; got shape \(2, 3\)"),
        (np.array([[0, -1.5], [1, 0]]), r"positive and finite; got -1\.5"),
        (np.array([[0, np.inf], [1, 0]]), r"positive and finite; got inf"),
    ],
)
def test_other_matrices_are_refused(matrix, said):
    with pytest.raises(ValueError, match=said):
        Adjacency.from_matrix(csr_array(matrix))


@pytest.mark.parametrize(
    ("length", "bias", "said"),
    [
        (0, {}, "`length` must be 1 or more; got 0"),
        (2, {"p": 0}, "`p` must be positive"),
        (2, {"q": np.inf}, "got inf"),
    ],
)
def test_other_walks_are_refused(graph, length, bias, said):
    with pytest.raises(ValueError, match=said):
        random_walks(graph, np.arange(7), length, np.random.default_rng(0), **bias)
