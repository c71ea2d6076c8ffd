"""`tf-emb` as its users run it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tf_emb.corpus import Vocabulary, read_sentences, skipgram_draws
from tf_emb.vectors import load_vectors
from tf_emb.word2vec import ExactTrainer, Examples, example_loss, linear_rates, start_tables

ROOT = Path(__file__).parent.parent
TEXT = "the cat sat on the mat\nthe dog sat on the rug\nthe cat saw the dog\n" * 40


def tf_emb(*args):
    command = [sys.executable, "-c", "from tf_emb.cli import main; main()", *map(str, args)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def trained(corpus):
    output = corpus.with_name("vectors.bin")
    options = ("--dim", 8, "--sample", 0, "--epochs", 10, "--rate", 0.2, "--window", 2)
    status, text, error = tf_emb("train", corpus, "-o", output, *options)
    assert status == 0, error
    return output, text, error


def test_help_and_version():
    status, text, _ = tf_emb("--help")
    assert status == 0
    assert all(command in text for command in ("train", "eval", "similar", "convert", "project"))
    assert tf_emb("--version")[1].startswith("tf-emb 0.")


def test_training_writes_vectors_and_says_what_it_did(trained):
    output, text, error = trained
    vectors = load_vectors(output)
    assert vectors.vectors.shape == (8, 8)
    assert vectors.index_to_key[0] == "the"
    assert "8 words" in text
    before, after = text[text.index("loss ") + 5 :].split(" nats")[0].split(" -> ")
    assert float(after) < float(before)
    assert "oneDNN" not in error
    assert "cuda" not in error.lower()


def test_the_seed_decides_the_vectors(corpus, trained):
    same, other = corpus.with_name("same.bin"), corpus.with_name("other.bin")
    options = ("--dim", 8, "--sample", 0, "--epochs", 10, "--rate", 0.2, "--window", 2)
    tf_emb("train", corpus, "-o", same, *options)
    tf_emb("train", corpus, "-o", other, *options, "--seed", 1)
    assert np.array_equal(load_vectors(same).vectors, load_vectors(trained[0]).vectors)
    assert not np.array_equal(load_vectors(other).vectors, load_vectors(trained[0]).vectors)


def test_exact_mode_takes_every_model_and_loss_and_drops_no_option(corpus, tmp_path):
    options = {"model": "cbow", "loss": "hierarchical-softmax", "dim": 8, "window": 2, "negatives": 3, "sample": 0.1,
               "min-count": 2, "max-vocab": 5, "epochs": 2, "rate": 0.3, "seed": 3, "tokenize": "letters",
               "logdir": tmp_path / "logs"}  # fmt: skip
    told = [word for name, value in options.items() for word in (f"--{name}", value)]
    capital = tmp_path / "capital.txt"
    capital.write_text(corpus.read_text().replace("the", "The,"))
    status, text, error = tf_emb("train", capital, "-o", tmp_path / "v.bin", "--mode", "exact", *told)
    assert status == 0, error
    assert "oneDNN" not in error

    sentences = list(read_sentences(capital, "letters"))
    vocabulary = Vocabulary.build(sentences, min_count=2, max_vocab=5)
    draws = skipgram_draws(sentences, vocabulary, np.random.default_rng(3), window=2, negatives=3, sample=0.1, epochs=2)
    trainer = ExactTrainer(start_tables(5, 8, seed=3), example_loss("hierarchical-softmax", vocabulary.counts))
    examples = Examples.cbow(draws)
    losses = trainer.train(examples, linear_rates(examples.progress, 0.3))
    assert load_vectors(tmp_path / "v.bin").index_to_key == list(vocabulary.words)
    np.testing.assert_array_equal(load_vectors(tmp_path / "v.bin").vectors, trainer.tables[0].numpy())
    tenth = len(losses) // 10
    assert f"{len(losses)} centres; loss {losses[:tenth].mean():.3f} -> {losses[-tenth:].mean():.3f} nats" in text
    assert [path.suffix for path in (tmp_path / "logs").iterdir()] == [".v2"]


def test_similar_prints_neighbours_in_order(trained):
    status, text, _ = tf_emb("similar", trained[0], "cat", "--top", 3)
    assert status == 0
    want = [word for word, _ in load_vectors(trained[0]).most_similar("cat", topn=3)]
    assert [line.split()[1] for line in text.splitlines()] == want


def test_project_logs_a_run(trained, tmp_path):
    status, text, _ = tf_emb("project", trained[0], "--logdir", tmp_path, "--views", "pca")
    assert status == 0
    (run,) = tmp_path.iterdir()
    assert run.name.startswith("vectors-")
    assert (run / "projector_config.pbtxt").exists()
    assert f"tensorboard --logdir {tmp_path}\n" in text
    assert f"#projector (reload it if it is open): run {run.name}" in text


def test_project_draws_exports_and_checks(trained, tmp_path):
    options = ("--logdir", tmp_path / "logs", "--views", "pca", "--top", 4, "--include", "rug", "--name", "cats")
    image, export = tmp_path / "v.svg", tmp_path / "v.parquet"
    status, text, _ = tf_emb("project", trained[0], *options, "--image", image, "--export", export, "--check")
    assert status == 0
    assert "4 of 8 rows, the first of the table; left out: 4" in text
    assert f"embedding-atlas {export} --text label --x projection_x --y projection_y --neighbors neighbors" in text
    assert text.endswith(f"Nothing wrong in {tmp_path / 'logs'}.\n")
    assert "</svg>" in image.read_text()
    assert export.stat().st_size > 0


def test_project_takes_npy_with_labels(tmp_path):
    np.save(tmp_path / "v.npy", np.eye(3) + 1)
    (tmp_path / "labels.txt").write_text("猫\n狗\n007\n")
    status, _, error = tf_emb("project", tmp_path / "v.npy", "--logdir", tmp_path / "logs")
    assert status == 2
    assert "`--labels` must be given for a .npy file" in error
    options = ("--labels", tmp_path / "labels.txt", "--logdir", tmp_path / "logs", "--views", "")
    assert tf_emb("project", tmp_path / "v.npy", *options)[0] == 0
    (metadata,) = (tmp_path / "logs").rglob("metadata.tsv")
    assert [line.split("\t")[0] for line in metadata.read_text().splitlines()] == ["label", "猫", "狗", "007\u200b"]


def test_check_says_what_is_wrong_and_exits_1(tmp_path):
    np.save(tmp_path / "v.npy", np.eye(3) + 1)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    options = ("--labels", tmp_path / "labels.txt", "--logdir", tmp_path / "logs", "--views", "")
    tf_emb("project", tmp_path / "v.npy", *options)
    (metadata,) = (tmp_path / "logs").rglob("metadata.tsv")
    metadata.write_text(metadata.read_text().replace("\nb\t", "\n1e5\t"))
    status, text, error = tf_emb("project", "--check", "--logdir", tmp_path / "logs")
    assert status == 1
    assert "column 'label' is text, but the page turns '1e5' into a number" in text
    assert "oneDNN" not in error


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("train", "nowhere.txt", "-o", "v.bin"), "`source` must be a readable file; got nowhere.txt"),
        (("train", "nowhere.txt", "-o", "v.xyz"), "`path` must end in one of"),
        (("similar", "nowhere.bin", "cat"), "nowhere.bin"),
        (("project", "nowhere.bin"), "nowhere.bin"),
        (("project",), "`VECTORS` must be given, or --check"),
        (("train", "a.txt", "-o", "v.bin", "--mode", "pairs"), "`--mode` must be block or exact; got 'pairs'"),
        (("train", "a.txt", "-o", "v.bin", "--mode", "exact", "--threads", 2), "`--threads` must come with `--mode bl"),
        (("train", "a.txt", "-o", "v.bin", "--mode", "exact", "--resume"), "`--resume` must come with `--mode block`"),
        (("train", "a.txt", "-o", "v.bin", "--mode", "exact", "--held-out", "b"), "`--held-out` must come with `--mo"),
        (("train", "a.txt", "-o", "v.bin", "--mode", "exact", "--model", "glove"), "`model` must be one of 'skipgram'"),
        (("project", "nowhere.bin", "--views", "pca,pcb"), "`views` must be of pca, umap, tsne; got 'pcb'"),
        (("project", "--check", "--logdir", "nowhere"), "`logdir` must hold a run of the projector"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(args, said):
    status, _, error = tf_emb(*args)
    assert status == 2
    assert said in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1


def test_a_word_that_is_not_there_is_said(trained):
    status, _, error = tf_emb("similar", trained[0], "zebra")
    assert status == 2
    assert "'zebra'" in error


def test_a_corpus_without_frequent_words_is_refused_before_tensorflow_loads(corpus, tmp_path):
    status, _, error = tf_emb("train", corpus, "-o", tmp_path / "v.bin", "--min-count", 100_000)
    assert status == 2
    assert "`min_count` must leave at least one word" in error
    assert not list(tmp_path.iterdir())
