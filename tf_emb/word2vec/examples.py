"""Training examples one by one: which words predict, which is predicted, and the noise words."""

from dataclasses import dataclass

import numpy as np

from tf_emb.corpus.draws import Draws


@dataclass(frozen=True)
class Examples:
    """What exact training sees, in order.

    Attributes:
        context: int64, shape (examples, places): the words that predict, -1 behind the last; skip-gram has one place.
        target: int64, shape (examples,): the word that is predicted.
        noise: int64, shape (examples, negatives); may hold the target itself, which the loss skips.
        progress: float64, shape (examples,): share of the kept words seen before, in [0, 1).
    """

    context: np.ndarray
    target: np.ndarray
    noise: np.ndarray
    progress: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, part: slice) -> "Examples":
        """Return some of the examples, in order."""
        return Examples(self.context[part], self.target[part], self.noise[part], self.progress[part])

    @classmethod
    def skipgram(cls, draws: Draws) -> "Examples":
        """Return an example a pair: the centre predicts the context word."""
        return cls(draws.center[:, None], draws.context, draws.noise, draws.progress)

    @classmethod
    def cbow(cls, draws: Draws) -> "Examples":
        """Return an example a centre: its whole window predicts it, against the noise words of its first pair.

        The pairs of a centre are neighbours in `draws`, and share their `progress`.
        """
        if not len(draws):
            return cls(np.zeros((0, 1), np.int64), draws.center, draws.noise, draws.progress)
        new = np.concatenate([[True], np.diff(draws.progress) != 0])
        first = np.flatnonzero(new)
        of = np.cumsum(new) - 1
        place = np.arange(len(draws)) - first[of]
        context = np.full((len(first), place.max() + 1), -1, np.int64)
        context[of, place] = draws.context
        return cls(context, draws.center[first], draws.noise[first], draws.progress[first])
