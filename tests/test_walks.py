"""Random walks: what is drawn is what the formula says."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binom, chisquare

from compare.cases.methods.walks import CASES
from compare.cases.methods.walks.oracle import PASSES, RISK, second_order, stray
from tf_emb.methods.graph import walks as module
from tf_emb.methods.graph.adjacency import draw_edges
from tf_emb.methods.graph.steps import draw_exactly
from tf_emb.methods.graph.walks import END, ENTRIES, Adjacency, StepTable, random_walks, table_size
from tf_emb.parity.faults import mutate

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


@pytest.fixture(params=[ENTRIES, 0], ids=["table", "rejection"])
def way(request, monkeypatch):
    """Draw steps of second order by a table, and without one."""
    other = "StepTable" if request.param == 0 else "draw_by_rejection"
    monkeypatch.setattr(module, other, None)
    return {"entries": request.param}


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


@pytest.mark.parametrize(("p", "q"), BIASES)
def test_steps_of_second_order_follow_the_formula(graph, way, p, q):
    walks = random_walks(graph, np.arange(70_000) % 7, 8, np.random.default_rng(0), p=p, q=q, **way)
    seen, expected = steps(walks, 2), second_order(WEIGHTS, p, q)
    pairs = np.argwhere(seen.sum(axis=2))
    assert len(pairs) == sum(WEIGHTS[v].any() for _, v in np.argwhere(WEIGHTS))
    assert not any(unlikely(seen[t, v], expected[t, v]) for t, v in pairs)


def shares(x, got):
    """The largest |count - expectation| / bound in each output of the case; what may not move at all counts apart."""
    case = CASES[0]
    want = case.oracle(x)
    allowed = case.allowed(x, want, "float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        return {k: np.nan_to_num(np.abs(got[k] - want[k]) / allowed[k], posinf=np.inf).max() for k in want}


def drawn(seed):
    """The inputs of the case, and what the samplers make of them."""
    x = CASES[0].inputs(np.random.default_rng(seed))
    return x, CASES[0].impls["keras-tensorflow"]({**x, "seed": x["seed"].item()})


@pytest.mark.parametrize("seed", range(3))
def test_walks_are_as_frequent_as_expected(seed):
    x, got = drawn(seed)
    found = shares(x, got)
    assert max(found.values()) < 1
    assert min(found[k] for k in found if k.startswith("walks")) > 0.1  # the bounds are no wider than they need be


def swapped(draw):
    return lambda graph, edge, rng, p, q: draw(graph, edge, rng, q, p)


def unweighted(graph, current, rng):
    return graph.starts[current] + (rng.random(len(current)) * graph.degrees[current]).astype(np.int64)


def forgetful(of):
    return lambda graph, p, q, *edge: of(
        Adjacency(graph.starts, graph.neighbours, np.ones_like(graph.weights)), p, q, *edge
    )


def without_extra(ways_back):
    return lambda graph, edge, above: ways_back(graph, edge, 0)


def in_one_sum(graph, current, rng):
    """Draw from one running sum over all edges of the graph."""
    sums = np.concatenate([[0.0], np.cumsum(graph.weights, dtype=np.float64)])
    low, high = sums[graph.starts[current]], sums[graph.starts[current + 1]]
    at = np.searchsorted(sums, low + rng.random(len(current)) * (high - low), side="right") - 1
    return np.clip(at, graph.starts[current], graph.starts[current + 1] - 1)


def first_of(draw):
    return lambda graph, edge, rng, p, q: graph.starts[graph.neighbours[edge]]


def in_order(graph, walks, rng):
    return [np.tile(np.arange(len(graph)), walks)]


@pytest.mark.parametrize(
    ("name", "broken", "outputs"),
    [
        ("walks.draw_by_rejection", swapped(module.draw_by_rejection), {"walks by rejection"}),
        ("walks._ways_back", without_extra(module._ways_back), {"walks by rejection"}),
        ("walks.draw_edges", unweighted, {"walks by a table", "walks by rejection", "walks of DeepWalk"}),
        ("walks.draw_edges", in_one_sum, {"walks by a table", "walks by rejection", "walks of DeepWalk"}),
        ("walks.draw_exactly", first_of(module.draw_exactly), {"walks by rejection"}),
        ("walks.StepTable.of", forgetful(StepTable.of), {"steps in a table", "walks by a table", "walks by rejection"}),
        ("node_vectors._starts", in_order, {"places of starts"}),
    ],
    ids=[
        "p and q swapped",
        "way back not drawn apart",
        "weights left out",
        "one running sum",
        "first edge after many tries",
        "table without weights",
        "starts in order",
    ],
)
def test_a_broken_sampler_is_seen(monkeypatch, name, broken, outputs):
    monkeypatch.setattr(f"tf_emb.methods.graph.{name}", broken)
    assert {k for k, share in shares(*drawn(0)).items() if share > 1} == outputs


@pytest.fixture(scope="module")
def hubs():
    """Two hubs of 60 edges with weights from 1e-9 to 1e9, a clique of 8, and leaves; some edges lead one way only."""
    rng = np.random.default_rng(5)
    edges = np.zeros((64, 64))
    edges[:8, :8] = 1 - np.eye(8)
    edges[0, 1:], edges[1, :60] = 1, 1
    edges[2:50, 0] = 1
    edges[50, 0] = edges[1, 1] = 1
    return np.triu(edges * 10 ** rng.uniform(-9, 9, (64, 64))) + np.tril(edges * 10 ** rng.uniform(-1, 1, (64, 64)))


@pytest.mark.parametrize(
    ("p", "q"), [(1, 1), (0.01, 1), (1e3, 0.1), (1, 1e3), (1e300, 1e-300), (1e-300, 1e300), (5e-324, 1)]
)
@pytest.mark.parametrize("spread", [1, 0.1, 0], ids=["far apart", "near", "even"])
def test_steps_after_many_tries_follow_the_formula(hubs, monkeypatch, p, q, spread):
    monkeypatch.setattr("tf_emb.methods.graph.steps.AT_ONCE", 1 << 14)
    weights = np.where(hubs > 0, hubs, 1) ** spread * (hubs > 0)
    graph = Adjacency.from_matrix(csr_array(weights))
    expected = shares_of(weights, p, q)
    for t, v in [(9, 0), (50, 0), (60, 0), (3, 0), (0, 1), (1, 0), (2, 1), (1, 1)]:
        edge = graph.edges(np.array([t]), np.array([v]))
        if edge[0] < 0:
            continue
        drawn = draw_exactly(graph, np.repeat(edge, 20_000), np.random.default_rng(1), p, q)
        assert (graph.sources[drawn] == v).all()
        seen = np.bincount(graph.neighbours[drawn], minlength=64)
        assert not differs(seen, expected(t, v))


def shares_of(weights, p, q):
    """P(x | t, v) of one pair, by logarithms: nothing is out of range."""

    def of(t, v):
        with np.errstate(divide="ignore"):
            scores = np.log(weights[v]) - np.where(weights[t] > 0, 0, np.log(q))
            scores[t] = np.log(weights[v, t]) - np.log(p)
        scores = np.exp(scores - scores.max())
        return scores / scores.sum()

    return of


def differs(seen, expected):
    """Return whether a count strays from a binomial one by more than Bernstein's bound, at a risk of 1e-9 in all."""
    total, log = seen.sum(), np.log(2 * len(seen) / 1e-9)
    off = log / 3 + np.sqrt(log**2 / 9 + 2 * log * total * expected * (1 - expected))
    return (np.abs(seen - total * expected) > off).any()


