"""The trajectories in PyTorch (`nn.Embedding(sparse=True)`) and in Keras (`tf_emb`): one stepper for each."""

from collections.abc import Callable, Mapping
from typing import Any

SLOTS: dict[str, dict[str, tuple[str, str]]] = {
    "sgd": {},
    "adam": {"m": ("exp_avg", "momentum"), "v": ("exp_avg_sq", "velocity")},
    "adagrad": {"accumulator": ("sum", "accumulator")},
}


def run(stepper: Callable[..., Any], name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Follow the free run from the optimizer's own initial state, then take one step from each injected state."""
    engine = stepper(name, x)
    for t in range(len(x["ids"])):
        engine.step(x["ids"][t], x["target"][t])
    out = {f"{k}, free run": v for k, v in engine.read().items()}
    after = []
    for i, t in enumerate(x["state step"]):
        engine.set({k: x[f"state {k}"][i] for k in ("table", *SLOTS[name])}, int(t))
        engine.step(x["ids"][int(t)], x["target"][int(t)])
        after.append(engine.read())
    return out | {f"{k}, one step": engine.stack([s[k] for s in after]) for k in after[0]}


class Torch:
    """A sparse torch.nn.Embedding under torch.optim.SGD, SparseAdam or Adagrad."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import torch

        self.torch, self.stack = torch, torch.stack
        self.layer = torch.nn.Embedding.from_pretrained(x["start table"].clone(), freeze=False, sparse=True)
        self.slots = {slot: key for slot, (key, _) in SLOTS[name].items()}
        table, rate, eps = [self.layer.weight], x["rate"], x["epsilon"]
        if name == "sgd":
            self.optimizer: Any = torch.optim.SGD(table, rate)
        elif name == "adam":
            self.optimizer = torch.optim.SparseAdam(table, rate, (x["beta_1"], x["beta_2"]), eps)
        else:
            start = x["initial accumulator"]
            self.optimizer = torch.optim.Adagrad(table, rate, initial_accumulator_value=start, eps=eps)

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        self.layer.weight.data = state["table"].clone()
        kept = self.optimizer.state[self.layer.weight] if self.slots else {}
        kept["step"] = self.torch.tensor(float(t)) if "accumulator" in self.slots else t
        for slot, key in self.slots.items():
            kept[key] = state[slot].clone()

    def step(self, ids: Any, target: Any) -> None:
        """Take one step on one batch."""
        self.optimizer.zero_grad()
        ((self.layer(ids) - target) ** 2 / 2).sum().backward()
        self.optimizer.step()

    def read(self) -> dict[str, Any]:
        """Return the table and its state as they are now."""
        kept = self.optimizer.state[self.layer.weight]
        slots = {slot: kept[key].clone() for slot, key in self.slots.items()}
        return {"table": self.layer.weight.detach().clone(), **slots}


class Keras:
    """tf_emb.layers.Embedding under tf_emb.optimizers: eagerly, in a tf.function, or compiled by XLA."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import tensorflow as tf

        from tf_emb.layers import Embedding
        from tf_emb.parity.engines import pullback

        self.tf, self.stack = tf, tf.stack
        self.layer = Embedding(*x["start table"].shape, dtype=x["start table"].dtype.name)
        self.layer.build()
        self.layer.embeddings.assign(x["start table"])
        self.optimizer = _optimizer(name, x)
        self.optimizer.build([self.layer.embeddings])
        slots = self.optimizer.slots(self.layer.embeddings)
        self.variables = {slot: slots[key] for slot, (_, key) in SLOTS[name].items()}
        self.variables["table"] = self.layer.embeddings
        if pullback.MODE != "eager":
            self.step = tf.function(self.step, jit_compile=pullback.MODE == "xla")  # type: ignore[method-assign]

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for name, variable in self.variables.items():
            variable.assign(state[name])
        self.optimizer.iterations.assign(t)

    def step(self, ids: Any, target: Any) -> None:
        """Take one step on one batch."""
        with self.tf.GradientTape() as tape:
            loss = self.tf.reduce_sum((self.layer(ids) - target) ** 2 / 2)
        self.optimizer.apply(tape.gradient(loss, self.layer.trainable_variables), self.layer.trainable_variables)

    def read(self) -> dict[str, Any]:
        """Return the table and its state as they are now."""
        return {name: self.tf.identity(variable.value) for name, variable in self.variables.items()}


def _optimizer(name: str, x: Mapping[str, Any]) -> Any:
    from tf_emb.optimizers import LazyAdagrad, LazyAdam, LazySGD

    if name == "sgd":
        return LazySGD(x["rate"])
    if name == "adam":
        return LazyAdam(x["rate"], x["beta_1"], x["beta_2"], epsilon=x["epsilon"])
    return LazyAdagrad(x["rate"], x["initial accumulator"], epsilon=x["epsilon"])
