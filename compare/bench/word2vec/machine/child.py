"""A part of the measurement in a process of its own, with so many threads.

`python -m compare.bench.word2vec.machine.child PART FOLDER ARGUMENTS`: FOLDER holds the corpus, ARGUMENTS is JSON.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from compare.bench.harness import ROOT, environment
from tf_emb.parity.events import MARK, say


def call(part: str, folder: Path, **arguments: Any) -> dict[str, Any]:
    """Return what `measure` of a part returns.

    Args:
        part: "scaling", "operations" or "roofline".
        folder: holds the corpus, see `corpora.save`.
        **arguments: threads, rounds, quick and seed.

    Raises:
        RuntimeError: the process ended without a result.
    """
    command = [sys.executable, "-m", "compare.bench.word2vec.machine.child", part, str(folder), json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(arguments["threads"]), capture_output=True, text=True,
                          check=False)  # fmt: skip
    said = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not said:
        why = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"`{part}` ended, exit status {done.returncode}: {why[-1]}")
    return json.loads(said[-1])["result"]


def main() -> None:
    """Measure one part and say what was measured."""
    from compare.bench.word2vec.machine.corpora import load
    from compare.bench.word2vec.machine.trained import limit_threads

    part, folder, arguments = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    corpus = load(folder)
    limit_threads(arguments["threads"])
    measure = importlib.import_module(f"compare.bench.word2vec.machine.{part}").measure
    say(event="measured", result=measure(corpus, **arguments))


if __name__ == "__main__":
    main()
