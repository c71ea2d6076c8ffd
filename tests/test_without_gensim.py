"""Where gensim is not installed, `tf_emb` trains, saves, evaluates, searches and projects, and says what is missing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = "the cat sat on the mat\nthe dog sat on the rug\nthe cat saw the dog\n" * 40
PROGRAM = """
import sys
for name in ("gensim", "smart_open", "scipy"):  # nothing of them can be imported
    sys.modules[name] = None
from pathlib import Path
from typer.testing import CliRunner
import tf_emb
from tf_emb.cli import app
from tf_emb.word2vec import Word2Vec

def run(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, result.stdout + result.stderr

for arguments in [
    ("train", "corpus.txt", "-o", "c.bin", "--dim", 4, "--epochs", 1), ("similar", "c.bin", "cat"),
    ("convert", "c.bin", "c.npz"), ("eval", "c.npz", "--pairs", "pairs.txt", "--analogies", "questions.txt"),
    ("project", "c.npz", "--logdir", "runs", "--views", "pca"),
]:
    code, said = run(*arguments)
    assert code == 0, (arguments, said)

model = Word2Vec(dim=4, epochs=1, min_count=1).fit("corpus.txt")
tf_emb.save_vectors("v.npz", model.vectors())
vectors = tf_emb.load_vectors("v.npz")
assert len(vectors.most_similar("cat", topn=2)) == 2
assert tf_emb.word_pairs(vectors, "pairs.txt").covered == 3
assert tf_emb.analogies(vectors, "questions.txt").total.covered == 1
assert tf_emb.log_projection("logs", vectors, views=("pca",), say=str).exists()
from tf_emb.evaluate import representation
representation(vectors)
assert vectors.to_embedding().matrix().shape == (len(vectors), 4)

code, said = run("eval", "c.npz")
assert code == 2 and said == (
    "tf-emb: wordsim353.tsv comes with gensim, the extra `gensim`: pip install 'tf-emb[gensim]'.\\n"), said
for call in (tf_emb.corpus.lee_background, vectors.keyed):
    try:
        call()
    except ImportError as error:
        print(error)
"""


def test_without_gensim_and_scipy_everything_else_works(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text(TEXT)
    (tmp_path / "pairs.txt").write_text("cat dog 9\nmat rug 8\ncat mat 1\n")
    (tmp_path / "questions.txt").write_text(": section\ncat mat dog rug\n")
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "lee_background.cor comes with gensim, the extra `gensim`: pip install 'tf-emb[gensim]'.",
        "KeyedVectors need the extra `gensim`: pip install 'tf-emb[gensim]'.",
    ]
