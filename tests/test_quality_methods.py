"""What the quality of methods leaves to look at, and the figures of what is not trained."""

import gzip
import json
import sys

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench import methods
from compare.bench.figure import Figure
from compare.bench.methods import encodings, representation
from compare.bench.methods import subject as every_method
from compare.bench.peers.images import images
from compare.bench.runs import Runs, slug
from tf_emb.vectors import Vectors

EYE = np.eye(4, dtype=np.float32)
VECTORS = Vectors(["a", "b", "c", "d"], EYE, {"kind": ["x", "y", "x", "y"]})
PLANTED = """
import numpy as np
from compare.quality.figure import Figure
from tf_emb.vectors import Vectors

def measure(seeds, paths, quick):
    vectors = Vectors(["a", "b", "c", "d"], np.eye(4, dtype=np.float32), {"kind": ["x", "y", "x", "y"]})
    pictures = np.zeros((4, 2, 2))
    yield Figure("a method, planted", "some data", "F1", [1.0], "a peer", [1.0], vectors=vectors, pictures=pictures)
    yield Figure("a method, planted", "some data", "F2", [1.0], "a peer", [1.0])
    yield Figure("another", "some data", "F1", [1.0], "a peer", [1.0])
"""


def read(run):
    """Return a run's only tensor, its metadata by line, and its entry in the configuration."""
    config = text_format.Parse((run / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (entry,) = config.embeddings
    tensor = np.frombuffer((run / entry.tensor_path).read_bytes(), np.float32).reshape(entry.tensor_shape)
    return tensor, (run / entry.metadata_path).read_text().splitlines(), entry


def test_the_command_leaves_the_vectors_of_every_system(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text(PLANTED)
    monkeypatch.setattr(methods, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "compare.bench.methods.planted", raising=False)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["quality", "--subject", "methods", "--quick", "--out", str(out)])
    assert done.exit_code == 0, done.output
    first, second, third = json.loads((out / "quality.json").read_text())["figures"]
    assert first["projector"].startswith("a-method-planted/some data-")
    assert (second["projector"], third["projector"]) == (first["projector"], None)
    assert {"vectors", "pictures"}.isdisjoint(first)
    assert f"Vectors: tensorboard --logdir {out / 'projector'}" in done.stdout
    assert [path.name for path in (out / "projector").iterdir()] == ["a-method-planted"]
    tensor, metadata, entry = read(out / "projector" / first["projector"])
    np.testing.assert_array_equal(tensor, EYE)
    assert [line.rsplit("\t", 1)[0] for line in metadata] == ["label\tkind", "a\tx", "b\ty", "c\tx", "d\ty"]
    assert entry.sprite.image_path
    assert entry.bookmarks_path


TWICE = """
from compare.quality.figure import Figure

def measure(seeds, paths, quick):
    yield Figure("{name}", "some data", "F1", [float(len(seeds))], "a peer", [1.0])
    if "stop" in paths:
        raise KeyboardInterrupt
    yield Figure("{name}", "some data", "F2", [float(len(seeds))], "a peer", [1.0])
"""


def test_a_run_goes_on_with_what_it_has_not_measured_whole(tmp_path, monkeypatch):
    names = ["alpha", "beta"]
    for name in names:
        (tmp_path / f"{name}.py").write_text(TWICE.format(name=name))
        monkeypatch.delitem(sys.modules, f"compare.bench.methods.{name}", raising=False)
    monkeypatch.setattr(methods, "__path__", [str(tmp_path)])
    file = tmp_path / "out" / "quality.json"

    def call(*options):
        start = ["quality", "--subject", "methods", "--out", str(file.parent), *options]
        done = CliRunner().invoke(app, start)
        figures = json.loads(file.read_text())["figures"] if file.exists() else []
        return done, [(of["method"], of["measure"], of["ours"]) for of in figures]

    done, figures = call("--row", "beta", "--seeds", "2")
    assert (done.exit_code, figures) == (0, [("beta", "F1", [2.0]), ("beta", "F2", [2.0])])
    done, figures = call("--resume", str(file), "--data", f"stop={tmp_path}")
    assert done.exit_code == 130
    assert "--resume" in done.stderr
    assert figures[2:] == [("alpha", "F1", [3.0])]
    assert done.stdout.index("alpha") < done.stdout.index("beta")
    done, figures = call("--resume", str(file))
    kept = [("beta", "F1", [2.0]), ("beta", "F2", [2.0])]
    assert (done.exit_code, figures) == (0, [*kept, ("alpha", "F1", [3.0]), ("alpha", "F2", [3.0])])
    assert "4 of 4 figures held" in done.stdout
    done, again = call("--resume", str(file), "--quick")
    assert (done.exit_code, again) == (2, figures)
    assert "that run had quick False, not True" in done.stderr
    done, _ = call("--resume", __file__)
    assert (done.exit_code, "`--resume` must be a quality.json of methods" in done.stderr) == (2, True)


def test_the_first_vectors_of_a_system_on_its_data_are_logged(tmp_path):
    runs = Runs(tmp_path / "projector")
    assert runs.how_to_look() == ""
    first, again, other = (
        runs.log(Figure("s", data, "m", [1.0], "p", [1.0], vectors=Vectors(["a", "b", "c", "d"], matrix)))
        for data, matrix in (("one", EYE), ("one", EYE[::-1]), ("two", EYE[::-1]))
    )
    assert first == again != other
    np.testing.assert_array_equal(read(runs.logdir / first)[0], EYE)
    np.testing.assert_array_equal(read(runs.logdir / other)[0], EYE[::-1])
    assert runs.how_to_look() == f"Vectors: tensorboard --logdir {tmp_path / 'projector'}"


@pytest.mark.parametrize(("system", "folder"), [("image network, softmax", "image-network-softmax"), ("公主", "公主")])
def test_folders_are_named_by_systems(system, folder):
    assert slug(system) == folder


def test_words_of_features_are_shown_with_their_parts():
    figure = encodings.features()
    assert every_method.as_dict(figure)["held"]
    assert list(figure.vectors.labels) == ["公主", "王妃", "公", "主", "王", "妃", "皇帝", "宫里", "女"]
    kinds = np.array(figure.vectors.columns["kind"])
    word, characters = (figure.vectors.matrix[kinds == kind] for kind in ("word", "character"))
    np.testing.assert_array_equal(characters[::2] + characters[1::2], word)


@pytest.fixture(scope="module")
def measured():
    return list(representation.measure(range(1), {}, quick=True))


def test_measures_of_a_representation_are_those_of_other_libraries(measured):
    assert [figure for figure in measured if not figure.held] == []
    assert len(measured) == 3 * (len(representation.PEERS) + 1) + 3
    furthest = [figure.ours[0] for figure in measured if figure.measure == "largest difference of all"]
    assert 0 < max(furthest) < representation.ROUNDING


def test_a_table_gives_its_vectors_and_its_pictures(measured):
    shown = {figure.data: figure for figure in measured if figure.vectors is not None}
    assert list(shown) == ["digits, pixels", "digits, PCA 16", "digits, random projection 16"]
    for figure in shown.values():
        assert len(figure.pictures) == len(figure.vectors.labels) == representation.QUICK


def test_another_measure_would_be_missed(monkeypatch):
    # The package's attribute of that name is the function.
    monkeypatch.setattr(sys.modules["tf_emb.evaluate.representation"], "sparsity", lambda table: 0.2)
    data = next(representation.images({}))
    small = representation.Images(data.name, data.pixels[:60], data.classes[:60])
    found = {figure.measure: figure for figure in representation.beside("digits", small, representation.pixels, [0])}
    assert not found["sparsity"].held
    assert not found["largest difference of all"].held
    assert found["isotropy"].held


def test_pictures_by_path_come_behind_those_that_scikit_learn_has(tmp_path):
    drawn = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8)
    with gzip.open(tmp_path / "t10k-images-idx3-ubyte.gz", "wb") as file:
        file.write(bytes(16) + drawn.tobytes())
    with gzip.open(tmp_path / "t10k-labels-idx1-ubyte.gz", "wb") as file:
        file.write(bytes(8) + bytes([7, 0, 9]))
    digits, mnist = images({"mnist": tmp_path})
    assert [of.name for of in images({})] == [digits.name]
    assert (digits.pixels.shape, digits.pixels.max()) == ((1797, 8, 8), 1)
    np.testing.assert_array_equal(mnist.pixels, (drawn.reshape(3, 28, 28) / 255).astype(np.float32))
    np.testing.assert_array_equal(mnist.classes, [7, 0, 9])
