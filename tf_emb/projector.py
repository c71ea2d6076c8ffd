"""Tables of vectors as a run of TensorBoard's Embedding Projector.

A run is a directory that is filled once: a file a tensor, `metadata.tsv`, `projector_config.pbtxt`, events.
It takes TensorBoard, not TensorFlow. The rules were found by reading and running TensorBoard 2.21.
"""

import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Column = Sequence[Any] | np.ndarray
MAX_ROWS = 100_000  # the page asks for this many rows and shows no more
_CONFIG = "projector_config.pbtxt"
_METADATA = "metadata.tsv"
_COLOURS = 50  # a text column of more distinct values than this cannot be coloured
_PIECE = 1_000_000  # the page decodes metadata in pieces of this many bytes
_UNSAFE = re.compile(r"[^\w .,=()-]")  # the page puts names into URLs without quoting them
_ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r", "\ufeff": r"\ufeff"})
_TO_TEXT = "\u200b"  # ZERO WIDTH SPACE: JavaScript's Number() refuses it, nobody sees it
_NUMBER = re.compile(  # what Number() takes for a number (ECMAScript, StringToNumber), white space aside
    r"[+-]?(Infinity|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)|0(x[\da-f]+|o[0-7]+|b[01]+)", re.ASCII | re.IGNORECASE
)


def log_projection(
    logdir: str | os.PathLike[str],
    tensors: Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    columns: Mapping[str, Column] | None = None,
) -> Path:
    r"""Write tensors that share their rows as one new run of the Embedding Projector.

    TensorBoard serves float32 tables bit for bit; other dtypes are rounded to float32 first. Nothing is
    normalised, sampled or reordered. Text stays text and numbers stay numbers: a label such as "007" ends in
    an invisible U+200B, without which the page turns it into 7; blank text is shown as `(blank)` or `␣`;
    tab, newline and carriage return are shown as `\t`, `\n` and `\r`. A last column `row` counts from 0.

    Args:
        logdir: the run directory, without events so far; its path below TensorBoard's `--logdir` is the
            name of the run.
        tensors: what to show, by name: arrays of shape (rows, dim), dim 2 or more, all with the same rows.
            In a name, characters that break the page become "_"; names that then coincide are numbered.
        labels: the text of every row, length rows, 2 to `MAX_ROWS`.
        columns: more metadata by column name, each of length rows. A text column whose values repeat but are
            too many to be coloured is followed by a copy in which all but the 49 most frequent are "other".

    Returns:
        The run directory.

    Raises:
        ValueError: the run exists, or something would be shown wrongly: too many or too few rows, lengths
            that differ, a dim below 2, a value that is not finite, a column name used twice.
            Rows of zeros are shown, with a warning.
    """
    run = Path(logdir)
    _check_run(run)
    if not isinstance(tensors, Mapping) or not tensors:
        got = f"an empty or other {type(tensors).__name__}"
        raise ValueError(f"`tensors` must map names to arrays; got {got}. Pass for example {{'words': w}}.")
    if not 2 <= len(labels) <= MAX_ROWS:
        raise ValueError(
            f"`labels` must have 2 to {MAX_ROWS} rows, or the page shows none or not all; got {len(labels)}. "
            "Pass the most frequent rows."
        )
    labels = list(labels)
    matrices = {name: _matrix(f"tensors[{name!r}]", tensor, labels) for name, tensor in tensors.items()}
    metadata = _metadata(labels, columns or {})
    _report_zeros(matrices, labels)
    run.mkdir(parents=True, exist_ok=True)
    (run / _METADATA).write_bytes(metadata)
    _write_config(run, matrices)
    # Last, because it makes the run visible, and TensorBoard looks for a configuration only when it sees a
    # new run: one that arrives after the events is not noticed.
    _write_event(run)
    return run


def projection_address(host: str = "localhost", port: int = 6006) -> str:
    """Return the address at which a running TensorBoard shows the projector."""
    return f"http://{host}:{port}/#projector"


def _check_run(run: Path) -> None:
    """Refuse a run of which TensorBoard would show old numbers, or nothing, or a page that hangs."""
    used = [path.name for path in (run / _CONFIG, *run.glob("*tfevents*")) if path.exists()]
    if used:
        raise ValueError(
            f"`logdir` must be a new run; got {run}, which already has {used[0]}. TensorBoard goes on "
            f"showing what it first read there (#4439): use a new one, for example {run / 'projector'}."
        )
    if set(run.name) & set("#&+%"):
        raise ValueError(f"`logdir` must have none of '#&+%' in its name; got {run.name!r}. Rename it.")


def _matrix(what: str, tensor: ArrayLike, labels: Sequence[str]) -> np.ndarray:
    """Return `tensor` as little-endian float32, shape (rows, dim), refusing what the page cannot show."""
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is refused below, with its row
            matrix = np.asarray(tensor, "<f4", order="C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{what}` must be numbers in rows of one length; got {error}.") from None
    if matrix.ndim != 2 or matrix.shape[1] < 2 or len(matrix) != len(labels):
        raise ValueError(
            f"`{what}` must have shape (rows, dim), one row a label ({len(labels)}), dim 2 or more; "
            f"got {matrix.shape}. Cut both to the same rows, and add a column of zeros to a dim of 1."
        )
    _check_finite(what, matrix, labels)
    return matrix


def _report_zeros(matrices: Mapping[str, np.ndarray], labels: Sequence[str]) -> None:
    """Warn the caller of log_projection of rows of zeros, which have no cosine with any other."""
    for name, matrix in matrices.items():
        zeros = np.flatnonzero(~matrix.any(axis=1))
        if len(zeros):
            text = f"`tensors[{name!r}]` has {len(zeros)} rows of zeros, the first is row {zeros[0]}, label "
            text += f"{labels[zeros[0]]!r}. Their neighbours mean nothing."
            warnings.warn(text, stacklevel=3)


