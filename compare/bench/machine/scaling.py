"""Words per second over the length of a corpus, and over the size of its vocabulary.

All sizes of a series live in one process and take turns in rotation, round after round, each from the initial values
of its tables. Allocation, compiling and copying the initial values are outside the clock, and so is a first round on
the smallest size. A ratio is taken to the smallest size within a round.
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from compare.bench.machine.corpora import Corpus, Trained, drawn, with_length
from compare.bench.rounds import ratio, rotated
from compare.bench.tables import Table

MILLION = 1_000_000
LENGTHS = (MILLION, 3 * MILLION, 10 * MILLION, 30 * MILLION, 100 * MILLION)
VOCABULARIES = (10_000, 30_000, 100_000, 300_000, MILLION)
WORDS = 3 * MILLION  # trained on for every size of the vocabulary
QUICK_LENGTHS, QUICK_VOCABULARIES, QUICK_WORDS = (2_000, 6_000), (100, 1_000), 4_000
LENGTH_MARGIN = 0.10
VOCABULARY_FALL = 2.0


def measure(corpus: Corpus, *, threads: int, rounds: int, quick: bool, seed: int) -> dict[str, Any]:
    """Return words per second at every size, and the verdicts; the process is limited to `threads` threads already."""
    lengths, vocabularies = (QUICK_LENGTHS, QUICK_VOCABULARIES) if quick else (LENGTHS, VOCABULARIES)
    words = QUICK_WORDS if quick else WORDS
    options = {"threads": threads, "seed": seed}
    trained = Trained(corpus, **options)
    by_length = in_turn([(size, trained, with_length(corpus, size)) for size in lengths], rounds)
    del trained
    drawings = [drawn(size, words, seed) for size in vocabularies]
    by_vocabulary = in_turn(
        [(size, Trained(of, **options), of) for size, of in zip(vocabularies, drawings, strict=True)], rounds
    )
    return {
        "threads": threads,
        "rounds": rounds,
        "vocabulary": len(corpus.counts),
        "words": words,
        "lengths": by_length,
        "length_verdict": length_verdict(by_length),
        "vocabularies": by_vocabulary,
        "vocabulary_verdict": vocabulary_verdict(by_vocabulary),
    }


def in_turn(sizes: Sequence[tuple[int, Trained, Corpus]], rounds: int) -> list[dict[str, Any]]:
    """Let every size train once per round; return one dict per size."""
    _, trained, smallest = sizes[0]
    trained.turn(smallest)
    turns: dict[int, list[dict[str, Any]]] = {size: [] for size, _, _ in sizes}
    for number in range(rounds):
        for size, trained, of in rotated(sizes, number):
            turns[size].append(trained.turn(of))
    first = speeds(turns[sizes[0][0]])
    return [described(size, turns[size], first) for size, _, _ in sizes]


def speeds(turns: Sequence[dict[str, Any]], of: str = "words") -> list[float]:
    """Return the raw words per second of every turn, or the kept ones."""
    return [turn[of] / turn["seconds"] for turn in turns]


def described(size: int, turns: Sequence[dict[str, Any]], first: Sequence[float]) -> dict[str, Any]:
    """Return the medians of one size, and its ratios to the `first` size within each round."""
    raw = speeds(turns)
    return {
        "size": size,
        "words": turns[0]["words"],
        "seconds": [turn["seconds"] for turn in turns],
        "raw_words_per_second": statistics.median(raw),
        "kept_words_per_second": statistics.median(speeds(turns, "kept")),
        "to_first": ratio(raw, first),
    }


def length_verdict(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return whether the words/s of every length are within 10 % of the shortest one's, and the length farthest off."""
    worst = max(rows, key=lambda row: abs(row["to_first"]["median"] - 1))
    held = abs(worst["to_first"]["median"] - 1) <= LENGTH_MARGIN
    return {"held": held, "size": worst["size"], "to_first": worst["to_first"]["median"]}


def vocabulary_verdict(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return whether every vocabulary has more than half the words/s of the smallest, and the slowest one."""
    worst = min(rows, key=lambda row: row["to_first"]["median"])
    held = worst["to_first"]["median"] * VOCABULARY_FALL > 1
    return {"held": held, "size": worst["size"], "to_first": worst["to_first"]["median"]}


def tables(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield both tables, each with its verdict."""
    lengths, vocabularies = result["lengths"], result["vocabularies"]
    yield _table("corpus, words", lengths)
    yield _verdict(
        result["length_verdict"],
        f"words/s stay within {LENGTH_MARGIN:.0%} from {lengths[0]['size']:,} to {lengths[-1]['size']:,} words",
    )
    yield Text(f"Vocabulary of {result['vocabulary']:,} words; the corpus is cut, or repeated.\n")
    yield _table("vocabulary", vocabularies)
    yield _verdict(
        result["vocabulary_verdict"],
        f"words/s fall by less than {VOCABULARY_FALL:.0f}x from a "
        f"vocabulary of {vocabularies[0]['size']:,} to {vocabularies[-1]['size']:,}",
    )
    yield Text(
        f"{result['words']:,} words drawn by Zipf's law. Skip-gram with negative sampling, {result['threads']} "
        f"threads, medians of {result['rounds']} rounds; (least..most). Compiling and allocation are not timed."
    )


def _table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(name, "raw words/s", "kept words/s", "to the smallest", left=[3])
    for row in rows:
        speeds = (f"{row[f'{kind}_words_per_second']:,.0f}" for kind in ("raw", "kept"))
        table.row(
            f"{row['size']:>{len(name)},}", *speeds, "{median:.3f} ({least:.3f}..{most:.3f})".format(**row["to_first"])
        )
    return table


def _verdict(of: dict[str, Any], claim: str) -> Text:
    said, style = ("holds", "green") if of["held"] else ("DOES NOT HOLD", "bold red")
    return Text(f"{said}: {claim}; the worst is {of['size']:,} at {of['to_first']:.3f}.", style)
