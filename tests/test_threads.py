"""Jobs on several threads."""

import pytest

from tf_emb.threads import run_threads


def test_an_error_in_a_thread_is_raised_here_and_stops_the_others() -> None:
    def work(i: int) -> int:
        if i == 3:
            raise ValueError("third")
        return i

    seen: list[int] = []
    with pytest.raises(ValueError, match="third"):
        run_threads(iter([lambda i=i: work(i) for i in range(1000)]), 2, lambda i: bool(seen.append(i)))
    assert len(seen) < 1000
