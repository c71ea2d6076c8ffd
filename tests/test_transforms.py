"""Every layer and mode through every transformation: a part of the cells, each backend in processes of its own."""

import importlib.util
import sys
from itertools import pairwise

import numpy as np
import pytest

from compare.docs import pages
from compare.docs.transformations import judged
from compare.transforms import declared, run, table
from compare.transforms.declared import Declared, settled
from compare.transforms.modes import BY_NAME, IDS, MODES, TABLE, calls, upstream
from compare.transforms.oracle import U32, Oracle
from compare.transforms.rules import FITS
from compare.transforms.verdict import BOUND, LIMIT, NONE, REFUSED, SAME, WRONG, Numbers, Outcome
from compare.transforms.ways import WAYS
from tf_emb.parity.rounding import Rounded

SHOWN = table.marks_of(pages.parted(pages.SEMANTICS, "transforms")[1])


@pytest.mark.parametrize("backend", run.BACKENDS)
def test_the_cells_come_out_as_the_page_shows(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    found = run.run(backend, run.some())
    marks, wrong = judged(backend, found)
    assert not wrong, "\n".join(wrong)
    assert not (other := declared.differences(SHOWN[backend], marks.items())), "\n".join(other)


def test_the_part_holds_every_transformation_and_every_mode():
    ways, modes = (set(names) for names in zip(*run.some(), strict=True))
    assert (ways, modes) == (set(WAYS), set(BY_NAME))


def test_the_page_has_the_headings_and_reasons_of_the_code():
    assert not pages.stale(pages.with_transforms())


@pytest.mark.parametrize("backend", run.BACKENDS)
def test_no_cell_of_the_page_is_wrong_but_keras_own(backend):
    ways = {way for way, _ in SHOWN[backend]}
    assert len(ways) > 40
    assert set(SHOWN[backend]) == {cell for cell in run.every() if cell[0] in ways}
    assert not [cell for cell, mark in SHOWN[backend].items() if mark == WRONG and not BY_NAME[cell[1]].keras]


def test_the_cells_see_pieces_that_are_not_summed():
    """On TensorFlow Keras' own layer hands its optimizers one slice per place: the cells must call that wrong."""
    assert [SHOWN["tensorflow"][f"fit: {name}", "keras"] for name in ("SGD", "Adagrad", "Adam")] == ["=", "✗", "✗"]


def test_marks_go_into_a_page_and_come_back():
    marks = {backend: dict.fromkeys(run.every(), SAME) for backend in run.BACKENDS}
    marks["jax"]["fit: Adam", "pad"] = BOUND
    for name in BY_NAME:
        marks["torch"]["XLA", name] = NONE
    back = table.marks_of(table.page(marks))
    assert {cell: mark for cell, mark in back["jax"].items() if mark != SAME} == {("fit: Adam", "pad"): BOUND}
    assert ("XLA", "pad") not in back["torch"]
    assert "fit: SGD; SGD, momentum; " in table.page(marks)


CELLS = [("a", "plain"), ("b", "plain"), ("c", "plain")]
DIES = """
import json, os, sys
for way, mode in json.load(sys.stdin):
    print("cell " + json.dumps([way, mode]), flush=True)
    if way == "b":
        os.abort()
    print("cell " + json.dumps([way, mode, "=", ""]), flush=True)
"""


def test_a_cell_that_kills_its_process_loses_no_other(monkeypatch):
    monkeypatch.setattr(run, "WORKER", [sys.executable, "-c", DIES])
    found = run.run("tensorflow", CELLS)
    assert [found[cell].mark for cell in CELLS] == [SAME, WRONG, SAME]
    assert found[CELLS[1]].why == "the process died: SIGABRT"


def test_a_process_that_never_begins_is_told(monkeypatch):
    monkeypatch.setattr(run, "WORKER", [sys.executable, "-c", "raise SystemExit(3)"])
    assert {outcome.why for outcome in run.run("jax", CELLS).values()} == {"the process died: exit status 3"}


def one(got: np.ndarray, want: Rounded, **eager: np.ndarray) -> str:
    numbers = Numbers(eager)
    numbers.hold("out", got, want)
    return numbers.outcome().mark


def test_a_number_is_the_same_inside_or_wrong():
    third = Rounded(np.array([1 / 3]), np.array([1e-7]), U32)
    near = np.float32([1 / 3])
    assert one(near, third) == SAME
    assert one(np.nextafter(near, np.float32(1)), third) == BOUND
    assert one(near, third, out=np.nextafter(near, np.float32(1))) == BOUND
    assert one(near + np.float32(1e-6), third) == WRONG
    assert one(np.float32([np.nan]), third) == WRONG
    assert one(np.float32([[1 / 3]]), third) == WRONG
    assert Numbers().outcome().mark == WRONG


def test_what_is_declared_must_come_out_as_declared(monkeypatch):
    limit = Declared("jax", ("map",), ("pad",), LIMIT, "off by one", "JAX cannot")
    refusal = Declared("jax", ("XLA",), (), REFUSED, "`a` must", "we will not")
    monkeypatch.setattr(declared, "DECLARED", (limit, refusal))
    assert settled("jax", "map", "pad", Outcome(WRONG, "off by one")) == (Outcome(LIMIT, "JAX cannot"), "")
    assert settled("jax", "XLA", "sum", Outcome(REFUSED, "`a` must"))[1] == ""
    for found in (Outcome(SAME), Outcome(WRONG, "another error"), Outcome(REFUSED, "off by one")):
        assert "declared L (JAX cannot)" in settled("jax", "map", "pad", found)[1]
    assert settled("jax", "map", "sum", Outcome(WRONG, "off by one"))[1] == "jax, map, sum: ✗ off by one"
    assert settled("jax", "map", "sum", Outcome(REFUSED, "`b` must"))[1]
    assert settled("jax", "map", "keras", Outcome(WRONG, "off"))[1] == ""
    assert declared.differences({("map", "pad"): SAME}, [(("map", "pad"), BOUND)]) == []
    assert len(declared.differences({("map", "pad"): SAME}, [(("map", "pad"), NONE)])) == 1


LOOKUPS = [mode for mode in MODES if not mode.head]
COMBINE = {
    "sum": lambda rows, w: w @ rows,
    "mean": lambda rows, w: w @ rows / w.sum(),
    "sqrtn": lambda rows, w: w @ rows / np.sqrt((w**2).sum()),
    "max": lambda rows, w: rows.max(0),
}


def by_loops(mode, call, table):
    """The output, bag by bag, from the words of the documentation."""
    options, ids = mode.options, call.ids.reshape(-1)
    weights = np.ones(len(ids)) if call.weights is None else call.weights.reshape(-1)
    table = table.copy()
    for row in set(ids) & set(options.get("trainable_rows", range(8))):
        if np.linalg.norm(table[row]) > options.get("max_norm", np.inf):
            table[row] *= options["max_norm"] / (np.linalg.norm(table[row]) + 1e-7)
    unknown = {"zero": np.zeros(4), 6: table[6]}.get(options.get("out_of_range"))
    rows = np.array([table[i] if 0 <= i < 8 else unknown for i in ids])
    if not mode.bag:
        return rows.reshape(*call.ids.shape, 4)
    starts = range(0, 12, 4) if call.offsets is None else call.offsets
    out = []
    for begin, end in pairwise([*starts, len(ids)]):
        kept = [place for place in range(begin, end) if ids[place] != options.get("padding_idx")]
        empty = table[options["default_id"]] if "default_id" in options else np.zeros(4)
        out.append(COMBINE[options["combiner"]](rows[kept], weights[kept]) if kept else empty)
    return np.array(out)


@pytest.mark.parametrize("mode", LOOKUPS, ids=lambda mode: mode.name)
def test_the_oracle_returns_what_loops_do(mode):
    for call in calls(mode):
        want, got = by_loops(mode, call, TABLE), Oracle(mode, call).forward()
        np.testing.assert_allclose(got.value, want, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("mode", LOOKUPS, ids=lambda mode: mode.name)
def test_the_oracle_of_gradients_is_the_slope_of_the_loops(mode):
    """By differences; rows whose gradient the layer changes (padding, counts, norms) are left out."""
    call, u, step = calls(mode)[0], upstream(mode, 0), 1e-6
    got, plain = Oracle(mode, call).gradient(u).value, Oracle(mode, call).s == 1
    if "max_norm" in mode.options:
        plain &= np.linalg.norm(TABLE, axis=1) < mode.options["max_norm"]
    for row, column in np.ndindex(TABLE.shape):
        if plain[row]:
            moved = TABLE.copy()
            moved[row, column] += step
            slope = ((by_loops(mode, call, moved) - by_loops(mode, call, TABLE)) * u).sum() / step
            assert abs(got[row, column] - slope) < 1e-6 * (1 + abs(slope))
    for at in np.ndindex(call.ids.shape) if mode.weighted else ():
        weights = call.weights.copy()
        weights[at] += step
        moved_call = type(call)(call.ids, call.offsets, weights)
        slope = ((by_loops(mode, moved_call, TABLE) - by_loops(mode, call, TABLE)) * u).sum() / step
        assert abs(Oracle(mode, call).weights_gradient(u).value[at] - slope) < 1e-4 * (1 + abs(slope))


def test_the_inputs_have_what_they_claim():
    assert all(len(np.unique(column)) == len(column) for column in TABLE.T)
    assert (TABLE != 0).all()
    assert (np.round(TABLE * 8) == TABLE * 8).all()
    assert set(IDS[0].ravel()) & set(IDS[1].ravel()) >= {0, 1, 2}
    assert not set(IDS[0][-1].ravel()) - {0}
    assert {fit.kind for fit in FITS.values()} >= {"SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Nadam"}
