"""Loss, rate and speed of a training as scalars of TensorBoard."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_emb.word2vec import Progress


def scalars(logdir: Path) -> "Callable[[Progress], None]":
    """Return a callback that writes loss, rate and speed for TensorBoard; the step is thousands of raw words."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(logdir))

    def write(at: "Progress") -> None:
        with writer.as_default(step=at.raw_words // 1000):
            tf.summary.scalar("loss", at.loss)
            tf.summary.scalar("rate", at.rate)
            tf.summary.scalar("raw words per second", at.raw_words_per_second)
            if at.epoch_ends and at.held_out_losses:
                tf.summary.scalar("held-out loss", at.held_out_losses[-1])
        writer.flush()

    return write
