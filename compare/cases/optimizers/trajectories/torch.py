"""The trajectories in PyTorch: nn.Embedding with a dense gradient, two tables of skip-gram, and torch.optim."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from compare.cases.optimizers.trajectories.follow import SLOTS, slot_name


class Stepper:
    """Tables and their optimizer, whose state can be set, stepped and read.

    torch's state and the oracle's differ by `scale` and `shift`: state = scale * slot + shift. With momentum torch
    keeps -u / lr. Adagrad and RMSprop add eps to the root, the oracle under the root: with eps = 0 in torch, and
    eps added to the state, they agree.
    """

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import torch

        self.name, self.x, self.torch, self.full_like = name, x, torch, torch.full_like
        self.slots = {slot: key for slot, (key, _) in SLOTS[name].items()}
        self.tables, self.loss = (embedding if "target" in x else skipgram)(x)
        self.optimizer = optimizer(name, x)(list(self.tables.values()), lr=x["rate"])
        self.scale = -1 / x["rate"] if name == "momentum" else 1.0
        self.shift = x["epsilon"] if name in ("adagrad", "rmsprop") else 0.0

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for table, parameter in self.tables.items():
            parameter.data = state[table].clone()
            own = {k: self.scale * state[slot_name(table, s)] + self.shift for s, k in self.slots.items()}
            self.optimizer.state[parameter] = {"step": self.torch.tensor(float(t)), **own}
        self.t = t

    def step(self, *batch: Any) -> None:
        """Take one step on one batch."""
        self.optimizer.zero_grad()
        self.loss(*batch).backward()
        self.t += 1
        self._move_epsilon()
        self.optimizer.step()

    def _move_epsilon(self) -> None:
        """Put epsilon where the oracle has it: before Adam's bias correction, under RMSprop's root."""
        eps = self.x["epsilon"]
        if self.name in ("adam", "adamw"):
            self.optimizer.param_groups[0]["eps"] = eps / (1 - self.x["beta_2"] ** self.t) ** 0.5
        if self.name == "rmsprop":  # the step makes rho (v + eps / rho) + (1 - rho) g^2 of it, v + eps of the next v
            for parameter in self.tables.values():
                self.optimizer.state[parameter]["square_avg"] += eps * (1 / self.x["rho"] - 1)

    def read(self) -> dict[str, Any]:
        """Return the tables and their slots as they are now."""
        state = {table: parameter.detach().clone() for table, parameter in self.tables.items()}
        for table, parameter in self.tables.items():
            for slot, key in self.slots.items():
                kept = self.optimizer.state[parameter][key]
                state[slot_name(table, slot)] = (kept - self.shift) / self.scale
        return state

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.torch.stack(arrays, dim=axis)


def embedding(x: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., Any]]:
    """Return the layer's table, and the loss that draws its rows towards targets."""
    import torch

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    layer = torch.nn.Embedding.from_pretrained(x["start table"].clone(), freeze=False, padding_idx=padding)

    def loss(ids: Any, target: Any) -> Any:
        off = layer(ids) - target
        return (off * off).sum() / 2

    return {"table": layer.weight}, loss


def skipgram(x: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., Any]]:
    """Return two tables, and the loss of skip-gram with negative sampling."""
    from torch.nn import functional

    tables = {t: x[f"{t} table"].clone().requires_grad_() for t in ("center", "context")}

    def loss(center: Any, context: Any, noise: Any) -> Any:
        h = functional.embedding(center, tables["center"])
        positive = (h * functional.embedding(context, tables["context"])).sum(1)
        negative = (functional.embedding(noise, tables["context"]) @ h[:, :, None])[:, :, 0]
        counted = noise != context[:, None]
        return -functional.logsigmoid(positive).sum() - (functional.logsigmoid(-negative) * counted).sum()

    return tables, loss


def optimizer(name: str, x: Mapping[str, Any]) -> Any:
    """Return torch's optimizer, which takes parameters and lr, with every other hyper-parameter explicit."""
    from torch import optim

    betas = (x["beta_1"], x["beta_2"])
    return {
        "sgd": lambda: partial(optim.SGD, momentum=0.0, weight_decay=0.0),
        "momentum": lambda: partial(optim.SGD, momentum=x["momentum"], dampening=0.0, weight_decay=0.0, nesterov=False),
        "adagrad": lambda: partial(optim.Adagrad, lr_decay=0.0, weight_decay=0.0, eps=0.0),
        "adam": lambda: partial(optim.Adam, betas=betas, weight_decay=0.0, amsgrad=False),
        "adamw": lambda: partial(optim.AdamW, betas=betas, weight_decay=x["weight decay"], amsgrad=False),
        "rmsprop": lambda: partial(
            optim.RMSprop, alpha=x["rho"], eps=0.0, weight_decay=0.0, momentum=0.0, centered=False
        ),
    }[name]()
