"""The trajectories in PyTorch: nn.Embedding with a dense gradient, and torch.optim."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from compare.cases.optimizers.trajectories.follow import start

SLOTS = {
    "sgd": {},
    "momentum": {"velocity": "momentum_buffer"},
    "adagrad": {"accumulator": "sum"},
    "adam": {"m": "exp_avg", "v": "exp_avg_sq"},
    "adamw": {"m": "exp_avg", "v": "exp_avg_sq"},
    "rmsprop": {"v": "square_avg"},
}


class Stepper:
    """A layer and its optimizer, whose state can be set, stepped and read.

    torch's state and the oracle's differ by `scale` and `shift`: state = scale * slot + shift. With momentum torch
    keeps -u / lr. Adagrad and RMSprop add eps to the root, the oracle under it: with eps = 0, and eps in the state,
    they are the same.
    """

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import torch

        self.name, self.x, self.torch = name, x, torch
        padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
        self.layer = torch.nn.Embedding.from_pretrained(x["start table"].clone(), freeze=False, padding_idx=padding)
        self.optimizer = optimizer(name, x)(self.layer.parameters(), lr=x["rate"])
        self.scale = -1 / x["rate"] if name == "momentum" else 1.0
        self.shift = x["epsilon"] if name in ("adagrad", "rmsprop") else 0.0

    def initial(self) -> dict[str, Any]:
        """Return the state before the first step."""
        table = self.x["start table"]
        return {"table": table} | {k: self.torch.full_like(table, start(self.name, self.x)) for k in SLOTS[self.name]}

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        self.layer.weight.data = state["table"].clone()
        slots = {key: self.scale * state[slot] + self.shift for slot, key in SLOTS[self.name].items()}
        self.optimizer.state[self.layer.weight] = {"step": self.torch.tensor(float(t)), **slots}
        self.t = t

    def step(self, ids: Any, target: Any) -> None:
        """Take one step on one batch."""
        self.optimizer.zero_grad()
        off = self.layer(ids) - target
        ((off * off).sum() / 2).backward()
        self.t += 1
        self._move_epsilon()
        self.optimizer.step()

    def _move_epsilon(self) -> None:
        """Put epsilon where the oracle has it: before Adam's bias correction, under RMSprop's root."""
        eps = self.x["epsilon"]
        if self.name in ("adam", "adamw"):
            self.optimizer.param_groups[0]["eps"] = eps / (1 - self.x["beta_2"] ** self.t) ** 0.5
        if self.name == "rmsprop":  # the step makes rho (v + eps / rho) + (1 - rho) g^2 of it, v + eps of the next v
            self.optimizer.state[self.layer.weight]["square_avg"] += eps * (1 / self.x["rho"] - 1)

    def read(self) -> dict[str, Any]:
        """Return the table and its slots as they are now."""
        kept = self.optimizer.state[self.layer.weight]
        slots = {slot: (kept[key] - self.shift) / self.scale for slot, key in SLOTS[self.name].items()}
        return {"table": self.layer.weight.detach().clone(), **slots}

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.torch.stack(arrays, dim=axis)


def optimizer(name: str, x: Mapping[str, Any]) -> Any:
    """Return torch's optimizer, which takes parameters and lr, with every other hyper-parameter explicit."""
    from torch import optim

    betas = (x["beta_1"], x["beta_2"])
    return {
        "sgd": partial(optim.SGD, momentum=0.0, weight_decay=0.0),
        "momentum": partial(optim.SGD, momentum=x["momentum"], dampening=0.0, weight_decay=0.0, nesterov=False),
        "adagrad": partial(optim.Adagrad, lr_decay=0.0, weight_decay=0.0, eps=0.0),
        "adam": partial(optim.Adam, betas=betas, weight_decay=0.0, amsgrad=False),
        "adamw": partial(optim.AdamW, betas=betas, weight_decay=x["weight decay"], amsgrad=False),
        "rmsprop": partial(optim.RMSprop, alpha=x["rho"], eps=0.0, weight_decay=0.0, momentum=0.0, centered=False),
    }[name]
