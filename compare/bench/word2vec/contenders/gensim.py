"""gensim, from a file that its threads read themselves, or from an iterator; everything else at its defaults."""

from typing import Any

from compare.bench.word2vec.contenders import refuse
from compare.bench.word2vec.task import Prepared, Task

CUTS = {"negative-sampling": {"hs": 0}, "hierarchical-softmax": {"hs": 1, "negative": 0}}


def prepare(task: Task) -> Prepared:
    """Scan the vocabulary."""
    import gensim
    from gensim.models import Word2Vec
    from gensim.models.word2vec import LineSentence

    if task.loss not in CUTS or task.max_vocab:
        raise refuse(task)
    asked: dict[str, Any] = {
        "vector_size": task.dim, "window": task.window, "negative": task.negatives, "sample": task.sample,
        "min_count": task.min_count, "workers": task.threads, "seed": task.seed, "epochs": task.epochs,
        "sg": int(task.model == "skipgram"), **CUTS[task.loss],
    }  # fmt: skip
    model = Word2Vec(**asked)
    if task.contender == "gensim":
        model.build_vocab(corpus_file=task.text)
        given: dict[str, Any] = {"corpus_file": task.text, "total_words": model.corpus_total_words}
    else:
        model.build_vocab(LineSentence(task.text))
        given = {"corpus_iterable": LineSentence(task.text), "total_examples": model.corpus_count}
    return Prepared(
        train=lambda: model.train(epochs=task.epochs, **given),
        save=lambda path: model.wv.save_word2vec_format(str(path), binary=True),
        raw_words=model.corpus_total_words * task.epochs,
        version=f"gensim {gensim.__version__}",
    )
