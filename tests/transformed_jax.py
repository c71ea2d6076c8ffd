"""The layers under JAX's transformations, beside jax.jacrev and NumPy; run with KERAS_BACKEND=jax."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from tf_emb.layers import Embedding, EmbeddingBag
from tf_emb.ops.gradient import scaled, straight_through, without_nan

TABLE = (np.arange(20, dtype=np.float32).reshape(5, 4) + 1) / 10
IDS, BAD = jnp.array([[1, 2, 1], [3, 0, 4]]), jnp.array([[1, 2, 1], [3, 7, 4]])
LIMIT = 1.0
LAYERS = {
    "plain": lambda: Embedding(5, 4, weights=TABLE),
    "padding by freq": lambda: Embedding(5, 4, weights=TABLE, padding_idx=0, scale_grad_by_freq=True),
    "max norm": lambda: Embedding(5, 4, weights=TABLE, max_norm=LIMIT),
    "nan": lambda: Embedding(5, 4, weights=TABLE, out_of_range="nan"),
    "some rows": lambda: Embedding(5, 4, weights=TABLE, trainable_rows=[1, 3], max_norm=LIMIT),
    **{
        name: lambda name=name: EmbeddingBag(5, 4, weights=TABLE, combiner=name, padding_idx=0)
        for name in ("sum", "mean", "max", "sqrtn")
    },
}


def functional(layer):
    """The layer as a function of its table and ids, and the table."""
    layer.build((2, 3))
    fixed = [variable.value for variable in layer.non_trainable_variables]
    return lambda table, ids: layer.stateless_call([table], fixed, ids)[0], layer.trainable_variables[0].value


def close(got, want, what):
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6, err_msg=what)


def exported(function, *arguments):
    made = export.export(jax.jit(function))(*arguments)
    return export.deserialize(made.serialize()).call(*arguments)


def check(name):
    call, table = functional(LAYERS[name]())

    def loss(table, ids):
        return (call(table, ids) ** 2).sum()

    want, gradient = call(table, IDS), jax.grad(loss)(table, IDS)
    close(jax.jit(call)(table, IDS), want, f"{name}: jit")
    close(jax.vmap(lambda row: call(table, row[None])[0])(IDS), want, f"{name}: vmap")
    close(exported(call, table, IDS), want, f"{name}: export")
    close(exported(jax.grad(loss), table, IDS), gradient, f"{name}: export of the gradient")
    close(jax.jit(jax.grad(jax.checkpoint(loss)))(table, IDS), gradient, f"{name}: checkpoint")
    one_each = jax.jit(jax.vmap(lambda row: jax.grad(loss)(table, row[None])))(IDS)
    for row, got in zip(IDS, one_each, strict=True):
        close(got, jax.grad(loss)(table, row[None]), f"{name}: gradient per sample")
    reverse = jax.jacrev(call)(table, IDS)
    close(jax.jacfwd(call)(table, IDS), reverse, f"{name}: jacfwd")
    along = jnp.cos(jnp.arange(table.size, dtype=table.dtype)).reshape(table.shape)
    tangent = jnp.einsum("...ij,ij->...", reverse, along)
    close(jax.jvp(lambda table: call(table, IDS), (table,), (along,))[1], tangent, f"{name}: jvp")
    close(jax.linearize(lambda table: call(table, IDS), table)[1](along), tangent, f"{name}: linearize")
    second = jax.jacrev(jax.jacrev(loss))(table, IDS)
    close(jax.hessian(loss)(table, IDS), second, f"{name}: hessian")
    close(jax.jacfwd(jax.jacfwd(loss))(table, IDS), second, f"{name}: forward over forward")


warnings.filterwarnings("ignore", message=".*out_of_range='raise' cannot raise")
for name in LAYERS:
    check(name)

strange = jnp.array([[0.0, -0.0, jnp.inf, jnp.nan, -jnp.inf, 1e-45]])
for out in (scaled(strange, jnp.float32(0.5)), straight_through(lambda x: x, strange), without_nan(strange, True)):
    np.testing.assert_array_equal(np.asarray(out).view(np.uint32), np.asarray(strange).view(np.uint32))
np.testing.assert_array_equal(jax.grad(lambda x: scaled(x, jnp.float32(0.5)).sum())(strange), np.full((1, 6), 0.5))
upstream = jnp.array([[jnp.nan, 2.0, jnp.inf]])
for when, want in ((True, [[0, 2, np.inf]]), (False, upstream)):
    pull = jax.vjp(lambda x, when=when: without_nan(x, when), jnp.ones((1, 3)))[1]
    np.testing.assert_array_equal(pull(upstream)[0], want)

# Without jit the ids have values under vmap and grad, and the first that names no row is named.
call, table = functional(LAYERS["plain"]())
for run in (
    lambda: jax.vmap(lambda row: call(table, row[None]))(BAD),
    lambda: jax.grad(lambda t: call(t, BAD).sum())(table),
):
    with pytest.raises(IndexError, match="got 7 at"):
        run()

# Under jit: a warning at compilation, once, and one of the first such id; no NaN in the table's gradient.
warnings.resetwarnings()
layer = Embedding(5, 4, weights=TABLE, name="words")
call, table = functional(layer)
step = jax.jit(jax.grad(lambda table, ids: call(table, ids).sum() ** 2))
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    step(table, IDS).block_until_ready()
    assert layer.first_unknown_id() is None
    gradient = step(table, BAD).block_until_ready()
    step(table, BAD[:1]).block_until_ready()
assert not np.isnan(gradient).any()
assert layer.first_unknown_id() == (7, (1, 1)), layer.first_unknown_id()
texts = [str(warning.message) for warning in heard]
assert len(texts) == 2, texts
assert texts[0].startswith("Layer 'words': out_of_range='raise' cannot raise")
assert "got 7 at (1, 1)" in texts[1]
assert "debug_callback" not in str(jax.make_jaxpr(lambda ids: Embedding(5, 4, out_of_range="nan")(ids))(IDS))
assert not np.isnan(step(table * jnp.nan, IDS)).any()  # it may be of layers that read the row of NaN before
print("all equal")
