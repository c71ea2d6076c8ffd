"""PyTorch's own samples of embedding and embedding_bag (its OpInfo database): the layers compute what PyTorch does."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import torch

from tf_emb.layers import Embedding, EmbeddingBag

pytest.importorskip("expecttest", reason="PyTorch's samples import it")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
EPS = 2.0**-24
# Of a sample with these keywords these results are not PyTorch's.
DIVERGES = {
    ("embedding_bag", "scale_grad_by_freq"): ({"gradient"}, "on CPU it divides by another id's count: pytorch#190063"),
}


def samples(name: str) -> list[Any]:
    from torch.testing._internal.common_methods_invocations import op_db

    # Importing it forbids to set PyTorch's flags, for the whole process: other tests do.
    torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True
    found = [op for op in op_db if op.name == name]
    assert len(found) == 1
    torch.manual_seed(0)
    # Without `requires_grad` there are more: padding, norms and frequencies, where numerical gradients do not serve.
    return [(found[0], sample) for sample in found[0].sample_inputs("cpu", torch.float32, requires_grad=False)]


def said(sample: Any) -> str:
    return " ".join(
        [str(tuple(sample.args[0].shape)), *(key for key, value in sample.kwargs.items() if value is not None)]
    )


SAMPLES = {name: samples(f"nn.functional.{name}") for name in ("embedding", "embedding_bag")}
CASES = [
    pytest.param(name, *pair, id=f"{name} {i} {said(pair[1])}")
    for name in SAMPLES
    for i, pair in enumerate(SAMPLES[name])
]


def of_torch(op: Any, sample: Any, table: torch.Tensor) -> dict[str, np.ndarray]:
    """Return output, gradients and the table afterwards, of PyTorch at the dtype of `table`."""
    table = table.clone().requires_grad_()
    weights = sample.kwargs.get("per_sample_weights")
    weights = None if weights is None else weights.to(table.dtype).clone().requires_grad_()
    given = {**sample.kwargs, **({} if weights is None else {"per_sample_weights": weights})}
    if given.get("scale_grad_by_freq"):
        given["sparse"] = False  # PyTorch has no sparse gradient that is scaled; the numbers are the same
    out = op(table, sample.args[0], **given)
    upstream = torch.from_numpy(upstream_of(out.shape)).to(table.dtype)
    (out * upstream).sum().backward()
    found = {"out": out, "table": table, "gradient": table.grad.to_dense()}
    found |= {} if weights is None else {"weights": weights.grad}
    return {name: value.detach().numpy() for name, value in found.items()}


def of_ours(name: str, sample: Any, table: np.ndarray) -> dict[str, np.ndarray]:
    given = dict(sample.kwargs)
    weights, offsets = given.pop("per_sample_weights", None), given.pop("offsets", None)
    layer = {"embedding": Embedding, "embedding_bag": EmbeddingBag}[name](*table.shape, _weight=table, **given)
    weights = None if weights is None else tf.Variable(weights.numpy())
    ids = sample.args[0].numpy()
    arguments = [] if name == "embedding" else [None if offsets is None else offsets.numpy(), weights]
    with tf.GradientTape() as tape:
        out = layer(ids, *arguments)
        loss = tf.reduce_sum(out * upstream_of(out.shape))
    sources = [layer.trainable_variables[0].value, *([] if weights is None else [weights])]
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, sources)]
    return {"out": out.numpy(), "table": layer.matrix(), **dict(zip(["gradient", "weights"], gradients, strict=False))}


def upstream_of(shape: Any) -> np.ndarray:
    return np.random.default_rng(1).normal(size=tuple(shape)).astype(np.float32)


def diverging(name: str, sample: Any) -> set[str]:
    return {key for (of, word), (keys, _) in DIVERGES.items() if of == name and sample.kwargs.get(word) for key in keys}


@pytest.mark.parametrize(("name", "op", "sample"), CASES)
def test_a_sample_gives_what_it_gives_in_torch(name: str, op: Any, sample: Any) -> None:
    table = sample.input.detach()
    ours, theirs = of_ours(name, sample, table.numpy()), of_torch(op, sample, table)
    exact = of_torch(op, sample, table.double())
    # Every number is a sum of at most `places` products, over a count or a norm of `dim` terms: so many roundings.
    places, dim = sample.args[0].numel(), table.shape[1]
    roundings = places + (dim + 6 if sample.kwargs.get("max_norm") else 4)
    largest = {key: np.abs(table).max().item() for key in ("out", "table")} | {"gradient": 6.0, "weights": 6.0}
    factor = (
        1.0
        if sample.kwargs.get("per_sample_weights") is None
        else sample.kwargs["per_sample_weights"].abs().max().item()
    )
    assert set(ours) == set(theirs)
    for key in set(ours) - diverging(name, sample):
        value = ours[key]
        size = largest[key] * (dim * np.abs(table).max().item() if key == "weights" else places * max(factor, 1))
        bound = roundings * EPS * size
        np.testing.assert_allclose(value, theirs[key], rtol=0, atol=2 * bound, err_msg=key)
        np.testing.assert_allclose(value, exact[key], rtol=0, atol=bound, err_msg=key)
        if not sample.kwargs.get("max_norm") and key == "table":
            np.testing.assert_array_equal(value, theirs[key])


def test_the_samples_are_many_and_hold_every_keyword() -> None:
    keywords = {name: {key for _, sample in SAMPLES[name] for key in sample.kwargs} for name in SAMPLES}
    assert {"padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"} <= keywords["embedding"]
    assert {"offsets", "mode", "per_sample_weights", "padding_idx", "include_last_offset"} <= keywords["embedding_bag"]
    assert (len(SAMPLES["embedding"]) >= 10, len(SAMPLES["embedding_bag"]) >= 32) == (True, True)
    assert all(any(key in sample.kwargs for _, sample in SAMPLES[name]) for name, key in DIVERGES)


def test_tables_that_torch_refuses_are_refused() -> None:
    refused = [error.sample_input.input for error in samples_refused()]
    assert [table.ndim for table in refused] == [0, 3]
    for table in refused:
        with pytest.raises(ValueError, match=r"`matrix` must have shape \(vocab, dim\)"):
            Embedding.from_pretrained(table)


def samples_refused() -> list[Any]:
    return list(SAMPLES["embedding"][0][0].error_inputs("cpu"))
