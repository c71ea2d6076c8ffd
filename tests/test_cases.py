"""What holds for every case: its faults apply, its parts fit together."""

import numpy as np
import pytest

from compare import SUITE
from tf_emb.parity.engines import HOMES, KERAS
from tf_emb.parity.faults import mutate, parts

CASES = SUITE.load()
EDITS = [
    pytest.param(case, edit.old, edit.new, id=f"{case.name}: {name}")
    for case in CASES.values()
    for name, edit in [*case.faults.items(), *case.diverges.items()]
]


@pytest.mark.parametrize(("case", "old", "new"), EDITS)
def test_every_edit_changes_one_place_of_the_oracle(case, old, new):
    assert callable(mutate(case.oracle, old, new))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_case_has_faults_bounds_with_reasons_and_engines(case):
    assert case.faults
    assert case.claim.endswith(".")
    assert case.cite
    # What PyTorch does not have (sqrtn, weights in a mean, a default row, a policy) is held to its formula alone.
    # Where gensim is replayed, it is gensim that ours stands beside.
    formula_only = case.claim.endswith("its formula.") or "gensim" in case.impls
    assert set(case.impls) & set(KERAS) if formula_only else set(case.impls) >= {"torch", "keras-tensorflow"}
    assert set(case.impls) <= set(HOMES)
    assert all(len(bound.why) > 15 for bound in case.bounds.values())


def test_there_are_at_least_seven_cases_besides_the_known_divergences():
    assert sum(not case.diverges and not case.full for case in CASES.values()) >= 7


def test_an_edit_that_does_not_apply_is_refused():
    case = CASES["lookup"]
    with pytest.raises(ValueError, match="occurs 0 times"):
        mutate(case.oracle, "not in the source", "")
    with pytest.raises(ValueError, match=r"occurs [2-9] times"):
        mutate(case.oracle, "x[", "y[")


def test_an_edit_reaches_the_functions_that_the_oracle_calls_and_leaves_the_oracle_alone():
    case = CASES["lookup"]
    assert {part.__name__ for part in parts(case.oracle)} == {"oracle", "gradient"}
    x = {k: np.asarray(v) for k, v in case.inputs(np.random.default_rng(0)).items()}
    before = case.oracle(x)["gradient"]
    broken = mutate(case.oracle, "upstream[live])", "-upstream[live])")(x)["gradient"]
    assert np.array_equal(broken, -before)
    assert np.array_equal(case.oracle(x)["gradient"], before)


@pytest.mark.parametrize("name", ["lookup", "skipgram", "bigram", "sgd", "functions"])
def test_draws_depend_on_the_seed_and_on_nothing_else(name):
    first, again, other = (CASES[name].inputs(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert any(not np.array_equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize(("name", "target"), [("skipgram", "context"), ("negative-sampling", "targets")])
def test_noise_meets_its_target_in_some_rows_and_not_in_all(name, target):
    x = CASES[name].inputs(np.random.default_rng(0))
    met = (x["noise"] == x[target][:, None]).any(axis=1)
    assert 0 < met.sum() < len(met) / 2


@pytest.mark.parametrize("name", ["lookup", "skipgram", "sgd", "adagrad", "adam", "trajectory-adamw-padding"])
def test_batches_hold_repeated_ids(name):
    x = CASES[name].inputs(np.random.default_rng(0))
    ids = x["ids"] if "ids" in x else x["center"]
    batch = ids[0] if ids.ndim == 2 else ids
    live = batch[batch != x.get("padding_idx", -1)]
    assert len(np.unique(live)) < live.size
