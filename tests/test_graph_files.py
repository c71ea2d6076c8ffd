"""Files of graphs: every line becomes an edge, a node, or an error with its number."""

import bz2
import gzip
import lzma
import sys

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from tf_emb.methods.graph import as_adjacency, read_graph


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "graph"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def edges(graph):
    return sorted((*sorted(edge[:2]), edge[2]) for edge in graph.edges(data="weight", default=1))


@pytest.mark.parametrize(
    ("text", "wanted", "nodes"),
    [
        ("http://a/x#p http://a/x#q\n", [("http://a/x#p", "http://a/x#q", 1)], 2),
        ("#metoo #love 3\n", [("#love", "#metoo", 3)], 2),
        ("x,y u,v\n", [("u,v", "x,y", 1)], 2),
        (", the 2\n", [(",", "the", 2)], 2),
        ("1 2\n7\n8,9\n", [("1", "2", 1)], 4),
        ("\ufeff1 2\n1 3\n", [("1", "2", 1), ("1", "3", 1)], 3),
        ("a\u2028b c\x85d\ne\x0bf g\x0ch\n", [("a\u2028b", "c\x85d", 1), ("e\x0bf", "g\x0ch", 1)], 4),
        ("a\u00a0b c\u3000d\n", [("a\u00a0b", "c\u3000d", 1)], 2),
        ("a\tb\t2 \t\r\n\r\n  \n b c\r\n", [("a", "b", 2), ("b", "c", 1)], 3),
        ("# a heading of 3 words\n#\na b # a remark\nb c 2 # two\n", [("a", "b", 1), ("b", "c", 2)], 3),
        ("a b {}\nb c {'weight': 2.5}\nc d {'x': '# 1'}\n", [("a", "b", 1), ("b", "c", 2.5), ("c", "d", 1)], 4),
        ("a b 0\n", [("a", "b", 0)], 2),
        ("a b", [("a", "b", 1)], 2),
        ("", [], 0),
    ],
)
def test_lines_of_an_edge_list(written, text, wanted, nodes):
    graph = read_graph(written(text))
    assert edges(graph) == wanted
    assert len(graph) == nodes


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a b 1\nb c x\n", 2, "'x' where a weight is expected"),
        ("\n\na b c d\n", 3, "4 fields"),
        ("a b -1\n", 1, "the weight -1.0; weights must be positive and finite"),
        ("# remark\na b nan\n", 2, "the weight nan"),
        ("a b 1e999\n", 1, "the weight inf"),
        ("a b 1e-999\n", 1, "too small"),
        ("a b 1_0\n", 1, "'1_0' where"),
        ("a b 1,5\n", 1, "'1,5' where"),
        ("a b {'weight': nan}\n", 1, "no dictionary"),
        ("a b {'weight': '2'}\n", 1, "'2' where"),
        ("a b " + "{" * 500 + "}" * 500 + "\n", 1, "no dictionary"),
        ("a b 1e308\na b 1e308\n", 2, "to inf"),
        ("a,b\n", 1, "blanks or tabs separate nodes"),
        ("x y\na, b\n", 2, "blanks or tabs separate nodes"),
        ("a # b\n", 1, "a comment, or a node?"),
        ("a b #remark\n", 1, "'#remark' where"),
        ("a b\rc d\n", 1, "carriage return"),
        ("a b\n\ufeffb c\n", 2, "byte-order mark"),
        (b"a b\nb \xff\n", 2, r"is not UTF-8: b'\\xff'"),
        (b"\xff\xfea\x00 \x00", 1, "zero byte"),
        (b"a b\nb c\nd\0e", 3, "zero byte"),
        (b"a b\n" + b"x" * (3 << 20), 2, "longer than"),
    ],
)
def test_a_line_that_is_no_edge_is_named(written, text, line, said):
    path = written(text)
    with pytest.raises(ValueError, match=f"line {line} of {path} .*{said}") as error:
        read_graph(path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_large_files_keep_their_numbers_and_names(written, end):
    many = [f"n{i}\x0b \tm{i}\u2028  " for i in range(100_000)]
    path = written(end.join(many))
    assert path.stat().st_size > 1 << 20
    graph = read_graph(path)
    assert list(graph.edges) == [(f"n{i}\x0b", f"m{i}\u2028") for i in range(100_000)]
    for line in ("a b -1", "a\rb c", "a # b", "\ufeffa b"):
        with pytest.raises(ValueError, match="line 100004 of"):
            read_graph(written(end.join([*many, "", "# remark", "x y # remark", line, "y z"])))
    with pytest.raises(ValueError, match=r"line 100001 of .* is not UTF-8"):
        read_graph(written(end.join(many).encode() + end.encode() + b"a \xff"))


def test_an_edge_given_twice_has_both_weights_and_that_is_said(written):
    path = written("a b 1\nb a 2\na b\nb c\n")
    with pytest.warns(UserWarning, match=r"repeats: 2, the first 'b' to 'a' in line 2\); their weights add up"):
        assert edges(read_graph(path)) == [("a", "b", 4), ("b", "c", 1)]
    with pytest.warns(UserWarning, match="repeats: 1, the first 'a' to 'b' in line 3"):
        graph = read_graph(path, directed=True)
    assert sorted(graph.edges(data="weight", default=1)) == [("a", "b", 2), ("b", "a", 2), ("b", "c", 1)]


def test_an_adjacency_list_may_name_an_edge_at_both_ends(written):
    path = written("a b c\n\nb a\nc\nd\n")
    assert edges(read_graph(path, "adjlist")) == [("a", "b", 1), ("a", "c", 1)]
    assert list(read_graph(path, "adjlist")) == ["a", "b", "c", "d"]
    with pytest.warns(UserWarning, match="the first 'a' to 'b' in line 1"):
        assert edges(read_graph(written("a b b # twice\nb a\n"), "adjlist")) == [("a", "b", 2)]


@pytest.mark.parametrize("argv", [["/x/program.py", "a", "b"], ["-c"], [""], ["p"]])
@pytest.mark.parametrize("packed", ["", ".gz", ".bz2"])
def test_what_networkx_writes_is_read(tmp_path, monkeypatch, argv, packed):
    monkeypatch.setattr(sys, "argv", argv)
    graph = nx.Graph([("#a", "b"), ("b", "c,d"), ("c,d", "#a")], name="of a b")
    graph.add_edge("b", "e", weight=2.5, colour="#fff # red")
    wanted = edges(graph)
    for write in (nx.write_edgelist, nx.write_weighted_edgelist):
        write(graph, tmp_path / f"graph{packed}")
        assert edges(read_graph(tmp_path / f"graph{packed}")) == wanted
    graph.add_node("alone")
    nx.write_adjlist(graph, tmp_path / f"graph{packed}")
    found = read_graph(tmp_path / f"graph{packed}", "adjlist")
    assert set(found) == set(graph)
    assert {frozenset(edge) for edge in found.edges} == {frozenset(edge) for edge in graph.edges}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_and_bombs_are_not(written, pack):
    assert edges(read_graph(written(pack(b"a b\n")))) == [("a", "b", 1)]
    for bomb in (b"\n", b"\0", b"a b\n"):
        with pytest.raises(ValueError, match=r"zero byte|must not inflate to more than 200 times"):
            read_graph(written(pack(bomb * ((5 << 20) // len(bomb)))))
    with pytest.raises(ValueError, match="path"):
        read_graph(written(pack(b"a b\n")[:-5]))


def test_networkx_graphs_keep_their_nodes_and_parallel_edges():
    graph = nx.MultiDiGraph([((1, 2), 5), ((1, 2), 5), (5, (1, 2)), ("l", "l")])
    graph.add_node("alone")
    graph.add_edge(5, (1, 2), weight=2.5)
    found, labels = as_adjacency(graph)
    assert labels == ["(1, 2)", "5", "l", "alone"]
    assert (found.sources.tolist(), found.neighbours.tolist()) == ([0, 1, 2], [1, 0, 2])
    assert found.weights.tolist() == [2, 3.5, 1]
    loops = nx.Graph([("a", "a"), ("a", "b")])
    assert as_adjacency(loops)[0].weights.tolist() == [1, 1, 1]


def weighted(of):
    return nx.Graph([("a", "b", {"weight": of})])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (weighted("3"), "weights that are positive and finite; got '3' from 'a' to 'b'"),
        (weighted(None), "got None from"),
        (weighted(1j), "got 1j from"),
        (weighted(float("nan")), "got nan"),
        (weighted(-2), "got -2.0"),
        (nx.Graph([(1, "1")]), "two are equal, '1'"),
        (nx.Graph(), "at least one node"),
        (np.ones((2, 3)), "must be square"),
        (np.ones(3), "must be square"),
        (np.ones((2, 2, 2)), "must be square|must be a networkx graph"),
        (np.full((2, 2), 1j), "real numbers; got complex"),
        ([["a", "b"], ["b", "a"]], "real numbers|must be a networkx graph"),
        ([[1, 2], [3]], "networkx graph, a file or a square matrix; got list"),
        (None, "networkx graph, a file or a square matrix|real numbers|must be square"),
        (coo_array(([1e308, 1e308], ([0, 0], [1, 1])), (2, 2)), "got inf"),
    ],
)
def test_other_graphs_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        as_adjacency(given)


def test_small_integers_do_not_overflow_when_they_add_up():
    twice = coo_array((np.array([100, 100], np.int8), ([0, 0], [1, 1])), (2, 2))
    assert as_adjacency(twice)[0].weights.tolist() == [200]
    assert as_adjacency(csr_array(np.array([[0, 3], [3, 0]], np.uint8)))[0].weights.tolist() == [3, 3]
