"""What the quality of methods leaves to look at, and the figures of what is not trained."""

import gzip
import json
import os
import sys

import numpy as np
import pytest
from google.protobuf import text_format
from rich.console import Console
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench.methods import command, measures
from compare.bench.methods.figure import Figure, Runs, slug
from compare.bench.methods.images import images
from compare.bench.methods.measures import encodings, representation
from tf_emb.evaluate import measures as of_vectors
from tf_emb.vectors import Vectors

EYE = np.eye(4, dtype=np.float32)
VECTORS = Vectors(["a", "b", "c", "d"], EYE, {"kind": ["x", "y", "x", "y"]})
PLANTED = """
import numpy as np
from compare.bench.methods.figure import Figure
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
    monkeypatch.setattr(measures, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "compare.bench.methods.measures.planted", raising=False)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["bench", "methods", "--quick", "--out", str(out)])
    assert done.exit_code == 0, done.output
    (measured,) = json.loads((out / "methods.json").read_text())["measured"]
    first, second, third = measured["figures"]
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
from compare.bench.methods.figure import Figure

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
        monkeypatch.delitem(sys.modules, f"compare.bench.methods.measures.{name}", raising=False)
    monkeypatch.setattr(measures, "__path__", [str(tmp_path)])
    file = tmp_path / "out" / "methods.json"

    def call(*options):
        done = CliRunner().invoke(app, ["bench", "methods", "--out", str(file.parent), *options])
        measured = json.loads(file.read_text())["measured"] if file.exists() else []
        return done, [(of["key"], figure["measure"], figure["ours"]) for of in measured for figure in of["figures"]]

    done, figures = call("--row", "beta", "--seeds", "2")
    kept = [("beta", "F1", [2.0]), ("beta", "F2", [2.0])]
    assert (done.exit_code, figures) == (0, kept)
    done, figures = call("--resume", str(file), "--data", f"stop={tmp_path}")
    assert done.exit_code == 130
    assert "--resume" in done.stderr
    assert figures == [*kept, ("alpha", "F1", [3.0])]
    assert done.stdout.index("alpha") < done.stdout.index("beta")
    done, figures = call("--resume", str(file))
    assert (done.exit_code, figures) == (0, [*kept, ("alpha", "F1", [3.0]), ("alpha", "F2", [3.0])])
    assert "4 of 4 figures held" in done.stdout
    done, again = call("--resume", str(file), "--quick")
    assert (done.exit_code, again) == (2, figures)
    assert "that run had quick False, not True" in done.stderr


def test_methods_are_discovered_and_their_figures_judged(tmp_path, monkeypatch):
    (tmp_path / "judged.py").write_text(
        "from compare.bench.methods.figure import Figure\n"
        "def measure(seeds, paths, quick):\n"
        "    yield Figure('planted', str(sorted(paths)), 'F1', [0.5 for _ in seeds], 'a peer', [0.6], margin=0.05)\n"
        "    yield Figure('planted', str(quick), 'perplexity', [9.0], 'a peer', [9.5], higher=False)\n"
    )
    monkeypatch.setattr(measures, "__path__", [str(tmp_path)])
    options = ("--quick", "--seeds", "2", "--data", f"cora={tmp_path}", "--json", str(tmp_path / "copy.json"))
    done = CliRunner().invoke(app, ["bench", "methods", *options, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    (result,) = json.loads((tmp_path / "copy.json").read_text())["measured"]
    assert [(of["data"], len(of["ours"]), of["held"]) for of in result["figures"]] == [
        ("['cora']", 2, False),
        ("True", 1, True),
    ]
    assert done.stdout.splitlines()[-1] == "1 of 2 figures held"
    assert "✗ missed" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"), [(["--data", "cakes"], "`--data` must be NAME=PATH"), (["--row", "cakes"], "part of the name")]
)
def test_bad_input_is_refused_in_one_line(options, said, tmp_path):
    done = CliRunner().invoke(app, ["bench", "methods", "--quick", "--out", str(tmp_path), *options])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_table_fits_eighty_columns():
    values = [0.93441, 0.95662]
    said = {"ours": values, "theirs": values, "margin": 0.0294, "held": False, "higher": False}
    names = {"system": "graph vectors", "data": "x", "measure": "distance of the slope of log error by log D from -1/2"}
    figure = said | names | {"peer": "networkx 3.6.1, loop with alias tables", "projector": "a/b"}
    small = figure | {"ours": [0.00093441, 0.0013]}
    measured = [{"key": "graph", "whole": True, "figures": [figure, small], "projector": "out/projector"}]
    result = {"measured": measured, "settings": {"quick": False}, "machine": {"cpu": "x", "cores": 2}}
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        for part in command.tables(result):
            console.print(part)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "Vectors: tensorboard --logdir out/projector"
    assert any(line.split() == ["0.9455", "0.9455", "0.0294", "✗", "missed"] for line in lines)
    assert any(line.split() == ["0.9344..0.9566"] * 2 for line in lines)
    assert any(line.split() == ["0.00093..0.0013", "0.9344..0.9566"] for line in lines)


def test_the_first_vectors_of_a_system_on_its_data_are_logged(tmp_path):
    runs = Runs(tmp_path / "projector")
    first, again, other = (
        runs.log(Figure("s", data, "m", [1.0], "p", [1.0], vectors=Vectors(["a", "b", "c", "d"], matrix)))
        for data, matrix in (("one", EYE), ("one", EYE[::-1]), ("two", EYE[::-1]))
    )
    assert first == again != other
    np.testing.assert_array_equal(read(runs.logdir / first)[0], EYE)
    np.testing.assert_array_equal(read(runs.logdir / other)[0], EYE[::-1])


@pytest.mark.parametrize(("system", "folder"), [("image network, softmax", "image-network-softmax"), ("公主", "公主")])
def test_folders_are_named_by_systems(system, folder):
    assert slug(system) == folder


def test_words_of_features_are_shown_with_their_parts():
    figure = encodings.features()
    assert command.as_dict(figure)["held"]
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
    monkeypatch.setattr(of_vectors, "sparsity", lambda table: 0.2)
    data = next(representation.images({}))
    small = representation.Images(data.name, data.pixels[:60], data.classes[:60])
    found = {figure.measure: figure for figure in representation.beside("digits", small, lambda x, seed: x, [0])}
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
