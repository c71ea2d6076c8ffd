"""Which rows are shown, and where: rows chosen, views, bases, pictures."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import log, quiet, table

from tf_emb.projector import log_epochs, log_projection, log_side_by_side, views
from tf_emb.projector.align import distance, fit_pca, rotated_onto
from tf_emb.projector.sprites import MAX_SIDE, atlas, tile_size
from tf_emb.vectors import Vectors

WORDS = list("abcdef")


def shown(run: Path, column: int = 0) -> list[str]:
    return [line.split("\t")[column] for line in (run / "metadata.tsv").read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"top": 2}, "ab"),
        ({"top": 2, "columns": {"count": [1, 2, 9, 3, 9, 1]}}, "ce"),
        ({"top": 3, "columns": {"count": [1, 2, 9, 3, 9, 1]}, "include": ["a"]}, "ace"),
        ({"top": 2, "by": [0, 0, 0, 5, 0, 7]}, "df"),
        ({"top": 2, "columns": {"idf": [0, 9, 0, 8, 0, 0]}, "by": "idf"}, "bd"),
        ({"top": 2, "include": ["f", "e", "d"]}, "def"),
        ({"top": None}, "abcdef"),
    ],
)
def test_rows_are_chosen_by_frequency_and_by_name(tmp_path: Path, options: Any, expected: str) -> None:
    run = log(tmp_path, table(6, 4), WORDS, **options)
    assert shown(run) == list(expected)
    assert shown(run, -1) == [str(WORDS.index(letter)) for letter in expected]
    served = np.fromfile(run / "tensor_0.bytes", "<f4").reshape(-1, 4)
    np.testing.assert_array_equal(served, table(6, 4)[[WORDS.index(letter) for letter in expected]])


def test_counts_of_vectors_choose(tmp_path: Path) -> None:
    counted = Vectors(WORDS, table(6, 4), {"count": [1, 2, 9, 3, 9, 1]})
    for vectors in (counted, counted.keyed()):
        run = log(tmp_path, vectors, None, top=2)
        assert shown(run) == ["c", "e"]
        assert shown(run, 1) == ["9", "9"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"include": ["z", "y"]}, r"`include` must name labels; got 'z', .*\(2 such words\)"),
        ({"by": "idf"}, r"`by` must be the name of a column of numbers, .* got 'idf'"),
        ({"by": [1, 2]}, r"`by` must be .* or 6 numbers; got numbers of shape \(2,\)"),
        ({"views": ("pcb",)}, "`views` must be of pca, umap, tsne; got 'pcb'"),
        ({"views": {"mine": table(6, 4)}}, r"`views\['mine'\]` must be finite, of shape \(6, 2 or 3\).*\(6, 4\)"),
        ({"views": {"mine": np.full((6, 2), np.nan)}}, r"`views\['mine'\]` must be finite"),
        ({"normalize": "yes"}, "`normalize` must be 'auto', True or False; got 'yes'"),
        ({"sprites": np.zeros((5, 8, 8))}, r"`sprites` must have shape \(6, height, width\).* got \(5, 8, 8\)"),
        ({"sprites": np.full((6, 8, 8), 7.0)}, "`sprites` must be uint8, or floats from 0 to 1; got float64 from 7.0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log(tmp_path / "logs", table(6, 4), WORDS, **options)
    assert not (tmp_path / "logs").exists()


def test_a_missing_library_is_named_and_the_default_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(views.LIBRARIES, "umap", "no_such_package")
    with pytest.raises(ImportError, match=r"UMAP needs the package no_such_package: pip install 'tf-emb\[projector\]'"):
        log(tmp_path, table(6, 4), WORDS, views=("umap",))
    lines: list[str] = []
    run = log_projection(tmp_path, table(6, 4), WORDS, say=lines.append)
    assert [state["label"] for state in json.loads((run / "bookmarks_0.json").read_text())] == ["PCA"]
    assert "Left out: UMAP needs" in "\n".join(lines)


def test_pca_is_scikit_learns(tmp_path: Path) -> None:
    from sklearn.decomposition import PCA

    values = table(200, 30) * np.geomspace(1, 30, 30)
    theirs = PCA(10, svd_solver="full").fit(values.astype(np.float64))
    ours = fit_pca(values)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, rtol=1e-10)
    assert np.allclose(np.abs(np.sum(ours.axes * theirs.components_.T, axis=0)), 1, rtol=0, atol=1e-10)
    assert (ours.axes[np.abs(ours.axes).argmax(axis=0), range(10)] > 0).all()
    np.testing.assert_allclose(
        np.abs(ours.coordinates(values)), np.abs(theirs.transform(values.astype(np.float64))), rtol=1e-5, atol=1e-4
    )


def test_the_best_rotation_undoes_a_rotation() -> None:
    values = table(50, 8).astype(np.float64)
    turned = values @ np.linalg.qr(table(8, 8).astype(np.float64))[0] + 3
    assert distance(turned, values) > 1
    assert distance(rotated_onto(turned, values), values) < 1e-14
    longer = rotated_onto(2 * turned, values)
    assert distance(longer, values) == pytest.approx(1)  # never made shorter


def clusters(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows around four directions, and which of them."""
    random = np.random.default_rng(1)
    kinds = random.integers(0, 4, rows)
    return (random.normal(size=(4, 20))[kinds] + 0.05 * random.normal(size=(rows, 20))).astype(np.float32), kinds


