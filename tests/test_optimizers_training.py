"""Lazy optimizers in model.fit: training, saving, configuration, what is refused, other backends."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tf_emb.layers import Embedding
from tf_emb.optimizers import LazyAdagrad, LazyAdam, LazySGD

ROOT = Path(__file__).parents[1]


def regression(optimizer: Any, jit_compile: bool, policy: str = "float32") -> keras.Model:
    layers = [Embedding(50, 4, dtype=policy), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,), dtype="int32"), *layers])
    model.compile(optimizer, "mse", jit_compile=jit_compile)
    return model


IDS = np.random.default_rng(1).integers(0, 40, (64, 3))
SCORES = np.random.default_rng(2).normal(size=50)[IDS].sum(1, keepdims=True)


MAKERS: list[Callable[[], Any]] = [lambda: LazyAdam(0.05), lambda: LazyAdagrad(0.3), lambda: LazySGD(0.3)]


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("make", MAKERS, ids=["adam", "adagrad", "sgd"])
def test_fit_learns_and_leaves_unseen_rows_alone(make: Callable[[], Any], jit_compile: bool) -> None:
    keras.utils.set_random_seed(0)
    model = regression(make(), jit_compile)
    before = model.layers[0].get_weights()[0]
    losses = model.fit(IDS, SCORES, epochs=15, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 4
    np.testing.assert_array_equal(model.layers[0].get_weights()[0][40:], before[40:])


def test_loss_scaling_keeps_the_gradient_sparse() -> None:
    model = regression(keras.optimizers.LossScaleOptimizer(LazyAdam(0.05)), False, "mixed_float16")
    for half in (IDS[:32], IDS[32:] % 20):
        model.fit(half, SCORES[:32], verbose=0)
        before = model.layers[0].get_weights()[0]
    model.fit(IDS[32:] % 20, SCORES[:32], verbose=0)
    after = model.layers[0].get_weights()[0]
    np.testing.assert_array_equal(after[20:], before[20:])
    assert np.any(after[:20] != before[:20])


@pytest.mark.filterwarnings(
    # Keras 3.15 saves by np.array(tf.Variable), and TensorFlow 2.21's __array__ lacks NumPy 2's `copy` argument.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend.tensorflow.core"
)
@pytest.mark.parametrize("make", MAKERS, ids=["adam", "adagrad", "sgd"])
def test_training_goes_on_where_a_saved_model_stopped(make: Callable[[], Any], tmp_path: Path) -> None:
    model = regression(make(), False)
    model.fit(IDS, SCORES, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, again):
        each.fit(IDS, SCORES, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


CONFIGURED = [
    (LazyAdam, {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.98, "epsilon": 1e-5, "clipnorm": 2.0, "name": "a"}),
    (LazyAdagrad, {"learning_rate": 0.1, "initial_accumulator_value": 0.4, "epsilon": 1e-6, "use_ema": True}),
    (LazySGD, {"learning_rate": 0.1, "clipvalue": 2.0}),
]


@pytest.mark.parametrize(("make", "arguments"), CONFIGURED, ids=["adam", "adagrad", "sgd"])
def test_configuration_round_trip(make: Any, arguments: dict[str, Any]) -> None:
    again = keras.optimizers.deserialize(keras.optimizers.serialize(make(**arguments)))
    assert type(again) is make
    assert {name: again.get_config()[name] for name in arguments} == arguments
    assert all(float(getattr(again, name)) == value for name, value in arguments.items() if name != "name")


def test_a_schedule_survives_the_configuration() -> None:
    optimizer = LazyAdagrad(keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.5))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


REFUSED = [
    (LazyAdam, {"weight_decay": 0.01}, r"`weight_decay` must be None; got 0.01\."),
    (LazySGD, {"weight_decay": 0.01}, r"`weight_decay` must be None; got 0.01\."),
    (LazyAdagrad, {"weight_decay": 0.01}, r"`weight_decay` must be None; got 0.01\."),
    (LazyAdam, {"gradient_accumulation_steps": 2}, r"`gradient_accumulation_steps` must be None; got 2\."),
    (LazyAdam, {"loss_scale_factor": 8.0}, r"`loss_scale_factor` must be None; got 8.0\."),
    (LazyAdam, {"beta_1": 1.0}, r"`beta_1` must be in \[0, 1\); got 1.0\."),
    (LazyAdam, {"beta_2": -0.1}, r"`beta_2` must be in \[0, 1\); got -0.1\."),
    (LazyAdam, {"epsilon": 0.0}, r"`epsilon` must be positive; got 0.0\."),
    (LazyAdagrad, {"epsilon": -1.0}, r"`epsilon` must be positive; got -1.0\."),
    (LazyAdagrad, {"initial_accumulator_value": -1.0}, r"`initial_accumulator_value` must be 0 or more; got -1.0\."),
]


@pytest.mark.parametrize(("make", "arguments", "message"), REFUSED)
def test_what_cannot_be_right_is_refused(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


DENSE = """
import keras
import numpy as np
from tf_emb.optimizers import LazyAdagrad, LazyAdam

g = np.array([[1.0, -2.0], [0.5, 0.0]])
for optimizer, root in ((LazyAdam(0.1, epsilon=1e-3), 0.001**0.5), (LazyAdagrad(0.1, epsilon=1e-3), 1.0)):
    table = keras.Variable(np.ones((2, 2)), dtype="float32")
    optimizer.build([table])
    gradient = keras.ops.convert_to_tensor(g.astype("float32"))
    if keras.backend.backend() == "jax":
        values = [v.value for v in optimizer.variables]
        got = optimizer.stateless_apply(values, [gradient], [table.value])[0][0]
    else:
        optimizer.apply([gradient], [table])
        got = table
    want = 1 - 0.1 * root * g / (root * np.abs(g) + 1e-3)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(got), want, rtol=1e-5)
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend_gets_the_dense_formula(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", DENSE], cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
