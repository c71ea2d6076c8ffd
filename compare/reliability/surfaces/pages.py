"""Label files, runs of the projector, .npy tables, .keras files and checkpoints of a text encoder, mutated."""

import contextlib
import functools
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from compare.reliability.surface import Surface
from tf_emb.commands.project import load
from tf_emb.projector.inputs import check_count, read_labels

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 10**9, 2**31, 2**63, 10**40, 0.5, -1.5, 1e309),
    *("", "x", "é\u2028\x1b", "nan", "../x", [], [1], {}, {"x": 1}, [None], [[[]]]),
)
LINES = ("a", "", "é", "a\u2028b", "a\u0085b", "a\x0bb\x0c", "\ufeffa", "\t", "\r", "0", "<script>alert(1)</script>")
HEADERS = ("10000000, 3", "1000000000, 3", "-1, 3", "3,", "2, 2", "6, 1000000000000", "0, 3", "3, 6", "")
DTYPES = ("<f4", "<f8", "|O", "<U4", ">f4", "<i8", "<c8", "|V12", "<M8[s]", "f999", "|b1", "<f2", "[('a','<f4')]")


def pick(random: np.random.Generator, choices: Any) -> Any:
    """Return one of the choices."""
    return choices[int(random.integers(len(choices)))]


def damaged(random: np.random.Generator, data: bytes) -> bytes:
    """Return bytes with a few of them flipped, cut off, put in, doubled or gone."""
    for _ in range(random.integers(1, 4)):
        at, length = random.integers(len(data) + 1), random.integers(1, 9)
        middle = (
            bytes([data[at] ^ (1 << int(random.integers(8)))]) + data[at + 1 : at + length]
            if at < len(data)
            else b"\0",
            random.bytes(int(length)),
            b"",
            data[at : at + length] * 2,
        )
        kind = random.integers(5)
        data = data[:at] if kind == 4 else data[:at] + middle[kind] + data[at + length :]
    return data


def altered(random: np.random.Generator, tree: Any) -> Any:
    """Return what JSON holds with one value in it replaced, renamed, doubled or gone."""
    if not isinstance(tree, dict | list) or not tree or random.random() < 0.1:
        return pick(random, VALUES)
    if isinstance(tree, list):
        at = int(random.integers(len(tree)))
        return [*tree[:at], altered(random, tree[at]), *tree[at + 1 :]]
    key = pick(random, list(tree))
    if random.random() < 0.1:
        return {name: value for name, value in tree.items() if name != key}
    return tree | {pick(random, ("x", key, key, key, key, key, key, key)): altered(random, tree[key])}


def label_file(random: np.random.Generator, folder: Path) -> Path:
    """Make a file of six labels or so."""
    lines = [pick(random, LINES) for _ in range(pick(random, (6, 6, 5, 7)))]
    data = "".join(line + pick(random, ("\n", "\n", "\r\n")) for line in lines).encode()
    data = damaged(random, data) if random.random() < 0.5 else data
    (folder / "labels.txt").write_bytes(data)
    return folder / "labels.txt"


def read_the_labels(path: Path) -> None:
    """Read six labels."""
    labels = read_labels(path)
    check_count(labels, 6, path)
    if [label for label in labels if "\n" in label]:
        raise AssertionError("a label holds two lines")


def npy_file(random: np.random.Generator, folder: Path) -> Path:
    """Make a .npy file whose header claims something, or whose bytes are damaged."""
    header = f"{{'descr': '{pick(random, DTYPES)}', 'fortran_order': {pick(random, ('False', 'True', '1', 'x'))}, "
    header += f"'shape': ({pick(random, HEADERS)}), }}"
    if random.random() < 0.5:
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 3), }"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + random.bytes(72)
    (folder / "v.npy").write_bytes(damaged(random, data) if random.random() < 0.7 else data)
    (folder / "labels.txt").write_text("a\nb\nc\nd\ne\nf\n")
    return folder / "v.npy"


def read_the_array(path: Path) -> None:
    """Read a .npy file with labels, as `tf-emb project` does."""
    load(path, path.with_name("labels.txt"))


@functools.cache
def run_files() -> dict[str, bytes]:
    """Return the files of a run that uses everything."""
    from tf_emb.projector import log_projection

    table = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    with tempfile.TemporaryDirectory() as parent:
        run = log_projection(
            parent, table, list("abcdef"), columns={"count": range(6)}, sprites=np.zeros((6, 8, 8)),
            views={"flat": table[:, :2]}, say=lambda _: None,
        )  # fmt: skip
        check_the_run(Path(parent))  # which loads TensorBoard
        return {path.name: path.read_bytes() for path in run.iterdir()}


