"""The check, tested by what it must refuse."""

import numpy as np
import pytest

from tf_emb.parity.check import verdict

WANT = np.array([[1.0, -2.0], [0.5, 4.0]])
ALLOWED = np.full((2, 2), 1e-6)


def judge(got, want=WANT, allowed=ALLOWED, dtype="float64", **more):
    return verdict("case", "output", "engine", dtype, got, want, allowed, **more)


def test_what_is_within_its_bound_passes_and_says_how_much_was_used():
    row = judge(np.add(WANT, [[0, 0], [2.5e-7, 0]]))
    assert row.status == "pass"
    assert row.used == pytest.approx(0.25)
    assert row.index == (1, 0)


def test_what_is_out_of_bounds_fails_with_index_values_measured_and_allowed():
    row = judge(np.add(WANT, [[0, 3e-6], [0, 0]]))
    assert row.status == "fail"
    assert row.used == pytest.approx(3)
    for said in ("(0, 1)", "-1.999997", "want -2.0", "measured 3.000e-06", "allowed 1.000e-06"):
        assert said in row.message


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (WANT.astype(np.float32), "dtype must be float64; got float32"),
        (WANT[0], "shape must be (2, 2); got (2,)"),
        (np.where(WANT == 4, np.nan, WANT), "NaN must be where the oracle has it; it differs at (1, 1)"),
        (np.where(WANT == 4, np.inf, WANT), "+inf must be where the oracle has it"),
        (np.where(WANT == 4, -np.inf, WANT), "-inf must be where the oracle has it"),
        (np.random.default_rng(0).normal(size=(2, 2)), "measured"),
    ],
)
def test_garbage_fails_and_says_why(got, said):
    row = judge(got)
    assert row.failed
    assert said in row.message


@pytest.mark.parametrize("zeroed", [True, False])
def test_a_nan_is_compared_by_place_and_never_zeroed_away(zeroed):
    want = np.array([np.nan, 1.0])
    moved = np.array([0.0, 1.0]) if zeroed else np.array([1.0, np.nan])
    allowed = np.full(2, 1e-6)
    assert judge(moved, want, allowed).failed
    assert judge(want.copy(), want, allowed).status == "pass"


@pytest.mark.parametrize("bound", [np.inf, np.nan, -1e-9, 4.0])
def test_a_bound_that_proves_nothing_fails(bound):
    row = judge(WANT.copy(), allowed=np.full((2, 2), bound))
    assert row.failed
    assert "bound" in row.message


def test_one_infinite_element_of_a_bound_is_enough_to_fail():
    allowed = ALLOWED.copy()
    allowed[1, 1] = np.inf
    assert judge(WANT.copy(), allowed=allowed).failed


def test_exact_means_every_bit():
    exact = np.zeros((2, 2))
    assert judge(WANT.copy(), allowed=exact).status == "pass"
    off = WANT.copy()
    off[0, 0] = np.nextafter(1.0, 2.0)
    row = judge(off, allowed=exact)
    assert row.failed
    assert row.used == np.inf


def test_slack_is_marked_but_an_exact_output_is_not_slack():
    assert judge(WANT + 1e-10).slack
    assert not judge(WANT + 1e-7).slack
    assert not judge(WANT.copy(), allowed=np.zeros((2, 2))).slack


def test_ulp_percentiles_count_units_in_the_last_place_of_the_dtype():
    want = np.ones(100)
    got = want.astype(np.float32)
    got[0] += 3 * np.finfo(np.float32).eps
    row = judge(got, want, np.full(100, 1e-3), "float32")
    assert row.ulp is not None
    assert row.ulp[0] == 0
    assert row.ulp[2] == 3


def test_rmse_ratio_is_relative_to_the_baseline():
    got, own = WANT + 4e-7, WANT + 2e-7
    assert judge(got, baseline=own).rmse_ratio == pytest.approx(2)
    assert judge(got, baseline=WANT.copy()).rmse_ratio is None


def test_an_empty_output_passes():
    empty = np.zeros((0, 3))
    assert judge(empty.copy(), empty, np.zeros((0, 3))).status == "pass"


def test_integers_are_compared_exactly_and_by_their_own_dtype():
    want = np.array([1, 2])
    assert judge(np.array([1, 2]), want, np.zeros(2), "float32").status == "pass"
    assert judge(np.array([1, 3]), want, np.zeros(2), "float32").failed
    assert judge(np.array([1.0, 2.0]), want, np.zeros(2), "float32").failed
