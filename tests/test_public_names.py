"""The names that `import tf_emb` offers."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import tf_emb

ROOT = Path(__file__).parents[1]

PUBLIC = [
    "Draws",
    "Embedding",
    "EmbeddingBag",
    "EncodedCorpus",
    "ExactTrainer",
    "FullSoftmax",
    "HierarchicalSoftmax",
    "LazyAdagrad",
    "LazyAdam",
    "LazySGD",
    "NegativeSampling",
    "OneHotDense",
    "ProjectorCallback",
    "Vectors",
    "Vocabulary",
    "Word2Vec",
    "analogies",
    "check_projection",
    "convert_vectors",
    "count_vocabulary",
    "encode_corpus",
    "load_vectors",
    "log_projection",
    "prepare",
    "save_vectors",
    "skipgram_draws",
    "word_pairs",
]
SUBPACKAGES = ["corpus", "evaluate", "layers", "methods", "optimizers", "projector", "vectors", "word2vec"]


def test_all_names_what_is_public() -> None:
    assert list(tf_emb.__all__) == PUBLIC


@pytest.mark.parametrize("name", tf_emb.__all__)
def test_a_public_name_is_what_it_says(name: str) -> None:
    value = getattr(tf_emb, name)
    assert value.__name__ == name
    assert value.__module__.startswith("tf_emb.")
    assert value.__doc__


@pytest.mark.parametrize("name", ["corpus", "evaluate", "layers", "methods", "projector", "vectors", "word2vec"])
def test_a_subpackage_exports_what_it_lists(name: str) -> None:
    package = importlib.import_module(f"tf_emb.{name}")
    assert package.__all__ == sorted(package.__all__)
    assert all(hasattr(package, public) for public in package.__all__)


def test_dir_lists_the_names_whether_loaded_or_not() -> None:
    assert dir(tf_emb) == sorted([*PUBLIC, *SUBPACKAGES, "__version__"])


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    message = rf"^module 'tf_emb' has no attribute 'Embeding'; it has {', '.join(PUBLIC)}\.$"
    with pytest.raises(AttributeError, match=message):
        tf_emb.Embeding  # noqa: B018 -- the access is what is tested


def test_a_subpackage_is_there_without_importing_it() -> None:
    program = "import tf_emb; print(tf_emb.corpus.Vocabulary.__module__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tf_emb.corpus.vocabulary"
