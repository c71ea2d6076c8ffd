"""The measurement of searches: its queries, and that it compares answers."""

from typing import Any

import pytest

from compare.bench.layers.search import measure_similar
from tf_emb.vectors import Vectors


def test_three_kinds_of_query_are_measured() -> None:
    found = measure_similar(rows=500, dim=8, repeats=3, many=7)
    assert [(of.query, len(of.ours), len(of.gensims)) for of in found] == [
        ("first", 1, 1), ("later", 3, 3), ("7 at once", 1, 1),
    ]  # fmt: skip
    assert all(of.ratio > 0 and min(*of.ours, *of.gensims) > 0 for of in found)


def test_another_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Vectors, *of: Any, **options: Any) -> list[tuple[str, float]]:
        return [("w0", 1.0)]

    monkeypatch.setattr(Vectors, "most_similar", wrong)
    with pytest.raises(RuntimeError, match="The same neighbours must be found"):
        measure_similar(rows=500, dim=8, repeats=1)