def _check_finite(what: str, values: np.ndarray, labels: Sequence[str]) -> None:
    """Refuse NaN and Inf: in a tensor they hang the page's PCA, in a column they spoil its colours."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row = bad[0, 0]
        raise ValueError(
            f"`{what}` must be finite; got {values[tuple(bad[0])]} in row {row}, label {labels[row]!r} "
            f"(such rows: {len(np.unique(bad[:, 0]))}). Fill them in, or leave them out."
        )


def _metadata(labels: Sequence[str], columns: Mapping[str, Column]) -> bytes:
    """Return the metadata file: a header; then label, columns and number of every row."""
    table = {"label": list(map(_text, labels))}
    for name, values in columns.items():
        header = _visible(name)
        if header in (*table, "row"):
            raise ValueError(f"`columns` must have names other than {list(table)} and 'row'; got {name!r}.")
        table[header], is_text = _cells(f"columns[{name!r}]", values, labels)
        if is_text and _COLOURS < len(set(table[header])) <= len(labels) / 2:
            top = dict(Counter(table[header]).most_common(_COLOURS - 1))
            table[f"{header} (top {len(top)})"] = [c if c in top else "other" for c in table[header]]
    table["row"] = list(map(str, range(len(labels))))
    lines = map("\t".join, [tuple(table), *zip(*table.values(), strict=True)])
    # The page never ends reading a file whose last piece holds no newline, so the last line has one too.
    return _whole_characters("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))


def _cells(what: str, values: Column, labels: Sequence[str]) -> tuple[list[str], bool]:
    """Return a column as cells, and whether it is text."""
    array = np.asarray(values)
    if array.shape != (len(labels),):
        raise ValueError(f"`{what}` must have one value for each of {len(labels)} labels; got {array.shape}.")
    if array.dtype.kind not in "iuf":
        return [_text("" if value is None else str(value)) for value in values], True
    _check_finite(what, array, labels)
    return list(map(str, array)), False


def _visible(text: str) -> str:
    """Return `text` as one cell in which something can be seen; an empty cell would break the search."""
    shown = text.translate(_ESCAPES)
    return shown if shown.strip() else "␣" * len(shown) or "(blank)"


def _text(value: str) -> str:
    """Return `value` as one cell that the page keeps as text."""
    shown = _visible(value)
    return shown + _TO_TEXT if _NUMBER.fullmatch(shown.strip()) else shown


def _whole_characters(data: bytes) -> bytes:
    """Put spaces after row numbers so that no character lies across two of the page's pieces."""
    for piece in range(_PIECE, len(data), _PIECE):
        start = next(i for i in count(piece, -1) if data[i] & 0xC0 != 0x80)  # 0x80: continues a character
        end = data.rindex(b"\n", 0, start + 1)
        data = data[:end] + b" " * (piece - start) + data[end:]
    return data


def _write_config(run: Path, matrices: Mapping[str, np.ndarray]) -> None:
    """Write the tensors, then, at once, the configuration that names them."""
    from google.protobuf import text_format  # type: ignore[import-untyped]
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    config = ProjectorConfig()
    for i, (name, matrix) in enumerate(zip(_safe_names(matrices), matrices.values(), strict=True)):
        entry = config.embeddings.add(tensor_name=name, tensor_shape=matrix.shape, metadata_path=_METADATA)
        entry.tensor_path = _write_tensor(run / f"tensor_{i}", matrix)  # relative: others are refused
    temporary = run / f".{_CONFIG}.{os.getpid()}"
    temporary.write_text(text_format.MessageToString(config), encoding="utf-8")
    os.replace(temporary, run / _CONFIG)


def _safe_names(names: Mapping[str, Any]) -> list[str]:
    """Return names that the page can put into a URL, each different, none blank."""
    safe: list[str] = []
    for name in names:
        stem = _UNSAFE.sub("_", name).strip() or "tensor"
        candidates = chain([stem], (f"{stem}_{n}" for n in count(2)))
        safe.append(next(candidate for candidate in candidates if candidate not in safe))
    return safe


def _write_tensor(stem: Path, matrix: np.ndarray) -> str:
    """Write `matrix` raw if the server will read it so, else as exact decimals; return the file's name."""
    data, suffix = matrix.tobytes(), ".bytes"
    if _looks_like_text(data):  # every float32 is a float64, whose repr is exact
        lines = ("\t".join(map(repr, row)) + "\n" for row in matrix.tolist())
        data, suffix = "".join(lines).encode(), ".tsv"
    stem.with_suffix(suffix).write_bytes(data)
    return stem.name + suffix


def _looks_like_text(raw: bytes) -> bool:
    """Tell whether reading `raw` as TSV can fail with anything but the UnicodeDecodeError that means "raw".

    The server decodes and parses line by line, so the error must come in the first line. A carriage return
    ends a line for TensorBoard alone, not for TensorFlow.
    """
    try:
        re.split(rb"[\r\n]", raw, maxsplit=1)[0].decode()
    except UnicodeDecodeError:
        return False
    return True


def _write_event(run: Path) -> None:
    """Write an event file that says nothing: TensorBoard lists only directories that have one."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    # Not EventFileWriter: it loads the whole of TensorFlow wherever that is installed.
    event = Event(wall_time=time.time(), file_version="brain.Event:2")
    with open(run / f"events.out.tfevents.{int(time.time()):010}.projector.{os.getpid()}", "wb") as file:
        RecordWriter(file).write(event.SerializeToString())