@pytest.mark.parametrize("name", ["umap", "tsne"])
def test_views_by_libraries_keep_neighbours_together(name: str) -> None:
    values, kinds = clusters(120)
    values *= np.random.default_rng(2).uniform(0.1, 10, (120, 1)).astype(np.float32)  # the cosine does not mind
    points = views.compute(name, values).points
    assert points.shape == (120, 2)
    assert points.dtype == np.float32
    far = np.linalg.norm(points[:, None] - points[None], axis=2) + np.diag(np.full(120, np.inf))
    assert (kinds[far.argmin(axis=1)] == kinds).mean() > 0.95


def test_views_of_a_few_rows_do_not_break() -> None:
    for name in ("pca", "umap", "tsne"):
        assert np.isfinite(views.compute(name, table(4, 3)).points).all()


def test_bookmarks_have_every_key_and_leave_no_tab_empty(tmp_path: Path) -> None:
    run = log(tmp_path, table(6, 12), WORDS, views={"flat": table(6, 2), "deep": table(6, 3)})
    for state in json.loads((run / "bookmarks_0.json").read_text()):
        assert {f"custom{a}{k}" for a in ("XLeft", "XRight", "YUp", "YDown") for k in ("Text", "Regex")} <= set(state)
        assert state["selectedPoints"] == []
        assert "shuffledDataIndices" not in state
        assert state["selectedProjection"] != "tsne"
        ours = fit_pca(table(6, 12)).coordinates(table(6, 12))
        kept = [[point[f"pca-{i}"] for i in range(10)] for point in state["projections"]]
        np.testing.assert_array_equal(np.array(kept, np.float32), ours)


def coordinates(run: Path, tensor: int) -> dict[str, np.ndarray]:
    """Return the first three components of every bookmark, by label."""
    states = json.loads((run / f"bookmarks_{tensor}.json").read_text())
    return {
        state["label"]: np.array([[p[f"pca-{i}"] for i in range(3)] for p in state["projections"]], np.float32)
        for state in states
    }


def test_epochs_are_on_one_basis_and_words_have_ways(tmp_path: Path) -> None:
    tables = {epoch: epoch * table(6, 50) + epoch for epoch in (1, 2, 10)}
    counts = {"count": [1, 2, 9, 3, 9, 1]}
    run = log_epochs(tmp_path, tables, WORDS, columns=counts, paths=2, include=["a"], say=quiet)
    basis = fit_pca(tables[10])
    found = coordinates(run, 0)
    assert list(found) == ["epoch 1", "epoch 2", "epoch 10"]
    for epoch, values in tables.items():
        np.testing.assert_array_equal(found[f"epoch {epoch}"], basis.coordinates(values)[:, :3])
    np.testing.assert_array_equal(np.fromfile(run / "tensor_0.bytes", "<f4").reshape(6, 50), tables[10])
    header, *rows = [line.split("\t") for line in (run / "metadata_1.tsv").read_text().splitlines()]
    assert header == ["label", "word", "epoch", "__seq_next__", "row"]
    assert [row[0] for row in rows[:4]] == ["a (1)", "c (1)", "e (1)", "a (2)"]
    assert [row[1] for row in rows] == ["a", "c", "e"] * 3
    assert [row[3] for row in rows] == ["3", "4", "5", "6", "7", "8", "-1", "-1", "-1"]


