"""Vectors without a browser: as pictures, and as Parquet."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import table

from tf_emb.projector import export_parquet, plot, plot_projection, views
from tf_emb.projector.align import fit_pca
from tf_emb.projector.parquet import nearest

WORDS = ["猫", "狗", "007", "$x$", "café", "a_b", "ψ", "一个很长的标签"]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_are_drawn_with_every_character(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    if not set(plot.CJK) & set(plot._installed()):
        pytest.skip("no Chinese font is installed (apt-get install fonts-noto-cjk)")
    path = plot_projection(
        tmp_path / f"v.{suffix}",
        {"一": table(8, 6), "two": -table(8, 6)},
        WORDS,
        title="词",
        columns={"kind": list("aabbccdd"), "count": range(8)},
    )
    data = path.read_bytes()
    if suffix == "png":
        from PIL import Image

        assert data.startswith(b"\x89PNG")
        assert np.asarray(Image.open(path).convert("L")).std() > 1  # something is drawn
    else:
        assert all(f"<!-- {text} -->" in data.decode() for text in ("词", "一: PCA"))


def test_characters_without_a_font_are_named() -> None:
    with pytest.raises(ValueError, match=r"characters that an installed font has; got '\U00013000'.*fonts-noto-cjk"):
        plot.family_for(["a", "\U00013000"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "v.jpg"}, "`path` must end in .png, .svg or .pdf; got 'v.jpg'"),
        ({"path": "v.png", "colour": "kind"}, "`colour` must be one of"),
    ],
)
def test_pictures_that_cannot_be_are_refused(tmp_path: Path, options: Any, message: str) -> None:
    path = tmp_path / options.pop("path")
    with pytest.raises(ValueError, match=message):
        plot_projection(path, table(3, 4), list("abc"), **options)
    assert not path.exists()


def test_parquet_has_what_embedding_atlas_reads(tmp_path: Path) -> None:
    from pyarrow import parquet

    path, values = tmp_path / "v.parquet", table(8, 6)
    lines = export_parquet(path, values, WORDS, columns={"count": range(8)}, view="pca", neighbors=3, top=6)
    assert lines[1] == f"embedding-atlas {path} --text label --x projection_x --y projection_y --neighbors neighbors"
    read = parquet.read_table(path).to_pydict()
    assert list(read) == ["label", "count", "row", "projection_x", "projection_y", "neighbors", "vector"]
    assert read["label"] == WORDS[2:]
    assert read["row"] == list(range(2, 8))
    np.testing.assert_array_equal(np.array(read["vector"], np.float32), values[2:])
    points = fit_pca(values[2:]).coordinates(values[2:])
    np.testing.assert_array_equal(np.array(read["projection_x"], np.float32), points[:, 0])
    assert [len(row["ids"]) for row in read["neighbors"]] == [3] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["v.parquet"]


def test_neighbours_are_exact() -> None:
    values = table(3000, 7)
    unit = values.astype("f8") / np.linalg.norm(values.astype("f8"), axis=1, keepdims=True)
    far = 1 - unit @ unit.T
    np.fill_diagonal(far, np.inf)
    ids, distances = nearest(values, 5)
    np.testing.assert_allclose(distances, np.sort(far, axis=1)[:, :5], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(far, ids, 1), distances, atol=1e-6)


def test_parquet_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"`path` must end in \.parquet"):
        export_parquet(tmp_path / "v.csv", table(3, 4), list("abc"))
    monkeypatch.setitem(views.LIBRARIES, "umap", "no_such_package")
    with pytest.raises(ImportError, match="UMAP needs the package"):
        export_parquet(tmp_path / "v.parquet", table(3, 4), list("abc"))
