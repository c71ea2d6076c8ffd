"""What a training leaves beside its output while it goes on, and what becomes of it."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_emb.files import printable

if TYPE_CHECKING:
    from tf_emb.vectors import Vectors
    from tf_emb.word2vec.state import State


def state_path(output: Path) -> Path:
    """Return where the checkpoints of the training that writes `output` are."""
    return output.with_name(output.name + ".state")


def read_state(output: Path) -> "State":
    """Return the last checkpoint that is whole, and say which was not.

    Raises:
        ValueError: there is none, or none is whole.
    """
    from tf_emb.word2vec.checkpoints import before, newest

    path = state_path(output)
    try:
        state, refused = newest(path)
    except FileNotFoundError:
        raise ValueError(
            f"`--resume` must find a stopped training at {path}; there is none. Leave it out to begin."
        ) from None
    for said in refused:
        print(f"{printable(said)} The checkpoint before it is used.", file=sys.stderr)
        os.replace(before(path), path)  # the next checkpoint then puts this one in the second place, not the torn one
    return state


def keep_stopped(output: Path) -> None:
    """Put a stopped training aside, under another name that is said, where a new one begins on the same output."""
    from tf_emb.word2vec.checkpoints import before

    path = state_path(output)
    found = [(old, new) for old, new in ((path, ""), (before(path), ".before")) if old.exists()]
    if not found:
        return
    number = 1
    while (kept := output.with_name(f"{output.name}.stopped-{number}.state")).exists() or before(kept).exists():
        number += 1
    for old, ending in found:
        os.replace(old, kept.with_name(kept.name + ending))
    print(
        f"There is a stopped training of this output; it is kept as {kept}. To go on with that one, rename it to "
        f"{path} and add --resume.",
        file=sys.stderr,
    )


def differences(state: "State", given: Mapping[str, Any]) -> list[str]:
    """Return how the options given now differ from those that a training began with, a phrase for each.

    Args:
        state: the training.
        given: the options that were named on the command line.
    """
    saved = {**state.options.as_dict(), **state.notes}
    return [
        f"--{name.replace('_', '-')} was {saved[name]} and is {value}"
        for name, value in given.items()
        if name in saved and saved[name] != value
    ]


def write_vectors(output: Path, vectors: "Vectors") -> bool:
    """Write vectors, or where that fails write them into another folder, and say which; return whether it went well.

    Raises:
        OSError, ValueError: why they cannot be written; there is no other folder either.
    """
    from tf_emb.vectors import save_vectors

    try:
        save_vectors(output, vectors)
    except (OSError, ValueError) as error:  # full, or no longer what it was when the training began
        refused = error
    else:
        return True
    reason = refused.strerror if isinstance(refused, OSError) else refused
    for folder in (Path.cwd(), Path.home(), Path(tempfile.gettempdir())):
        other = folder / output.name
        try:
            if folder.resolve() != output.parent.resolve() and not other.exists():
                save_vectors(other, vectors)
                print(f"{output} cannot be written ({printable(reason)}); the vectors are in {other}.", file=sys.stderr)
                return False
        except (OSError, ValueError):
            continue
    raise refused