@pytest.mark.parametrize(
    ("p", "q"), [(1e4, 1), (1, 1e-5), (1, 1e6), (1e300, 1e-300), (1e-300, 1e300), (5e-324, 1.7e308)]
)
@pytest.mark.parametrize("graph", [nx.star_graph(1000), nx.complete_graph(30)], ids=["star", "clique"])
def test_no_p_and_q_go_on_trying(graph, p, q, monkeypatch):
    tries = []
    monkeypatch.setattr(module, "draw_edges", lambda g, of, rng: tries.append(len(of)) or draw_edges(g, of, rng))
    of = Adjacency.from_matrix(nx.to_scipy_sparse_array(graph))
    walks = random_walks(of, np.arange(len(of)), 6, np.random.default_rng(0), p=p, q=q, entries=0)
    assert (of.edges(walks[:, :-1].ravel(), walks[:, 1:].ravel()) >= 0).all()
    assert sum(tries) <= 64 * walks.size
    assert len(of) < 1000 or (walks[1:, 1::2] == 0).all()


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e300, 4e307])
def test_weights_of_any_size_are_shares_of_their_sum(scale):
    weights = np.zeros((6, 6))
    weights[0, 1:5] = scale * np.array([1, 1, 2, 4])
    weights[4, 5] = weights[5, 4] = 1e300
    weights[2, 4], weights[2, 5] = 1e-6, 3e-6
    graph = Adjacency.from_matrix(csr_array(weights))
    np.testing.assert_allclose(graph.shares.share[:4], [1 / 8, 1 / 8, 1 / 4, 1 / 2], rtol=1e-15)
    np.testing.assert_allclose(graph.shares.share[4:6], [1 / 4, 3 / 4], rtol=1e-15)
    for p, q in ((1, 1), (2, 0.5)):
        walks = random_walks(graph, np.zeros(20_000, int), 2, np.random.default_rng(0), p=p, q=q)
        assert not differs(np.bincount(walks[:, 1], minlength=6)[1:5], np.array([1, 1, 2, 4]) / 8)


@pytest.mark.parametrize("name", CASES[0].faults)
def test_every_fault_moves_an_expectation_by_several_bounds(name):
    case, fault = CASES[0], CASES[0].faults[name]
    x = case.inputs(np.random.default_rng(0))
    assert max(shares(x, mutate(case.oracle, fault.old, fault.new)(x)).values()) > 3


