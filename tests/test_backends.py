"""The layers on the other Keras backends, each in its own process, against NumPy."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

GRADIENTS = {
    "torch": """
def gradient(layer, ids, upstream):
    import torch
    layer.zero_grad()
    (layer(ids) * torch.tensor(upstream)).sum().backward()
    return layer.embeddings.value.grad.numpy()
""",
    "jax": """
def gradient(layer, ids, upstream):
    import jax
    def loss(table):
        return (layer.stateless_call([table], [], ids)[0] * upstream).sum()
    return np.asarray(jax.grad(loss)(layer.embeddings.value))
""",
}

CHECK = """
import keras
import numpy as np
from tf_emb.layers import (
    Embedding, FullSoftmax, HierarchicalSoftmax, NegativeSampling, OneHotDense, full_softmax_loss,
)

assert keras.backend.backend() == BACKEND, keras.backend.backend()
to_numpy = keras.ops.convert_to_numpy
rng = np.random.default_rng(0)
table = rng.normal(size=(7, 3)).astype(np.float32)

for shape in [(5,), (4, 6), (3, 0)]:
    ids = rng.integers(0, 7, shape)
    upstream = rng.integers(1, 9, (*shape, 3)).astype(np.float32)  # whose sums are exact
    for padding_idx in (None, 2, -1):
        layer = Embedding(7, 3, weights=table, padding_idx=padding_idx)
        expected = np.zeros_like(table)
        np.add.at(expected, ids, upstream)
        if padding_idx is not None:
            expected[padding_idx] = 0
        for dtype in ("uint8", "int32", "int64"):
            np.testing.assert_array_equal(to_numpy(layer(ids.astype(dtype))), table[ids])
        np.testing.assert_array_equal(gradient(layer, ids, upstream), expected)

fresh = Embedding(7, 3, embeddings_initializer="ones", padding_idx=-1)
fresh.build()
np.testing.assert_array_equal(to_numpy(fresh.embeddings), [[1] * 3] * 6 + [[0] * 3])

one_hot = OneHotDense(7, 3)
one_hot.build()
one_hot.set_weights([table])
np.testing.assert_array_equal(to_numpy(one_hot(ids)), table[ids])

logits = np.array([[1e4, 0, -1e4], [0, 0, 0]], np.float32)
loss = full_softmax_loss(keras.ops.convert_to_tensor(logits), np.array([1, 2]))
np.testing.assert_allclose(to_numpy(loss), [1e4, np.log(3)], rtol=1e-6)

if BACKEND == "jax":
    __import__("jax").config.update("jax_enable_x64", True)
fine, hidden = rng.normal(size=(7, 3)), rng.normal(size=(2, 4, 3))
one_hot = OneHotDense(7, 3, dtype="float64")
one_hot.build()
one_hot.set_weights([fine])
np.testing.assert_array_equal(to_numpy(one_hot(ids)), fine[ids])
for layer, weights in ((FullSoftmax(7, dtype="float64"), fine.T), (NegativeSampling(7, dtype="float64"), fine)):
    layer.build(hidden.shape)
    layer.set_weights([weights])
    got = to_numpy(layer(hidden))
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, hidden @ fine.T, rtol=0, atol=1e-14)

keras.config.set_floatx("bfloat16")  # under which Keras on JAX makes floats of NumPy's integers
targets = np.array([0, 3])
for layer in (HierarchicalSoftmax([5, 3, 2, 1]), NegativeSampling(4)):
    loss = to_numpy(layer.loss(np.ones((2, 3)), targets)).astype(np.float32)
    assert loss.shape == (2,) and np.isfinite(loss).all()
    layer(keras.ops.ones((2, 3), "bfloat16"))
keras.config.set_floatx("float32")

try:
    Embedding(7, 3)(np.ones(2, np.float32))
except TypeError as error:
    assert "`ids` must be integers; got float32." in str(error), error
else:
    raise AssertionError("float ids were accepted")
print("all equal on", BACKEND)
"""


@pytest.mark.parametrize("backend", GRADIENTS)
def test_the_layers_are_right_on_another_backend(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    program = f"BACKEND = {backend!r}\n{GRADIENTS[backend]}\n{CHECK}"
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"all equal on {backend}"
