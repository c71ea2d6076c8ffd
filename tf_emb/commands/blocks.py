"""`tf-emb train` by blocks: nothing that was trained is lost, whatever ends the process."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_emb.commands.saved import differences, keep_stopped, read_state, state_path, write_vectors
from tf_emb.commands.scalars import scalars
from tf_emb.commands.terminal import interruption, one_thread_per_operation, progress_bar, say, silent_start
from tf_emb.files import check_folder, locked

if TYPE_CHECKING:
    from tf_emb.corpus import EncodedCorpus, Vocabulary
    from tf_emb.word2vec import Checkpoints, Word2Vec


@dataclass(frozen=True)
class Job:
    """A training that was asked for.

    Attributes:
        corpus: text, see `tf_emb.corpus.prepare`.
        output: see `tf_emb.vectors.save_vectors`.
        options: arguments of `tf_emb.word2vec.Word2Vec`.
        tokenize: name of a tokenizer.
        resume: go on from the checkpoints beside `output`.
        logdir: where scalars for TensorBoard go, or None.
        held_out: a text to measure after every epoch, or None.
        patience: see `tf_emb.word2vec.EarlyStopping`; None trains for all epochs.
        every: seconds between two checkpoints.
        errors: what becomes of bytes that are not UTF-8, see `tf_emb.corpus.prepare`.
        given: the options that were named on the command line; a resumed training takes all others from its state.
    """

    corpus: str
    output: Path
    options: dict[str, Any]
    tokenize: Any = "whitespace"
    resume: bool = False
    logdir: Path | None = None
    held_out: str | None = None
    patience: int | None = None
    every: float = 30.0
    errors: str = "strict"
    given: frozenset[str] = field(default_factory=frozenset)


def train_blocks(job: Job) -> int:
    """Train by blocks, and write the vectors; return the exit status: 0, 128 + the signal that ended it, or 1.

    All that can be refused is refused before the first step. Exit status 1: the vectors are in another folder.
    """
    check_outputs(job)
    with locked(job.output, "--output"):
        with silent_start():
            from tf_emb.word2vec import Word2Vec

            one_thread_per_operation()
        if job.resume:
            model, encoded, held_out = _resumed(job)
        else:
            model, encoded, held_out = _begun(job, Word2Vec(**job.options))
        _check_after_reading(job, model, encoded, held_out)
        if not job.resume:
            keep_stopped(job.output)
            model.begin(encoded, held_out=held_out, notes=_notes(job))
        return _trained(job, model, encoded, held_out)


def check_outputs(job: Job) -> None:
    """Refuse what cannot be written, or is read."""
    from tf_emb.vectors import check_destination

    texts = [text for text in (job.corpus, job.held_out) if text not in (None, "-")]
    check_destination(job.output, inputs=[str(text) for text in texts], argument="--output")
    if job.logdir is not None:
        check_folder(job.logdir, argument="--logdir")
        logdir = Path(os.path.realpath(job.logdir))
        if Path(os.path.realpath(job.output)) in (logdir, *logdir.parents):
            raise ValueError(f"`--logdir` must be another name than the output; got {job.logdir}. Name a folder.")


def _begun(job: Job, model: "Word2Vec") -> "tuple[Word2Vec, EncodedCorpus, EncodedCorpus | None]":
    """Return a new model with its tables, and both texts."""
    from tf_emb.corpus import prepare

    encoded = prepare(
        job.corpus,
        job.tokenize,
        min_count=job.options["min_count"],
        max_vocab=job.options["max_vocab"],
        errors=job.errors,
    )
    held_out = None if job.held_out is None else _encoded(job, job.held_out, encoded.vocabulary)
    model.build(encoded.vocabulary)
    return model, encoded, held_out


def _encoded(job: Job, text: str, vocabulary: "Vocabulary") -> "EncodedCorpus":
    from tf_emb.corpus import encode_corpus

    return encode_corpus(text, vocabulary, job.tokenize, errors=job.errors)


def _notes(job: Job) -> dict[str, Any]:
    """Return what a training keeps of a job beside its options."""
    return {"tokenize": job.tokenize, "errors": job.errors, "patience": job.patience}


def _resumed(job: Job) -> "tuple[Word2Vec, EncodedCorpus, EncodedCorpus | None]":
    """Return the model of the last checkpoint, and both texts.

    Raises:
        ValueError: options or texts are others than those that the training began with; each difference is named.
    """
    from tf_emb.word2vec import Word2Vec
    from tf_emb.word2vec.texts import difference, identity

    state = read_state(job.output)
    now = {**job.options, **_notes(job)}
    others = differences(state, {name: value for name, value in now.items() if name in job.given})
    same = replace(job, **{name: state.notes.get(name, now[name]) for name in ("tokenize", "errors")})
    encoded = _encoded(same, job.corpus, state.vocabulary)
    held_out = None if job.held_out is None else _encoded(same, job.held_out, state.vocabulary)
    for name, text in (("corpus", encoded), ("held out", held_out)):
        if how := difference(state.texts.get(name), identity(text)):
            others.append(f"the {name.replace(' ', '-')} text is another: {how}")
    if others:
        raise ValueError(
            f"`--resume` must come with the text and the options that the training began with; {'; '.join(others)}. "
            "Give those, or leave out --resume to begin anew."
        )
    return Word2Vec.of_state(state), encoded, held_out


def _check_after_reading(
    job: Job, model: "Word2Vec", encoded: "EncodedCorpus", held_out: "EncodedCorpus | None"
) -> None:
    """Refuse what only the texts show: labels that the format cannot carry, too little room, nothing to learn."""
    from tf_emb.corpus.pairs import check_pairs
    from tf_emb.vectors import check_destination

    words = encoded.vocabulary.words
    check_pairs(encoded, "corpus")
    check_destination(job.output, labels=words, dim=model.options.dim, argument="--output")
    print(f"{encoded.raw_words:,} words, {len(words):,} kept in the vocabulary", file=sys.stderr)
    if held_out is not None:
        check_pairs(held_out, "--held-out")


def _trained(job: Job, model: "Word2Vec", encoded: "EncodedCorpus", held_out: "EncodedCorpus | None") -> int:
    """Train, write and say what was done; return the exit status."""
    from tf_emb.word2vec import Checkpoints
    from tf_emb.word2vec.checkpoints import remove

    state = state_path(job.output)
    asked: list[int] = []
    with ExitStack() as stack:
        checkpoints = Checkpoints(model, state, job.every, warn=say)
        asked = stack.enter_context(interruption(_leaving(job.output)))
        stack.enter_context(checkpoints)
        _write_state(checkpoints, state)  # so that there is something to resume, whenever the process ends
        try:
            _run(job, model, encoded, held_out, checkpoints, asked)
        except ValueError:
            checkpoints.wait()
            if not job.resume:  # it has diverged, and would again
                remove(state)
            raise
        if asked:
            _write_state(checkpoints, state)
    if not model.losses and not asked:
        remove(state)
        raise ValueError("`--sample` must leave words to learn from; nothing was learned, and no vectors are written.")
    in_place = write_vectors(job.output, model.vectors())
    if asked:
        where = f"The vectors so far are in {job.output}. " if in_place else ""
        print(f"Stopped. {where}To go on, add --resume to the command.", file=sys.stderr)
        return 128 + asked[0]
    if not in_place:
        return 1
    remove(state)
    print(_summary(model, encoded.raw_words, job.output))
    return 0


def _run(
    job: Job,
    model: "Word2Vec",
    encoded: "EncodedCorpus",
    held_out: "EncodedCorpus | None",
    checkpoints: "Checkpoints",
    asked: list[int],
) -> None:
    """Train under a progress bar until the end, or until the user asks to stop."""
    from tf_emb.word2vec import EarlyStopping

    patience = model.training.notes.get("patience")
    with progress_bar() as bar:
        callbacks: list[Callable[[Any], Any]] = [bar, lambda progress: bool(asked)]
        if patience is not None:
            callbacks.append(EarlyStopping(patience))
        if job.logdir is not None:
            callbacks.append(scalars(job.logdir))
        callbacks.append(checkpoints)
        model.resume(encoded, callbacks, held_out=held_out)


def _write_state(checkpoints: "Checkpoints", state: Path) -> None:
    """Write the training; at its end before its vectors: where there is room for only one, it can still go on."""
    try:
        checkpoints.write_now()
    except OSError as error:
        say(f"{state} cannot be written ({error.strerror}); --resume goes on from an earlier checkpoint, if any.")


def _leaving(output: Path) -> Callable[[], None]:
    def leave() -> None:
        state = state_path(output)
        found = state.exists() or state.with_name(state.name + ".before").exists()
        say(
            f"The last checkpoint is {state}; to go on, add --resume to the command." if found else "Nothing was saved."
        )

    return leave


def _summary(model: "Word2Vec", raw_words: int, output: Path) -> str:
    first, last = model.losses[0], model.losses[-1]
    epochs = len(model.losses)  # fewer than asked for if the held-out loss ended the training
    passes = f"{epochs} epoch{'s' if epochs > 1 else ''}"
    held_out = model.held_out_losses
    measured = f"held-out loss {min(held_out):.3f} at best, {held_out[-1]:.3f} at last; " if held_out else ""
    unit = "pair" if model.options.model == "skipgram" else "centre"
    return (
        f"{len(model.vocabulary):,} words, {raw_words * epochs:,} raw words in {passes}; loss {first:.3f} -> "
        f"{last:.3f} nats per {unit}, first to last epoch; {measured}written to {output}"
    )
