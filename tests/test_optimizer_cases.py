"""The cases about optimizers: what they draw, what happens to rows without a gradient, what their bounds see."""

import zlib

import numpy as np
import pytest

from compare import SUITE
from tf_emb.parity.case import at_dtype
from tf_emb.parity.faults import mutate

KNOWN = SUITE.load()
TRAJECTORIES = [name for name in KNOWN if name.startswith("trajectory-")]
SUBJECTS = (
    "compare.cases.optimizers.rules",
    "compare.cases.optimizers.gradient_clipping",
    "compare.cases.optimizers.learning_rate_schedules",
)
DIVERGENT = [
    pytest.param(case, engine, dtype, id=f"{case.name} {engine} {dtype}")
    for case in KNOWN.values()
    if case.oracle.__module__.startswith(SUBJECTS)
    for engine, divergence in case.diverges.items()
    for dtype in divergence.at
    if dtype in case.dtypes
]
# What each rule takes: a change of any of them must show.
PARAMETERS = {
    "sgd": ["rate"],
    "momentum": ["rate", "momentum"],
    "adagrad": ["rate", "epsilon", "initial accumulator"],
    "adam": ["rate", "epsilon", "beta_1", "beta_2"],
    "adamw": ["rate", "epsilon", "beta_1", "beta_2", "weight decay"],
    "rmsprop": ["rate", "epsilon", "rho"],
}


def draw(name, dtype="float64"):
    case = KNOWN[name]
    x = case.inputs(np.random.default_rng([0, zlib.crc32(name.encode())]))
    return case, at_dtype(at_dtype(x, dtype), "float64")


def share(want, got, allowed):
    """The largest |got - want| / allowed over the outputs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return max(float(np.nan_to_num(np.abs(got[k] - want[k]) / allowed[k], posinf=np.inf).max()) for k in allowed)


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_a_trajectory_has_a_thousand_steps_repeats_and_a_padding_row_or_none(name):
    _, x = draw(name)
    assert len(x["ids"]) == 1000
    assert np.mean([len(np.unique(batch[batch > 0])) < (batch > 0).sum() for batch in x["ids"]]) > 0.5
    assert (x["padding_idx"] == 0) == (0 in x["ids"]) == name.endswith("-padding")


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_a_row_that_never_had_a_gradient_moves_by_decay_alone(name):
    """Row 0: the padding row, or one that no batch names."""
    case, x = draw(name)
    start, end = x["start table"][0], case.oracle(x)["table, free run"][0, -1]
    if "adamw" in name:
        np.testing.assert_allclose(end, start * (1 - x["rate"] * x["weight decay"]) ** 1000, rtol=1e-12)
    else:
        assert np.array_equal(start, end)


@pytest.mark.parametrize(
    ("name", "moves"), [("sgd", 0), ("momentum", 1), ("adagrad", 0), ("adam", 1), ("adamw", 1), ("rmsprop", 0)]
)
def test_a_padding_row_with_moments_of_its_own_coasts(name, moves):
    case, x = draw(f"trajectory-{name}-padding")
    before, after = x["state table"][:, 0], case.oracle(x)["table, one step"][:, 0]
    assert np.any(before != after) == bool(moves)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "parameter"), [(n, p) for n, parameters in PARAMETERS.items() for p in parameters])
def test_a_bound_sees_one_percent_of_every_hyper_parameter(name, parameter, dtype):
    case, x = draw(f"trajectory-{name}", dtype)
    want = case.oracle(x)
    # beta_2 is near 1: 1 % of what is missing.
    changed = 1 - 1.01 * (1 - x[parameter]) if parameter == "beta_2" else 1.01 * x[parameter]
    assert share(want, case.oracle({**x, parameter: changed}), case.allowed(x, want, dtype)) > 1


@pytest.mark.parametrize(("case", "engine", "dtype"), DIVERGENT)
def test_a_declared_divergence_is_larger_than_the_bound(case, engine, dtype):
    _, x = draw(case.name, dtype)
    want, declared = case.oracle(x), case.diverges[engine]
    assert share(want, mutate(case.oracle, declared.old, declared.new)(x), case.allowed(x, want, dtype)) > 1
