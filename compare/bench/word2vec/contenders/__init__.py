"""The contenders: how each trains word2vec as its users do. A file each, with `prepare(task)`, which returns a `Job`.

`prepare` loads the framework, counts and encodes the text, and compiles; the clock starts behind it.
"""

from importlib import import_module

from compare.bench.word2vec.task import Job, Task

HOMES = {
    "tf_emb": "ours",
    "gensim": "gensim",
    "gensim-iterator": "gensim",
    "word2vec.c": "program",
    "torch": "torch",
    "tensorflow-tutorial": "tutorial",
}


def prepare(task: Task) -> Job:
    """Return the job of a task.

    Raises:
        ValueError: there is no such contender, or it has no such model or loss.
    """
    if task.contender not in HOMES:
        raise ValueError(f"a contender must be one of {', '.join(HOMES)}; got {task.contender!r}. Choose one.")
    return import_module(f"{__name__}.{HOMES[task.contender]}").prepare(task)


def refuse(task: Task) -> ValueError:
    """Return what to say where a contender has no such model or loss."""
    return ValueError(f"{task.contender} must be asked for what it has; got {task.model} with {task.loss}.")
