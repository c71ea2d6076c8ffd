"""The low precisions: their facts, their way through files and engines, and what may be claimed of them."""

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
import torch

from compare import SUITE
from tf_emb.parity.case import EXACT, Bound, at_dtype
from tf_emb.parity.check import verdict
from tf_emb.parity.dtypes import (
    DTYPES,
    LOW,
    WIDE,
    as_numpy,
    gamma,
    is_floating,
    smallest_normal,
    spacing,
    unit_roundoff,
)
from tf_emb.parity.engines.numpy import NumPy
from tf_emb.parity.engines.torch import Torch
from tf_emb.parity.jobs import Job, digest
from tf_emb.parity.oracle import PLANTED, plant
from tf_emb.parity.plan import Options, make_plan

BFLOAT16 = as_numpy("bfloat16")


def patterns(dtype):
    """Every number of a 16-bit format, infinities and NaN among them."""
    return np.arange(2**16, dtype=np.uint16).view(as_numpy(dtype))


def numbers(dtype):
    every = patterns(dtype)
    with np.errstate(invalid="ignore"):  # what ml_dtypes says of a signalling NaN
        return every[np.isfinite(every)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_formats_are_what_their_libraries_say(dtype):
    facts = ml_dtypes.finfo(as_numpy(dtype))
    assert unit_roundoff(dtype) == float(facts.eps) / 2
    assert smallest_normal(dtype) == float(facts.tiny)
    assert as_numpy(dtype).name == dtype
    assert is_floating(np.zeros(1, as_numpy(dtype)))
    assert not is_floating(np.zeros(1, np.int64))


@pytest.mark.parametrize("dtype", LOW)
def test_the_spacing_is_the_distance_to_the_next_number(dtype):
    x = numbers(dtype)
    x = x[(x >= 0) & (x < ml_dtypes.finfo(as_numpy(dtype)).max)]
    above = np.nextafter(x, x.dtype.type(np.inf)).astype(np.float64)
    np.testing.assert_array_equal(spacing(x.astype(np.float64), dtype), above - x.astype(np.float64))


@pytest.mark.parametrize("dtype", WIDE)
def test_the_spacing_is_numpys_where_numpy_has_it(dtype):
    x = (10.0 ** np.random.default_rng(0).uniform(-300 if dtype == "float64" else -44, 30, 999)).astype(dtype)
    np.testing.assert_array_equal(spacing(x.astype(np.float64), dtype), np.spacing(x).astype(np.float64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_u_bounds_the_rounding_of_one_operation_and_half_of_it_does_not(dtype):
    a, b = (x.astype(as_numpy(dtype)) for x in np.random.default_rng(1).uniform(1, 2, (2, 4000)))
    exact = a.astype(np.longdouble) * b.astype(np.longdouble)
    relative = np.abs((a * b).astype(np.longdouble) - exact) / exact
    assert unit_roundoff(dtype) / 2 < relative.max() <= unit_roundoff(dtype)


def test_gamma_refuses_what_has_no_bound():
    assert float(gamma(255, 2.0**-8)) == pytest.approx(255)
    for void in (256, 257, np.array([1, 300])):
        with pytest.raises(ValueError, match=r"^`n` must be below 1 / u = 256 roundings; got \d+\. Draw inputs"):
            gamma(void, 2.0**-8)
    with pytest.raises(ValueError, match="must be below 1 / u"):
        Bound(300, "300 additions", lambda x, want: want["y"]).allowed({}, {"y": np.ones(1)}, "bfloat16")


@pytest.mark.parametrize("dtype", LOW)
def test_a_low_precision_sum_uses_its_bound_and_stays_within_it(dtype):
    """Accumulated one by one in the format itself, which is the worst that an engine may do."""
    x = np.random.default_rng(2).uniform(0.5, 1, (500, 100)).astype(as_numpy(dtype))
    total = np.zeros(500, x.dtype)
    for column in x.T:
        total = total + column
    want = x.astype(np.float64).sum(1)
    error = np.abs(total.astype(np.float64) - want)
    allowed = gamma(99, unit_roundoff(dtype)) * want
    assert 0.05 < np.max(error / allowed) <= 1


@pytest.mark.parametrize("dtype", LOW)
def test_files_keep_every_bit(tmp_path, dtype):
    job, arrays = Job("lookup", dtype), {"dE/dW'": patterns(dtype), "n": np.arange(3)}
    job.save(tmp_path, "torch", arrays)
    read = job.read(tmp_path, "torch")
    assert set(read) == set(arrays)
    assert read["dE/dW'"].dtype == arrays["dE/dW'"].dtype
    np.testing.assert_array_equal(read["dE/dW'"].view(np.uint16), arrays["dE/dW'"].view(np.uint16))
    assert read["n"].dtype == np.int64


def test_the_digest_tells_the_two_halves_apart():
    bits = np.arange(9, dtype=np.uint16)
    assert len({digest({"a": bits.view(as_numpy(dtype))}) for dtype in LOW} | {digest({"a": bits})}) == 3


@pytest.mark.parametrize("dtype", LOW)
def test_torch_gets_and_gives_every_bit(dtype):
    engine, given = Torch("cpu"), {"a": patterns(dtype), "rate": np.asarray(0.5, as_numpy(dtype))}
    loaded = engine.load(given, dtype)
    assert loaded["a"].dtype == getattr(torch, dtype)
    assert loaded["rate"] == 0.5
    back = engine.unload(loaded["a"].requires_grad_())
    assert back.dtype == as_numpy(dtype)
    np.testing.assert_array_equal(back.view(np.uint16), given["a"].view(np.uint16))


def test_numpy_rounds_once_at_bfloat16():
    engine, x = NumPy(), {"a": numbers("bfloat16")[:100], "ids": np.arange(3)}
    loaded = engine.load(x, "bfloat16")
    assert loaded["a"].dtype == np.float32
    assert engine.unload(loaded["a"]).dtype == BFLOAT16
    assert engine.unload(loaded["ids"]).dtype == np.int64
    assert engine.unload(engine.load({"a": np.ones(1, np.float32)}, "float32")["a"]).dtype == np.float32


@pytest.mark.parametrize("dtype", LOW)
def test_an_output_at_another_precision_fails(dtype):
    want, other = np.ones(3), [d for d in DTYPES if d != dtype]
    limit = np.full(3, 0.1)
    assert verdict("c", "o", "e", dtype, want.astype(as_numpy(dtype)), want, limit).status == "pass"
    for wrong in other:
        row = verdict("c", "o", "e", dtype, want.astype(as_numpy(wrong)), want, limit)
        assert row.message == f"dtype must be {dtype}; got {wrong}"


@pytest.mark.parametrize("dtype", LOW)
def test_one_unit_in_the_last_place_fails_an_exact_output_and_counts_as_one(dtype):
    want = np.array([np.nan, 1.0, -2.0])
    got = want.astype(as_numpy(dtype))
    assert verdict("c", "o", "e", dtype, got, want, np.zeros(3)).status == "pass"
    got[1] = np.nextafter(got[1], got.dtype.type(2))
    row = verdict("c", "o", "e", dtype, got, want, np.zeros(3))
    assert row.failed
    assert row.ulp == (1, 1, 1)  # of the two numbers, by the higher


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("limit", [0.0, 1e-2])
def test_the_planted_shift_is_seen_beside_nan(dtype, limit):
    case = replace(SUITE.load()["lookup"], faults={})
    want = {"y": np.array([np.nan, 1.0, np.inf])}
    (found,) = plant(case, Job("toy", dtype), {}, want, {"y": np.full(3, limit)})
    assert found["name"] == PLANTED
    assert found["used"] > 1


def test_a_case_has_jobs_at_its_own_dtypes_only():
    made = make_plan(Options(SUITE, cases=("lookup", "sgd")))
    assert [job.dtype for job in made.jobs if job.case == "lookup"] == list(DTYPES)
    assert [job.dtype for job in made.jobs if job.case == "sgd"] == list(WIDE)
    low = make_plan(Options(SUITE, dtypes=("float16",)))
    assert {job.dtype for job in low.jobs} == {"float16"}
    assert {case.name for case in low.cases} == {n for n, case in SUITE.load().items() if "float16" in case.dtypes}


@pytest.mark.parametrize("case", SUITE.load().values(), ids=SUITE.load())
def test_low_precision_inputs_are_finite_and_bounds_exist(case):
    x = case.inputs(np.random.default_rng(0))
    for dtype in case.dtypes:
        rounded = at_dtype(x, dtype)
        finite = [name for name, array in rounded.items() if is_floating(array) and np.isfinite(x[name]).all()]
        assert all(np.isfinite(rounded[name]).all() for name in finite), dtype  # 65504 is the largest of float16
        if dtype in LOW:
            wide = at_dtype(rounded, "float64")
            want = case.oracle(wide)
            assert all(np.abs(a[np.isfinite(a)]).max(initial=0) < 65504 for a in want.values())
            assert set(case.allowed(wide, want, dtype)) == {n for n, b in case.bounds.items() if dtype in b.at}


def test_every_family_of_lookups_runs_at_all_four():
    for name, case in SUITE.load().items():
        if name.startswith(("embedding-", "bag-")) or name in ("lookup", "one-hot", "functions"):
            assert case.dtypes == DTYPES, name


def test_exact_stays_exact_at_every_dtype():
    want = {"y": np.array([3.0])}
    assert all(not EXACT.allowed({}, want, dtype).any() for dtype in DTYPES)
