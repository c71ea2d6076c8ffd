"""The harness, tested by faults: engines that misbehave, faults that go unseen, divergences that heal."""

import numpy as np
import pytest

from tf_emb.parity.case import EXACT, Bound, Case, Divergence, Fault
from tf_emb.parity.faults import mutate
from tf_emb.parity.jobs import Job, digest
from tf_emb.parity.judge import Judge
from tf_emb.parity.oracle import plant, refer
from tf_emb.parity.plan import Plan
from tf_emb.parity.processes import Process
from tf_emb.parity.result import FaultResult, Result
from tf_emb.parity.stand_ins import StandIns
from tf_emb.parity.suite import Suite

JOB = Job("toy", "float64")


def draw(rng):
    return {"a": rng.normal(size=5), "factor": np.array(2.0)}


def double(x):
    return {"twice": x["factor"] * x["a"], "same": x["a"]}


def toy(**changes):
    bound = Bound(1, "one product", lambda x, want: np.abs(want["twice"]))
    case = {
        "name": "toy", "claim": "", "cite": "", "inputs": draw, "oracle": double, "impls": {},
        "bounds": {"twice": bound, "same": EXACT},
        "faults": {"three times": Fault('x["factor"] *', "3 *")},
    }  # fmt: skip
    return Case(**(case | changes))


class Bench:
    """A run of the toy case with one engine, `torch`, whose outputs are given."""

    def __init__(self, work, case=None):
        self.case, self.work = case or toy(), work
        self.x = draw(np.random.default_rng(0))
        JOB.save(work, "inputs", self.x)
        self.oracle = Process("oracle", jobs={JOB: refer(self.case, JOB, work)})
        self.torch = Process("torch", jobs={JOB: {}})
        self.made = Plan(Suite("nowhere", work), [self.case], [JOB], run=["torch"])

    def rows(self, outputs=None):
        if outputs is not None:
            JOB.save(self.work, "torch", outputs)
        judge = Judge(self.made, {"oracle": self.oracle, "torch": self.torch}, {JOB: digest(self.x)}, self.work)
        self.judge = judge
        return {row.output: row for row in judge.rows(self.case, JOB)}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_an_honest_engine_passes(bench):
    assert {row.status for row in bench.rows(double(bench.x)).values()} == {"pass"}


def test_a_missing_output_fails(bench):
    rows = bench.rows({"same": bench.x["a"]})
    assert rows["same"].status == "pass"
    assert rows["twice"].failed
    assert "missing" in rows["twice"].message


def test_an_output_that_nobody_asked_for_fails(bench):
    rows = bench.rows({**double(bench.x), "extra": np.zeros(1)})
    assert all(row.failed for row in rows.values())
    assert "extra" in rows["twice"].message


def test_an_implementation_that_raises_is_an_error_with_its_message(bench):
    bench.torch.jobs[JOB] = {"error": "ZeroDivisionError: division by zero (torch.py:3)"}
    rows = bench.rows()
    assert all(row.status == "error" and "torch.py:3" in row.message for row in rows.values())


def test_a_process_that_dies_is_an_error_for_every_output(bench):
    bench.torch.jobs.clear()
    bench.torch.broken = "exit status -11: Segmentation fault"
    rows = bench.rows()
    assert set(rows) == {"twice", "same"}
    assert all(row.status == "error" and "-11" in row.message for row in rows.values())


def test_an_oracle_that_breaks_is_an_error_not_a_pass(bench):
    bench.oracle.jobs[JOB] = {"error": "ValueError: oracle"}
    assert all(row.status == "error" for row in bench.rows(double(bench.x)).values())


def test_an_engine_without_an_implementation_says_so(bench):
    bench.torch.jobs[JOB] = {"absent": True}
    assert {row.status for row in bench.rows().values()} == {"n/a"}


def test_an_absent_engine_is_never_a_pass(bench):
    bench.made.run, bench.made.absent = [], {"torch": "torch not installed"}
    rows = bench.rows(double(bench.x))
    assert {row.status for row in rows.values()} == {"absent"}
    assert "not installed" in rows["same"].message


def test_an_output_that_is_not_claimed_at_a_dtype_says_so(tmp_path):
    case = toy(bounds={**toy().bounds, "same": Bound(0, "never", at=("float32",))})
    rows = Bench(tmp_path, case).rows(double(draw(np.random.default_rng(0))))
    assert rows["same"].status == "n/a"
    assert rows["twice"].status == "pass"


