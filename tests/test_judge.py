"""The verdict pinned: at the bound an output passes, one step beyond it fails."""

import numpy as np
import pytest

from tf_emb.parity.check import SLACK, bound_problem, verdict


def judged(error, allowed, want=0.0):
    wants = np.full(3, want)
    got = wants.copy()
    got[1] += error
    return verdict("case", "out", "engine", "float64", got, wants, np.full(3, allowed))


@pytest.mark.parametrize("allowed", [2.0**-20, 1.0, 2.0**20])
def test_the_verdict_turns_at_the_bound(allowed):
    assert judged(allowed, allowed).status == "pass"
    assert judged(-allowed, allowed).status == "pass"
    assert judged(np.nextafter(allowed, np.inf), allowed).status == "fail"
    assert judged(-np.nextafter(allowed, np.inf), allowed).status == "fail"
    assert judged(np.nextafter(allowed, 0), allowed).status == "pass"


def test_slack_ends_at_a_thousandth_of_the_bound():
    assert SLACK == 1e-3
    assert not judged(SLACK, 1.0).slack
    assert judged(np.nextafter(SLACK, 0), 1.0).slack


def test_a_bound_as_large_as_the_values_proves_nothing():
    want = np.array([0.5, -1.0, 0.25])
    assert bound_problem(want, np.full(3, 1.0)) is not None
    assert bound_problem(want, np.full(3, np.nextafter(1.0, 0))) is None
    assert bound_problem(want, np.array([0.0, -1e-300, 0.0])) is not None
    assert bound_problem(np.zeros(3), np.ones(3)) is None
