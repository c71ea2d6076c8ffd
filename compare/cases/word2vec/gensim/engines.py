"""gensim itself, trained; and tf_emb's exact training on the draws that gensim makes."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def run_gensim(x: Mapping[str, Any]) -> dict[str, Any]:
    """Word2Vec.train with one worker; the tables are set to the injected states where a job starts."""
    sentences = [[str(word) for word in part] for part in np.split(x["words"], x["ends"])[:-1]]
    model = build(x)
    model.train(sentences, total_examples=len(sentences), epochs=1)
    after = [np.stack([tables[side] for tables in model.after], 1) for side in (0, 1)]
    return {"input": after[0], "output": after[1]} | tables(model)


def build(x: Mapping[str, Any]) -> Any:
    """A model whose words are the ids in order, with their counts in the whole corpus; it notes what a job leaves."""
    from gensim.models import Word2Vec

    class Noting(Word2Vec):
        def _do_train_job(self, sentences: Any, alpha: Any, inits: Any) -> Any:
            tables = self.wv.vectors, self.syn1neg if self.negative else self.syn1
            for table, name in zip(tables, ("state input", "state output"), strict=True):
                table[:] = x[name][len(self.after)]
            done = super()._do_train_job(sentences, alpha, inits)
            self.after.append([table.copy() for table in tables])
            return done

    model = Noting(
        vector_size=x["state input"].shape[2],
        window=x["window"],
        min_count=1,
        sample=x["sample"],
        seed=x["seed"],
        workers=1,
        alpha=x["alpha"],
        min_alpha=x["min alpha"],
        sg=x["skip-gram"],
        hs=int(x["negatives"] == 0),
        negative=x["negatives"],
        cbow_mean=1,
        sorted_vocab=0,
        batch_words=x["batch words"],
    )
    model.after = []
    model.build_vocab_from_freq({str(word): int(n) for word, n in enumerate(x["counts"])})
    return model


def tables(model: Any) -> dict[str, Any]:
    """What gensim draws with, and the bits that its Huffman tree spends on the corpus."""
    from gensim.models.word2vec import _assign_binary_codes

    if not model.negative:
        model.make_cum_table()
    _assign_binary_codes(model.wv)
    bits = [len(model.wv.get_vecattr(word, "code")) for word in range(len(model.wv))]
    return {
        "keep table": model.wv.expandos["sample_int"].astype(np.uint32),
        "noise table": model.cum_table,
        "bits": np.array([model.wv.expandos["count"] @ np.array(bits)]),
    }


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's exact training on the injected draws and gensim's tree; its own tables from the counts."""
    import tensorflow as tf

    from tf_emb.corpus import keep_probability, noise_distribution
    from tf_emb.layers.hierarchical_softmax import huffman
    from tf_emb.ops.noise import cumulative_counts
    from tf_emb.word2vec import ExactTrainer, Examples, example_loss
    from tf_emb.word2vec.exact import hierarchical_softmax

    counts = x["counts"].numpy()
    paths = tuple(x[name].numpy() for name in ("codes", "points", "lengths"))
    loss = example_loss("negative-sampling") if x["negatives"] else hierarchical_softmax(paths)
    variables = [tf.Variable(x[f"state {side}"][0]) for side in ("input", "output")]
    trainer = ExactTrainer(variables, loss, cbow_gradient="word2vec.c")
    every = Examples(*(x[name].numpy() for name in ("context", "target", "noise", "rate")))
    ends = [*x["starts"].numpy()[1:], len(every)]
    after: list[list[Any]] = [[], []]
    for job, (first, last) in enumerate(zip(x["starts"].numpy(), ends, strict=True)):
        for variable, side in zip(variables, ("input", "output"), strict=True):
            variable.assign(x[f"state {side}"][job])
        trainer.train(every[first:last], x["rate"].numpy()[first:last])
        for variable, kept in zip(variables, after, strict=True):
            kept.append(variable.numpy())
    return {
        "input": np.stack(after[0], 1),
        "output": np.stack(after[1], 1),
        "keep table": (keep_probability(counts, x["sample"]) * (2**32 - 1)).astype(np.uint32),
        "noise table": cumulative_counts(noise_distribution(counts)).astype(np.uint32),
        "bits": np.array([counts @ huffman(counts)[2]]),
    }
