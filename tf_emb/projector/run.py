"""A projector run on disk: complete before TensorBoard can see it, and never changed afterwards."""

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.files import appearing
from tf_emb.files.whole import held, sweep, was_left

CONFIG = "projector_config.pbtxt"
_UNSAFE = re.compile(r"[^\w .,=()-]")  # the page puts names into URLs without quoting them
_LONGEST = 200  # bytes of a name; file systems take 255, and the time is added
_OF_A_RUN = re.compile(
    rf"{re.escape(CONFIG)}|metadata(_\d+)?\.tsv|tensor_\d+\.(bytes|tsv)|(bookmarks|sprite)_\d+\.(json|png)"
)
_FUTURE = 2.0**31  # seconds; see _write_event


@dataclass(frozen=True)
class Tensor:
    """One entry of a run.

    Attributes:
        name: as given; it is made safe when it is written.
        matrix: float32, shape (rows, dim).
        metadata: the TSV.
        bookmarks: the JSON, or "" for none.
        sprite: a PNG and the size of a tile, or None.
    """

    name: str
    matrix: np.ndarray
    metadata: bytes
    bookmarks: str = ""
    sprite: tuple[bytes, tuple[int, int]] | None = field(default=None, repr=False)


def write_run(logdir: str | os.PathLike[str], name: str, tensors: Sequence[Tensor]) -> Path:
    """Write a new run below `logdir` and return its directory; an error leaves nothing behind."""
    run = _claim(Path(logdir), safe_names([name])[0])
    try:
        with held(run):
            _write_config(run, tensors)
            # Last, because it makes the run visible, and TensorBoard looks for a configuration only when it sees a
            # new run: one that arrives after the events is not noticed.
            _write_event(run)
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)
        raise
    return run


def _claim(logdir: Path, stem: str) -> Path:
    """Make a directory that was never used: TensorBoard never reads a tensor of the same run twice (#4439)."""
    logdir.mkdir(parents=True, exist_ok=True)
    for left in logdir.iterdir():
        _remove_half(left)
    stem = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    for candidate in chain([stem], (f"{stem}-{n}" for n in count(2))):
        try:
            (logdir / candidate).mkdir()
        except FileExistsError:
            continue
        return logdir / candidate
    raise AssertionError("unreachable")


def _remove_half(run: Path) -> None:
    """Remove a run that a killed process left half written: its files, and the folder if nothing else is in it."""
    if run.is_symlink() or not run.is_dir() or not was_left(run) or list(run.glob("*tfevents*")):
        return
    with suppress(OSError):
        for file in run.iterdir():
            if _OF_A_RUN.fullmatch(file.name):
                file.unlink()
        sweep(run)
        run.rmdir()


def safe_names(names: Sequence[str]) -> list[str]:
    """Return names that the page can put into a URL, all different, none blank."""
    safe: list[str] = []
    for name in names:
        stem = _UNSAFE.sub("_", name).encode()[:_LONGEST].decode(errors="ignore").strip(" .") or "tensor"
        candidates = chain([stem], (f"{stem}_{n}" for n in count(2)))
        safe.append(next(candidate for candidate in candidates if candidate not in safe))
    return safe


def _write_config(run: Path, tensors: Sequence[Tensor]) -> None:
    """Write the tensors, then, in one go, the configuration that names them."""
    from google.protobuf import text_format  # type: ignore[import-untyped]
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    config, metadata = ProjectorConfig(), dict[bytes, str]()
    for i, (name, tensor) in enumerate(zip(safe_names([t.name for t in tensors]), tensors, strict=True)):
        entry = config.embeddings.add(tensor_name=name, tensor_shape=tensor.matrix.shape)
        entry.tensor_path = _write_tensor(run / f"tensor_{i}", tensor.matrix)  # relative: others are refused
        if tensor.metadata not in metadata:
            metadata[tensor.metadata] = f"metadata_{i}.tsv" if i else "metadata.tsv"
            (run / metadata[tensor.metadata]).write_bytes(tensor.metadata)
        entry.metadata_path = metadata[tensor.metadata]
        _add_extras(run, i, tensor, entry)
    with appearing(run / CONFIG) as temporary:
        temporary.write_bytes(text_format.MessageToString(config).encode())


def _add_extras(run: Path, i: int, tensor: Tensor, entry: Any) -> None:
    if tensor.bookmarks:
        entry.bookmarks_path = f"bookmarks_{i}.json"
        (run / entry.bookmarks_path).write_text(tensor.bookmarks, encoding="utf-8")
    if tensor.sprite:
        picture, size = tensor.sprite
        entry.sprite.image_path = f"sprite_{i}.png"
        entry.sprite.single_image_dim.extend(size)
        (run / entry.sprite.image_path).write_bytes(picture)


def _write_tensor(stem: Path, matrix: np.ndarray) -> str:
    """Write `matrix` raw if the server reads it as such, else as exact decimals; return the file name."""
    data, suffix = matrix.data.cast("B"), ".bytes"
    if looks_like_text(data):  # every float32 is a float64, whose repr is exact
        lines = ("\t".join(map(repr, row)) + "\n" for row in matrix.tolist())
        data, suffix = memoryview("".join(lines).encode()), ".tsv"
    stem.with_suffix(suffix).write_bytes(data)
    return stem.name + suffix


def looks_like_text(raw: bytes | memoryview) -> bool:
    """Return whether the server might take `raw` for text: it takes a UnicodeDecodeError as the sign of a raw file.

    The server decodes and parses line by line, so the error must come in the first line. A carriage return
    ends a line for TensorBoard alone, not for TensorFlow.
    """
    size = 4096
    while True:
        lines = re.split(rb"[\r\n]", bytes(raw[:size]), maxsplit=1)
        try:
            lines[0].decode()
        except UnicodeDecodeError as error:
            # A character cut by the end of this piece proves nothing; one cut by the end of the file does.
            if len(lines) > 1 or size >= len(raw) or error.end < size - 3:
                return False
        else:
            if len(lines) > 1 or size >= len(raw):
                return True
        size *= 16


def _write_event(run: Path) -> None:
    """Write an empty event file: TensorBoard lists only directories that have one.

    TensorBoard sorts runs by the time of their first event, and the page opens the first. Times that run backwards put
    the newest run there.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    # Not EventFileWriter: it loads the whole of TensorFlow wherever that is installed.
    now = time.time()
    event = Event(wall_time=_FUTURE - now, file_version="brain.Event:2")
    path = run / f"events.out.tfevents.{int(now):010}.projector.{os.getpid()}"
    with appearing(path) as temporary, temporary.open("wb") as file:
        RecordWriter(file).write(event.SerializeToString())


def projection_address(host: str = "localhost", port: int = 6006) -> str:
    """Return the address at which a running TensorBoard shows the projector."""
    return f"http://{host}:{port}/#projector"


def how_to_open(logdir: str | os.PathLike[str], run: Path) -> list[str]:
    """Return the exact command that shows `run`, and the address."""
    beside = Path(sys.executable).with_name("tensorboard")
    found = "tensorboard" if shutil.which("tensorboard") else str(beside) if beside.exists() else ""
    command = shlex.split(found) if found else [sys.executable, "-m", "tensorboard.main"]
    return [
        shlex.join([*command, "--logdir", os.fspath(logdir)]),
        f"then open {projection_address()} (reload it if it is open): run {run.name}",
    ]
