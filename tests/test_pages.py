"""What comes in with labels, .npy tables, runs of the projector, checkpoints and .keras files: used, or one line."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import log, table
from typer.testing import CliRunner

from tf_emb.cli import app
from tf_emb.projector import check_projection
from tf_emb.projector.inputs import read_array, read_labels

SCRIPT = "<script>alert(1)</script>"


def test_only_line_feeds_end_a_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes("\ufeffa\r\nb\u2028c\u0085d\x0be\x0cf\n\n\r\n".encode())
    assert read_labels(path) == ["a", "b\u2028c\u0085d\x0be\x0cf", "", ""]
    path.write_bytes(b"a\nb\xff\n")
    with pytest.raises(ValueError, match=r"labels\.txt, line 2 of which holds the byte 0xff"):
        read_labels(path)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 300)}",
            "must hold the 1,200,000,000,000 bytes",
        ),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (2, 2)}", "must hold numbers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}", "has no shape"),
        ("{'descr': 'x'", "has no heading of NumPy"),
    ],
)
def test_what_a_npy_file_claims_is_held_against_its_bytes(tmp_path: Path, header: str, said: str) -> None:
    path = tmp_path / "v.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(16))
    with pytest.raises(ValueError, match=said):
        read_array(path)
    for whole in (table(4, 3), np.asfortranarray(table(4, 3))):
        np.save(path, whole)
        np.testing.assert_array_equal(read_array(path), whole)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--image", "v.npy"], "`--image` must end in"),
        (["--image", "gone/a.png"], "`--image` must lie in a folder"),
        (["--image", "folder.png"], "`--image` must be a file"),
        (["--image", "link.png"], "`--image` must be another file than what is read"),
        (["--export", "gone/a.parquet"], "`--export` must lie in a folder"),
        (["--logdir", "labels.txt"], "`--logdir` must be a folder"),
        (["--labels", "five.txt"], r"one label for each row, 4; got 5"),
    ],
)
def test_project_refuses_before_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", table(4, 3))
    Path("labels.txt").write_text("a\nb\nc\nd\n")
    Path("five.txt").write_text("a\nb\nc\nd\ne\n")
    Path("folder.png").mkdir()
    Path("link.png").symlink_to("labels.txt")
    if "five.txt" not in options:
        monkeypatch.setattr("tf_emb.commands.project.load", lambda *_: pytest.fail("the vectors were read"))
    done = CliRunner().invoke(app, ["project", "v.npy", "--labels", "labels.txt", "--views", "pca", *options])
    assert isinstance(done.exception, SystemExit | ValueError), done.exception
    assert re.search(said, " ".join((done.output + str(done.exception)).split()))
    assert Path("labels.txt").read_text() == "a\nb\nc\nd\n"
    assert not Path("logs").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../b", "a\0b", "a#b&c+d%20", "..", "n" * 5000, "\ud800"])
def test_a_run_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    run = log(tmp_path / "logs", table(3, 60), ["a", "b", SCRIPT], name=name)
    assert run.parent == tmp_path / "logs"
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert SCRIPT in (run / "metadata.tsv").read_text().split("\n")[3]
    assert check_projection(tmp_path / "logs") == []


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from projector_sample import log, table
import tf_emb.projector.run as run
run._write_event = lambda _: os.kill(os.getpid(), signal.SIGKILL)
log({logdir!r}, table(3, 60), ["a", "b", "c"], name="killed")
"""


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "notes.txt").write_text("mine")
    (own / ".tf-emb-0123456789abcdef.part").touch()
    code = KILLED.format(tests=str(Path(__file__).parent), logdir=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("killed-*")
    assert not list(left.glob("*tfevents*"))
    run = log(tmp_path, table(3, 60), ["a", "b", "c"], name="next")
    assert not left.exists()
    assert (own / "notes.txt").read_text() == "mine"
    assert check_projection(tmp_path) == []
    assert not list(run.glob(".*"))


def odd_runs() -> dict[str, tuple[str, bytes, str]]:
    """Return files of a run that anybody may have written, and what is said of them."""
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (10**9).to_bytes(4, "big") * 2 + bytes(13)
    return {
        "null": ("bookmarks_0.json", b"null", "its bookmarks must be a list; got null"),
        "one": ("bookmarks_0.json", b"1", "its bookmarks must be a list; got a number"),
        "ones": ("bookmarks_0.json", b"[1]", "bookmark 0 must be an object; got a number"),
        "deep": ("bookmarks_0.json", b"[" * 200_000, "its bookmarks cannot be read"),
        "not UTF-8": ("bookmarks_0.json", b"\xff\xfe", "its bookmarks cannot be read"),
        "pixels": ("sprite_0.png", png, "its pictures cannot be read"),
        "steering": (
            "projector_config.pbtxt",
            b'embeddings { tensor_name: "\x1b[2J',
            "TensorBoard answers with an error",
        ),
    }


@pytest.mark.parametrize("name", odd_runs())
def test_any_run_is_said_in_lines(tmp_path: Path, name: str) -> None:
    file, data, said = odd_runs()[name]
    run = log(tmp_path, table(4, 60), list("abcd"), views={"own": table(4, 2)}, sprites=np.zeros((4, 8, 8)))
    (run / file).write_bytes(data)
    problems = check_projection(tmp_path)
    assert any(said in problem for problem in problems), problems
    assert all(problem.isprintable() for problem in problems)


def test_a_pipe_in_a_run_is_not_waited_for(tmp_path: Path) -> None:
    run = log(tmp_path, table(4, 60), list("abcd"))
    (run / "metadata.tsv").unlink()
    os.mkfifo(run / "metadata.tsv")
    (problem,) = check_projection(tmp_path)
    assert "metadata.tsv is not a file" in problem


@pytest.mark.parametrize(
    ("key", "value"),
    [("input_dim", "6"), ("input_dim", 10**40), ("padding_idx", [1]), ("max_norm", "x"), ("trainable_rows", {"a": 1}),
     ("mask_zero", "yes"), ("embeddings_initializer", 3), ("unknown", 1), ("dtype", {"x": 1}), ("name", None)],
)  # fmt: skip
def test_layers_take_configurations_of_their_kind_only(key: str, value: Any) -> None:
    from tf_emb.layers import Embedding

    config = Embedding(6, 4, padding_idx=0).get_config()
    assert Embedding.from_config(config).padding_idx == 0
    with pytest.raises(ValueError, match=r"^`.+Save the model again"):
        Embedding.from_config(config | {key: value})


def test_a_table_that_does_not_fit_is_refused_before_it_is_made() -> None:
    from tf_emb.layers import Embedding

    with pytest.raises(ValueError, match=r"A table of 2,147,483,647 x 4,000 numbers must fit in memory: about 34"):
        Embedding.from_config(Embedding(6, 4).get_config() | {"input_dim": 2**31 - 1, "output_dim": 4000})


def test_code_in_a_model_is_not_run(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"[Ll]ambda"):
        keras.models.load_model(tmp_path / "m.keras")


def encoder_folder(folder: Path) -> dict[str, Any]:
    from compare.reliability.surfaces.pages import encoder_files

    for name, data in encoder_files().items():
        (folder / name).write_bytes(data)
    return json.loads(encoder_files()["config.json"])


@pytest.mark.parametrize(
    ("change", "said"),
    [({"vocab_size": 10**9}, "must have the shape"), ({"num_hidden_layers": 10**9}, "`num_hidden_layers` must be"),
     ({"hidden_size": "4"}, "`hidden_size` must be a whole number"),
     ({"intermediate_size": 10**9}, "must have the shape"),
     ({"layer_norm_eps": None}, "`layer_norm_eps` must lie"), ({"num_attention_heads": 3}, "`heads` must divide")],
)  # fmt: skip
def test_sizes_of_a_checkpoint_are_held_against_its_weights(tmp_path: Path, change: Any, said: str) -> None:
    from tf_emb.methods.text_encoder import TextEncoder

    config = encoder_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ValueError, match=said):
        TextEncoder.pretrained(tmp_path)


def test_a_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    from tf_emb.methods.text_encoder import TextEncoder, WordPiece

    encoder_folder(tmp_path)
    whole = TextEncoder.pretrained(tmp_path).pieces
    text = (tmp_path / "vocab.txt").read_bytes()
    (tmp_path / "vocab.txt").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert WordPiece.read(tmp_path / "vocab.txt") == whole
    (tmp_path / "vocab.txt").write_bytes(text + b"a\n")
    with pytest.raises(ValueError, match="must hold each piece once"):
        TextEncoder.pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"`model\.safetensors` must be a whole file"):
        TextEncoder.pretrained(tmp_path)