def projector_run(random: np.random.Generator, folder: Path) -> Path:
    """Make a run with a file or two that are damaged, or say something else."""
    files = dict(run_files())
    for _ in range(random.integers(1, 3)):
        name = pick(random, sorted(files))
        if name.endswith(".json") and random.random() < 0.7:
            changed = altered(random, json.loads(run_files()[name]))
            files[name] = pick(
                random, (json.dumps(changed), "[" * 100_000, "1" * 5000)[: 1 + random.integers(3)]
            ).encode()
        elif name.endswith(".png") and random.random() < 0.5:
            files[name] = files[name][:16] + random.bytes(8) + files[name][24:]
        elif name.endswith(".pbtxt") and random.random() < 0.7:
            lines = files[name].decode().split("\n")
            at = random.integers(len(lines))
            key = lines[at].partition(":")[0]
            lines[at] = f"{key}: {json.dumps(pick(random, VALUES))}" if random.random() < 0.7 else ""
            files[name] = "\n".join(lines).encode()
        else:
            files[name] = damaged(random, files[name])
    run = folder / "logs" / "run"
    run.mkdir(parents=True)
    for name, data in files.items():
        (run / name).write_bytes(data)
    return folder / "logs"


def check_the_run(logdir: Path) -> None:
    """Check a run; whatever is said of it is one line each."""
    from tf_emb.files import printable
    from tf_emb.projector import check_projection

    with contextlib.redirect_stderr(io.StringIO()):
        problems = check_projection(logdir)
    for problem in problems:
        if printable(problem) != problem or len(problem) > 2000:
            raise AssertionError(f"not one line: {problem[:100]!r}")


@functools.cache
def encoder_files() -> dict[str, bytes]:
    """Return the three files of a tiny checkpoint."""
    from safetensors.numpy import save

    from tf_emb.methods.text_encoder.checkpoint import _is_kernel, named_weights
    from tf_emb.methods.text_encoder.encoder import Encoder

    named = named_weights(Encoder(8, 4, layers=1, heads=2, inner=4, positions=8, seed=0))
    arrays = {name: value.numpy() for name, value in named.items()}
    arrays = {name: np.ascontiguousarray(a.T if _is_kernel(name) else a) for name, a in arrays.items()}
    config = {
        "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 4,
        "max_position_embeddings": 8, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "model_type": "bert",
        "hidden_act": "gelu", "position_embedding_type": "absolute",
    }  # fmt: skip
    vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##c\n"
    return {
        "config.json": json.dumps(config).encode(), "model.safetensors": save(arrays), "vocab.txt": vocabulary.encode(),
    }  # fmt: skip


def checkpoint(random: np.random.Generator, folder: Path) -> Path:
    """Make a checkpoint one of whose files is damaged, or says something else."""
    files = dict(encoder_files())
    name = pick(random, sorted(files))
    data = files[name]
    if name == "config.json" and random.random() < 0.7:
        data = json.dumps(altered(random, json.loads(data))).encode()
    elif name == "model.safetensors" and random.random() < 0.7:
        size = struct.unpack("<Q", data[:8])[0]
        header = json.dumps(altered(random, json.loads(data[8 : 8 + size]))).encode()
        data = struct.pack("<Q", len(header)) + header + data[8 + size :]
    else:
        data = damaged(random, data)
    for other, content in (files | {name: data}).items():
        (folder / other).write_bytes(content)
    return folder


def load_the_checkpoint(folder: Path) -> None:
    """Load a text encoder."""
    from tf_emb.methods.text_encoder import TextEncoder

    TextEncoder.pretrained(folder)


@functools.cache
def keras_files() -> list[bytes]:
    """Return models that use our layers."""
    import keras

    from tf_emb import layers

    def saved(build: Callable[[Any], Any]) -> bytes:
        ids = keras.Input((3,), dtype="int32")
        model = keras.Model(ids, build(ids))
        with tempfile.TemporaryDirectory() as parent:
            model.save(Path(parent) / "m.keras")
            return (Path(parent) / "m.keras").read_bytes()

    table = layers.Embedding(6, 4, padding_idx=0, name="words")
    return [
        saved(layers.Embedding(6, 4, padding_idx=0, max_norm=1.0, trainable_rows=[1, 2])),
        saved(layers.EmbeddingBag(6, 4, combiner="sum")),
        saved(lambda ids: layers.FullSoftmax(tied_to=table)(table(ids))),
        saved(lambda ids: layers.FullSoftmax(5)(layers.Embedding(6, 4)(ids))),
        saved(layers.OneHotDense(6, 4)),
    ]


def keras_file(random: np.random.Generator, folder: Path) -> Path:
    """Make a .keras file in which the configuration of one of our layers is altered, or bytes are damaged."""
    source = zipfile.ZipFile(io.BytesIO(pick(random, keras_files())))
    files = {name: source.read(name) for name in source.namelist()}
    config = json.loads(files["config.json"])
    ours = [layer for layer in config["config"]["layers"] if str(layer["registered_name"]).startswith("tf_emb>")]
    layer = pick(random, ours)
    part = pick(random, ("config", "config", "config", "build_config"))
    key = pick(random, sorted(layer[part])) if isinstance(layer.get(part), dict) and layer[part] else None
    if key is not None:
        layer[part][key] = altered(random, layer[part][key])
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(folder / "m.keras", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / "m.keras"


def load_the_model(path: Path) -> None:
    """Load a model in safe mode."""
    import keras

    from tf_emb import layers  # noqa: F401  # registers them

    keras.models.load_model(path, compile=False)


SURFACES = [
    Surface("label files", label_file, read_the_labels),
    Surface(".npy files", npy_file, read_the_array),
    Surface("projector runs", projector_run, check_the_run),
    Surface("text encoders", checkpoint, load_the_checkpoint),
    Surface("layers in .keras files", keras_file, load_the_model),
]
