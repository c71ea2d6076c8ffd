"""`python -m compare bench vectors`: its queries, that it compares answers, and its table."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compare.__main__ import app
from compare.bench.vectors.command import LATER, measure_similar
from tf_emb.vectors import Vectors


def test_three_kinds_of_query_are_measured() -> None:
    found = measure_similar(rows=500, dim=8, repeats=3, many=7)
    assert [(of["query"], len(of["ours"]), len(of["gensim"])) for of in found] == [
        ("first query", 1, 1),
        (LATER, 3, 3),
        ("7 queries at once", 1, 1),
    ]
    assert all(min(*of["ours"], *of["gensim"]) > 0 for of in found)


def test_another_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Vectors, *of: Any, **options: Any) -> list[tuple[str, float]]:
        return [("w0", 1.0)]

    monkeypatch.setattr(Vectors, "most_similar", wrong)
    with pytest.raises(RuntimeError, match="The same neighbours must be found"):
        measure_similar(rows=500, dim=8, repeats=1)


def test_the_table_has_a_row_per_query_and_fits_eighty_columns(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "vectors", "--quick", "--rounds", "2", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for said in ("first query", LATER, "100 queries at once", "at most a third of gensim's time"):
        assert said in done.stdout
    reports = next(line for line in done.stdout.splitlines() if line.startswith("Reports"))
    assert max(len(line) for line in done.stdout.splitlines() if line != reports) <= 80
    again = CliRunner().invoke(
        app, ["bench", "vectors", "--quick", "--rounds", "2", "--resume", f"{tmp_path}/vectors.json"]
    )
    assert again.exit_code == 0, again.output