def test_spaces_lie_side_by_side_on_one_basis(tmp_path: Path) -> None:
    one = table(6, 50)
    other = one + np.float32(1e-6) * table(6, 50)
    lines: list[str] = []
    run = log_side_by_side(tmp_path, {"one": one, "other": other, "same": one.copy()}, WORDS, say=lines.append)
    basis = fit_pca(one)
    together, first, second, third = (coordinates(run, i)["PCA, one basis for all"] for i in range(4))
    for found, values in [(first, one), (second, other), (third, one)]:
        np.testing.assert_array_equal(found, basis.coordinates(values)[:, :3])
    np.testing.assert_array_equal(together, np.concatenate([first, second, third]))
    difference = np.fromfile(run / "tensor_4.bytes", "<f4").reshape(6, 50)
    np.testing.assert_array_equal(difference, (other.astype("f8") - one.astype("f8")).astype("f4"))
    assert not list(run.glob("tensor_5*"))
    assert distance(other, one) == pytest.approx(1.1e-6, rel=0.05)
    assert f"other is {distance(other, one):.2g} of one's spread away from it." in lines
    assert "same is one, bit for bit; there is no difference to show." in lines


def test_spaces_that_began_differently_are_turned_onto_the_first(tmp_path: Path) -> None:
    one = table(6, 50)
    turned = (one.astype("f8") @ np.linalg.qr(table(50, 50).astype("f8"))[0]).astype("f4")
    run = log_side_by_side(tmp_path, {"one": one, "turned": turned}, WORDS, align=True, say=quiet)
    first, second = (coordinates(run, i)["PCA, one basis for all"] for i in (1, 2))
    np.testing.assert_allclose(second, first, atol=1e-5)
    np.testing.assert_array_equal(np.fromfile(run / "tensor_2.bytes", "<f4").reshape(6, 50), turned)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: log_side_by_side(path, {"one": table(6, 4)}, WORDS), "`spaces` must be two or more"),
        (lambda path: log_side_by_side(path, {"a": table(6, 4), "b": table(6, 5)}, WORDS), "tables of one dim; got"),
        (lambda path: log_epochs(path, {1: table(6, 4), 2: table(6, 5)}, WORDS), "tables of one dim; got"),
    ],
)
def test_spaces_that_cannot_be_compared_are_refused(tmp_path: Path, call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(tmp_path)


@pytest.mark.parametrize(
    ("width", "height", "rows"), [(8, 8, 100), (28, 28, 10_000), (300, 200, 100_000), (9000, 2, 2)]
)
def test_pictures_always_fit(width: int, height: int, rows: int) -> None:
    side = int(np.ceil(np.sqrt(rows)))
    tile = tile_size(width, height, side)
    assert side * max(tile) <= MAX_SIDE
    assert min(tile) >= 1
    assert max(tile) >= min(max(width, height), MAX_SIDE // side)  # and no smaller than need be


def test_pictures_stand_where_the_page_looks_for_them() -> None:
    from PIL import Image

    pictures = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((6, 30, 40), np.uint8) * 40
    data, (width, height) = atlas(pictures, np.array([5, 1, 2, 3, 4]), 6)
    sheet = np.asarray(Image.open(io.BytesIO(data)))
    assert (width, height) == (40, 30)
    assert sheet.shape == (90, 120, 4)  # 3 x 3: as many across as down
    for place, row in enumerate([5, 1, 2, 3, 4]):
        assert (
            sheet[place // 3 * 30 : place // 3 * 30 + 30, place % 3 * 40 : place % 3 * 40 + 40, 0] == 40 * row
        ).all()
    assert (sheet[60:, 80:, 3] == 0).all()
