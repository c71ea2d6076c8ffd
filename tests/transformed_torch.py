"""The layers under PyTorch's transformations, beside NumPy; run with KERAS_BACKEND=torch."""

import warnings

import keras
import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from tf_emb.layers import Embedding, EmbeddingBag

warnings.filterwarnings("ignore", message=".*out_of_range='raise' cannot raise")
TABLE = (np.arange(20, dtype=np.float32).reshape(5, 4) + 1) / 10
IDS = torch.tensor([[1, 2, 1], [3, 0, 4]])
BAD = torch.tensor([[1, 2, 1], [3, 7, 4]])
LIMIT = 1.0
LAYERS = {
    "plain": lambda: Embedding(5, 4, weights=TABLE),
    "padding by freq": lambda: Embedding(5, 4, weights=TABLE, padding_idx=0, scale_grad_by_freq=True),
    "max norm": lambda: Embedding(5, 4, weights=TABLE, max_norm=LIMIT),
    "nan": lambda: Embedding(5, 4, weights=TABLE, out_of_range="nan"),
    "row": lambda: Embedding(5, 4, weights=TABLE, out_of_range=3),
    "some rows": lambda: Embedding(5, 4, weights=TABLE, trainable_rows=[1, 3], max_norm=LIMIT),
    **{
        name: lambda name=name: EmbeddingBag(5, 4, weights=TABLE, combiner=name, padding_idx=0)
        for name in ("sum", "mean", "max", "sqrtn")
    },
}


def compiled(backend):
    def run(layer, ids):
        torch._dynamo.reset()
        return torch.compile(layer, backend=backend, fullgraph=True)(ids)

    return run


FORWARD = {
    "export": lambda layer, ids: torch.export.export(layer, (IDS,)).module()(ids),
    "export strict": lambda layer, ids: torch.export.export(layer, (IDS,), strict=True).module()(ids),
    "compile eager": compiled("eager"),
    "compile aot_eager": compiled("aot_eager"),
    "jit.trace": lambda layer, ids: torch.jit.trace(layer, (IDS,))(ids),
    "vmap": lambda layer, ids: torch.func.vmap(lambda row: layer(row[None])[0])(ids),
    **{
        f"make_fx {mode}": lambda layer, ids, mode=mode: make_fx(
            lambda given: layer(given), tracing_mode=mode, _allow_non_fake_inputs=True
        )(IDS)(ids)
        for mode in ("real", "fake", "symbolic")
    },
}


def functional(layer):
    """The layer as a function of its table, and the table."""
    name, parameter = next((n, p) for n, p in layer.named_parameters() if p.requires_grad)
    return (lambda table, ids: torch.func.functional_call(layer, {name: table}, (ids,))), parameter.detach().clone()


def built(name):
    layer = LAYERS[name]()
    layer.build((2, 3))
    return layer


def close(got, want, what):
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-5, atol=1e-6, err_msg=what)


def by_autograd(name, ids):
    layer = built(name)
    (layer(ids) ** 2).sum().backward()
    return next(p for p in layer.parameters() if p.requires_grad).grad


def derivatives(name):
    call, table = functional(built(name))

    def loss(table, ids):
        return (call(table, ids) ** 2).sum()

    close(torch.func.grad(loss)(table, IDS), by_autograd(name, IDS), f"{name}: grad")
    one_each = torch.func.vmap(torch.func.grad(lambda table, row: loss(table, row[None])), (None, 0))(table, IDS)
    for row, got in zip(IDS, one_each, strict=True):
        close(got, by_autograd(name, row[None]), f"{name}: gradient per sample")
    # Seen through the straight-through shortening, hence beside jacrev and not beside differences.
    close(torch.func.jacfwd(call)(table, IDS), torch.func.jacrev(call)(table, IDS), f"{name}: jacfwd")
    close(
        torch.func.hessian(loss)(table, IDS), torch.func.jacrev(torch.func.jacrev(loss))(table, IDS), f"{name}: hessian"
    )


for name in LAYERS:
    want = built(name)(IDS)
    for transformation, run in FORWARD.items():
        close(run(built(name), IDS), want, f"{name}: {transformation}")
    derivatives(name)
    faked = built(name)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert faked(mode.from_tensor(IDS)).shape == want.shape, name

grad = torch.compile(built("padding by freq"), backend="aot_eager", fullgraph=True)
(grad(IDS) ** 2).sum().backward()
close(
    next(p for p in grad.parameters() if p.requires_grad).grad, by_autograd("padding by freq", IDS), "compiled backward"
)

for name in ("plain", "mean"):
    for transformation, run in FORWARD.items():
        if transformation.startswith(("jit", "make_fx")):
            assert torch.isnan(run(built(name), BAD)).any(dim=-1).sum() == 1, (name, transformation)
            continue
        error, text = (IndexError, "got 7 at") if transformation == "vmap" else (RuntimeError, "`ids` must be in 0..4")
        with pytest.raises(error, match=text):
            run(built(name), BAD)

short = built("max norm")
torch.func.vmap(lambda row: short(row))(IDS)
np.testing.assert_array_equal(short.matrix(), TABLE)  # not written there ...
short(IDS)
assert (short.matrix() != TABLE).any()  # ... as it is elsewhere

# A NaN that a bad id makes does not come back to the table; one that it does not make does.
call, table = functional(built("nan"))
gradient = torch.func.grad(lambda table: (call(table, BAD) * call(table, BAD).sum()).sum())(table)
assert not torch.isnan(gradient).any()
gradient = torch.func.grad(lambda table: call(table, IDS).sum() * float("nan"))(table)
assert torch.isnan(gradient).all()

pairs = EmbeddingBag(5, 4, weights=TABLE)
flat, offsets = IDS.reshape(-1), torch.tensor([0, 2])


class Pairs(torch.nn.Module):
    def forward(self, flat, offsets):
        return pairs((flat, offsets))


made = torch.export.export(Pairs(), (flat, offsets)).module()
close(made(flat, offsets), pairs((flat, offsets)), "offsets")
assert keras.backend.backend() == "torch"
print("all equal")
