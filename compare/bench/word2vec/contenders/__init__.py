"""How each contender trains word2vec, as its users do: one file each, whose `prepare(task)` returns a `Prepared`.

`prepare` loads the framework, counts and encodes the text, and compiles; the clock starts afterwards.
"""

from importlib import import_module

from compare.bench.word2vec.task import Prepared, Task

HOMES = {
    "tf_emb": "ours",
    "gensim": "gensim",
    "gensim-iterator": "gensim",
    "word2vec.c": "program",
    "torch": "torch",
    "tensorflow-tutorial": "tutorial",
}


def prepare(task: Task) -> Prepared:
    """Return a contender that is ready to train.

    Raises:
        ValueError: there is no such contender, or it cannot train the objective.
    """
    if task.contender not in HOMES:
        raise ValueError(f"a contender must be one of {', '.join(HOMES)}; got {task.contender!r}. Choose one.")
    return import_module(f"{__name__}.{HOMES[task.contender]}").prepare(task)


def refuse(task: Task) -> ValueError:
    """Return the error of a contender that cannot train an objective."""
    return ValueError(f"{task.contender} must be given an objective that it has; got {task.model} with {task.loss}.")