@pytest.mark.parametrize("chance", [1e-6, 1e-3, 0.1, 0.5, 0.99])
def test_the_bound_of_a_count_holds_as_often_as_it_says(chance):
    off = stray(np.array(chance), 1000)
    low, high = np.ceil(PASSES * chance - off) - 1, np.floor(PASSES * chance + off)
    assert binom.cdf(low, PASSES, chance) + binom.sf(high, PASSES, chance) < RISK / 1000
    assert stray(np.array([0.0, 1.0]), 1000).tolist() == [0, 0]


def test_an_undirected_walk_settles_on_weighted_degrees():
    weights = WEIGHTS[:5, :5] + WEIGHTS[:5, :5].T
    graph = Adjacency.from_matrix(csr_array(weights))
    walks = random_walks(graph, np.arange(50_000) % 5, 40, np.random.default_rng(3))
    assert not unlikely(np.bincount(walks[:, -1]), weights.sum(axis=1))


def test_walks_end_where_there_is_no_way_on(graph, way):
    walks = random_walks(graph, np.array([5, 6, 0, 4]), 2000, np.random.default_rng(0), p=2, q=0.5, **way)
    assert walks.dtype == np.int32
    assert (walks[:2, 1:] == END).all()
    assert walks[:2, 0].tolist() == [5, 6]
    for walk in walks:
        nodes = walk[walk != END]
        assert (walk[len(nodes) :] == END).all()
        assert (WEIGHTS[nodes[:-1], nodes[1:]] > 0).all()
        assert nodes[-1] in (5, 6)


def test_the_seed_decides_the_walks(graph, way):
    first, again, other = (
        random_walks(graph, np.arange(7), 9, np.random.default_rng(s), p=2, q=3, **way) for s in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_table_holds_the_formula_and_light_edges_beside_heavy_ones():
    weights = WEIGHTS * np.where(np.arange(7) < 3, 1e-9, 1e9)[:, None]
    graph = Adjacency.from_matrix(csr_array(weights))
    table = StepTable.of(graph, 0.2, 3)
    upto, first = table.shares.upto, table.shares.first
    assert len(upto) == table_size(graph) == sum((WEIGHTS[v] > 0).sum() for _, v in np.argwhere(WEIGHTS))
    edge = np.repeat(np.arange(len(graph.weights)), np.diff(first))
    shares = np.zeros((7, 7, 7))
    before = np.maximum(np.concatenate([[0], upto[:-1]]), edge)  # edges onto a dead end have no entries
    shares[graph.sources[edge], graph.neighbours[edge], graph.neighbours[table.onward]] = upto - before
    np.testing.assert_allclose(shares, second_order(weights, 0.2, 3), atol=1e-13)
    assert np.array_equal(upto[first[1:][np.diff(first) > 0] - 1], np.unique(edge) + 1)


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
    monkeypatch.setattr(StepTable, "of", lambda *a: made.append(a) or StepTable(None, None))
    monkeypatch.setattr(StepTable, "draw", lambda self, edge, rng: edge)
    few = -(-table_size(graph) // 10)
    for starts, wanted in ((few - 1, 0), (few, 1)):
        random_walks(graph, np.zeros(starts, int), 10, np.random.default_rng(0), p=2)
        assert len(made) == wanted


@pytest.mark.parametrize(
    ("starts", "length", "said"),
    [
        ([-1, 0], 3, "from 0 to 6; got -1"),
        ([0, 7], 3, "from 0 to 6; got 7"),
        ([0.5], 3, "must be integers in one row; got float64"),
        ([[0]], 3, r"of shape \(1, 1\)"),
        (["0"], 3, "must be integers in one row"),
        ([0] * 4096, 2**31 - 1, "4,096 walks of 2,147,483,647 nodes must fit in memory"),
        ([0], 10**40, "`length` must be an integer from 1 to 2147483647"),
        ([0], 2.5, "`length` must be an integer of 1 or more; got 2.5"),
        ([0], True, "`length` must be an integer of 1 or more; got True"),
    ],
)
def test_walks_that_cannot_be_are_refused(graph, starts, length, said):
    with pytest.raises(ValueError, match=said):
        random_walks(graph, np.array(starts), length, np.random.default_rng(0))


@pytest.mark.parametrize("value", [None, "1", np.nan, -1.0, np.inf, True, 10**400], ids=lambda value: str(value)[:5])
def test_p_and_q_are_numbers_above_zero(graph, value):
    for name in "pq":
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            random_walks(graph, np.arange(7), 3, np.random.default_rng(0), **{name: value})


def test_the_old_name_has_the_same_walks():
    from tf_emb.methods.walks import random_walks as old

    assert old is random_walks


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
        (0, {}, "`length` must be an integer of 1 or more; got 0"),
        (2, {"p": 0}, "`p` must be positive"),
        (2, {"q": np.inf}, "got inf"),
    ],
)
def test_other_walks_are_refused(graph, length, bias, said):
    with pytest.raises(ValueError, match=said):
        random_walks(graph, np.arange(7), length, np.random.default_rng(0), **bias)