def test_every_planted_fault_of_the_toy_is_caught_and_a_harmless_edit_is_not(tmp_path):
    harmless = Fault('x["factor"] *', '2 * x["factor"] / 2 *')
    case = toy(faults={"three times": Fault('x["factor"] *', "3 *"), "harmless": harmless})
    bench = Bench(tmp_path, case)
    bench.rows(double(bench.x))
    caught = {fault.name: fault.caught for fault in bench.judge.faults(case)}
    assert caught.pop("harmless") is False
    assert len(caught) == 2
    assert all(caught.values())


def test_a_harmless_edit_beside_an_integer_output_is_not_caught_for_its_dtype(tmp_path):
    def with_integers(x):
        return {"twice": x["factor"] * x["a"], "same": x["a"], "places": np.arange(5)}

    harmless = Fault('x["factor"] *', '2 * x["factor"] / 2 *')
    bounds = {**toy().bounds, "places": EXACT}
    case = toy(oracle=with_integers, bounds=bounds, faults={"harmless": harmless})
    found = {f["name"]: f["used"] for f in Bench(tmp_path, case).oracle.jobs[JOB]["faults"]}
    assert found["harmless"] <= 1


def test_a_fault_that_raises_is_not_counted_as_caught(tmp_path):
    case = toy(faults={"broken": Fault('x["factor"] *', "no_such_name *")})
    bench = Bench(tmp_path, case)
    bench.rows(double(bench.x))
    (found,) = [fault for fault in bench.judge.faults(case) if fault.name == "broken"]
    assert not found.caught
    assert "no_such_name" in found.message


def test_a_loose_bound_does_not_see_the_planted_shift(tmp_path):
    x = draw(np.random.default_rng(0))
    want = double(x)
    loose = {"twice": np.full(5, 1e-9), "same": np.full(5, np.inf)}
    found = {f["name"]: f["used"] for f in plant(toy(), JOB, x, want, loose)}
    assert min(found.values()) > 1  # ten bounds are seen wherever the bound is finite
    assert Bench(tmp_path).rows(want)["same"].exact


def test_an_uncaught_fault_makes_the_run_fail():
    result = Result("", 0, "cpu", ["float64"], {})
    assert result.failed == 0
    result.faults.append(FaultResult("toy", "harmless", "a", "b", {"float64": 0.0}, caught=False))
    assert result.last_line == "0 passed, 1 failed"


DIVERGENCE = Divergence("it triples", "its source", 'x["factor"] *', "3 *")


@pytest.mark.parametrize(
    ("factor", "status"), [(3.0, "diverges"), (2.0, "healed"), (2.5, "fail")], ids=["declared", "gone", "neither"]
)
def test_a_declared_divergence_is_reproduced_or_reported(tmp_path, factor, status):
    bench = Bench(tmp_path, toy(diverges={"torch": DIVERGENCE}))
    rows = bench.rows({"twice": factor * bench.x["a"], "same": bench.x["a"]})
    assert rows["twice"].status == status
    assert rows["same"].status == "pass"  # the output that the divergence does not touch must agree
    assert "it triples" in rows["twice"].message


def test_a_recorded_engine_is_compared_by_its_first_rows(tmp_path, monkeypatch):
    bench = Bench(tmp_path)
    bench.made.run, bench.made.recorded = [], ["torch"]
    kept = {name: array[:2] for name, array in double(bench.x).items()}
    monkeypatch.setattr(StandIns, "outputs", lambda self, engine, job, sha256: kept)
    assert {row.status for row in bench.rows().values()} == {"pass"}
    kept["same"] = kept["same"] + 1e-9
    assert bench.rows()["same"].failed


def test_recorded_outputs_of_other_inputs_do_not_stand_in(bench, tmp_path):
    record = StandIns(tmp_path)
    bench.made.run, bench.made.recorded = [], ["torch"]
    record.save("torch", {JOB: (digest(bench.x), double(bench.x))}, {"torch": "2"})
    assert {row.status for row in bench.rows().values()} == {"pass"}
    record.save("torch", {JOB: ("0", double(bench.x))}, {"torch": "2"})
    assert {row.status for row in bench.rows().values()} == {"absent"}


def test_the_digest_sees_a_bit_a_name_a_dtype_and_a_shape():
    base = {"a": np.zeros((2, 3))}
    others = [{"a": np.full((2, 3), -0.0)}, {"b": np.zeros((2, 3))}, {"a": np.zeros((2, 3), np.float32)},
              {"a": np.zeros((3, 2))}]  # fmt: skip
    assert len({digest(x) for x in [base, *others]}) == 5


def scaled(value):
    return 2 * value


def in_a_comprehension(x):
    return {"twice": np.array([scaled(value) for value in x["a"]])}


def test_a_fault_reaches_what_the_oracle_calls_in_a_comprehension():
    broken = mutate(in_a_comprehension, "return 2 *", "return 3 *")
    assert np.array_equal(broken({"a": np.ones(2)})["twice"], [3, 3])
