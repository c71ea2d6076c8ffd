"""Keep TensorFlow's remarks on the machine from the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_start() -> Iterator[None]:
    """Silence file descriptor 2 while TensorFlow starts.

    TensorFlow 2.21 writes the first of its remarks before it looks at TF_CPP_MIN_LOG_LEVEL, straight to the file
    descriptor. An exception still says what is wrong.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
