"""Running error analysis: no float32 program may ever be outside of it, and it must not be vacuous."""

import numpy as np
import pytest

from compare import SUITE
from tf_emb.parity.case import EXACT, Bound, at_dtype, running, unit_roundoff
from tf_emb.parity.dtypes import as_numpy, smallest_normal
from tf_emb.parity.rounding import Rounded, contract, gamma, scatter_add

U = unit_roundoff("float32")
F = np.float32


def operands(seed, shape=(400,)):
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, shape)).astype(F)
    return values, Rounded.exact(values, U)


OPERATIONS = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: a / b,
    "chain": lambda a, b: (a + b) * a - b * b / (a + b),
    "cancellation": lambda a, b: (a + b) - a,
    "scalar": lambda a, b: 1 - 3 * a,
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("seed", range(20))
def test_float32_stays_within_the_error_it_carries(name, seed):
    (a, ra), (b, rb) = operands(seed), operands(seed + 1000)
    got, want = OPERATIONS[name](a, b).astype(np.float64), OPERATIONS[name](ra, rb)
    error = np.abs(got - want.value)
    assert np.all(error <= want.error)
    assert error.max() > 0  # float32 does round here, so the test can fail


def test_half_the_error_would_be_too_little():
    (a, ra), (b, rb) = operands(1), operands(2)
    got, want = (a * b).astype(np.float64), ra * rb
    assert np.any(np.abs(got - want.value) > want.error / 2)


def test_root_and_sigmoid_stay_within_their_errors():
    values, exact = operands(5)
    positive = Rounded.exact(np.abs(values), U) * Rounded.exact(F(1.1), U)
    got = np.sqrt(np.abs(values) * F(1.1))
    assert np.all(np.abs(got - positive.sqrt().value) <= positive.sqrt().error)
    with np.errstate(over="ignore"):
        got = 1 / (1 + np.exp(-values))
    with np.errstate(over="ignore"):
        want = exact.sigmoid()
    assert np.all(np.abs(got - want.value) <= want.error)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_softplus_of_a_rounded_number_and_its_sum_stay_within_their_errors(dtype):
    u, to = unit_roundoff(dtype), as_numpy(dtype)
    a, b = (x.astype(to) for x in np.random.default_rng(3).normal(size=(2, 300, 8)))
    want = (Rounded.exact(a, u) * Rounded.exact(b, u)).softplus()
    got = np.logaddexp(to.type(0), a * b).astype(to)
    error = np.abs(got.astype(np.float64) - want.value)
    assert np.all(error <= want.error)
    assert error.max() > want.error.min() / 100  # it rounds, and the bound is not a thousand times too wide
    total, whole = np.zeros(300, to), want.sum(axis=1)
    for column in got.T:
        total = (total + column).astype(to)
    assert np.all(np.abs(total.astype(np.float64) - whole.value) <= whole.error)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_size_of_a_sum_in_the_bound_is_that_of_its_terms(dtype):
    terms = Rounded.exact(np.ones((2, 9)), unit_roundoff(dtype))
    np.testing.assert_allclose(terms.sum(axis=1).error, gamma(8, terms.u) * 9)


def test_what_is_not_counted_adds_no_rounding():
    ids, on = np.array([0, 0, 0, 1]), np.array([True, False, False, True])
    updates = Rounded.exact(np.where(on, 1.5, 0.0)[:, None], U)
    assert scatter_add(2, ids, updates).error[0] > 0
    assert not scatter_add(2, ids, updates, on).error.any()


def test_underflow_costs_the_smallest_normal_number_of_the_format():
    for dtype in ("float64", "float32", "bfloat16", "float16"):
        tiny = Rounded.exact(np.zeros(1), unit_roundoff(dtype)) * 0.5
        assert tiny.error[0] == smallest_normal(dtype)


@pytest.mark.parametrize("order", ["forward", "backward", "pairs"])
def test_a_sum_is_bounded_in_every_order(order):
    (a, ra), (b, rb) = operands(7, (50, 64)), operands(8, (50, 64))
    want = contract("bd,bd->b", ra, rb)
    products = a * b
    if order == "backward":
        products = products[:, ::-1]
    got = products.sum(1) if order == "pairs" else np.add.accumulate(products, axis=1)[:, -1]
    assert np.all(np.abs(got.astype(np.float64) - want.value) <= want.error)


def test_rows_hit_once_are_exact_and_rows_hit_often_are_bounded():
    ids = np.array([0, 1, 1, 1, 1, 1, 1, 1])
    updates = np.random.default_rng(0).normal(size=(8, 3)).astype(F)
    want = scatter_add(4, ids, Rounded.exact(updates, U))
    got = np.zeros((4, 3), F)
    np.add.at(got, ids, updates)
    assert not want.error[[0, 2, 3]].any()
    assert np.all(np.abs(got[1] - want.value[1]) <= want.error[1])
    assert np.any(got[1] != want.value[1])


def test_a_moving_average_forgets_errors_as_it_should():
    average = Rounded(np.ones(1), np.ones(1), U)
    for _ in range(100):
        average = average.average(Rounded.exact(np.ones(1), U), 0.9)
    assert average.error[0] < 1e-4  # 0.9^100 = 2.7e-5; 1.1^100 = 1.4e4 if the averaged error were added


def test_a_quotient_by_what_may_be_zero_is_unbounded():
    near = Rounded(np.array([1e-3]), np.array([2e-3]), U)
    assert np.isinf((Rounded.exact(np.ones(1), U) / near).error[0])


def test_gamma_is_the_bound_of_higham():
    assert float(gamma(3, 0.01)) == pytest.approx(0.03 / 0.97)


def test_a_bound_scales_with_its_count_and_an_exact_one_is_zero():
    bound = Bound(4, "four", lambda x, want: np.abs(want["y"]))
    allowed = bound.allowed({}, {"y": np.array([2.0])}, "float32")
    assert allowed[0] == pytest.approx(8 * U, rel=1e-5)
    assert EXACT.exact
    assert not bound.exact


def test_a_running_bound_without_its_analysis_is_refused():
    from dataclasses import replace

    case = replace(SUITE.load()["sgd"], envelope=lambda x, u: {}, bounds={"y": running("never computed")})
    with pytest.raises(ValueError, match="must bound"):
        case.allowed({}, {"y": np.zeros(1)}, "float32")


def test_inputs_are_rounded_but_ids_are_not():
    x = at_dtype({"w": np.array([0.1]), "rate": np.array(0.1), "ids": np.array([16777217])}, "float32")
    assert x["w"].dtype == x["rate"].dtype == np.float32
    assert x["ids"].dtype == np.int64
    assert x["ids"][0] == 16777217
