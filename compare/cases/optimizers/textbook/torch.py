"""The trajectories in PyTorch: two nn.Embedding tables and torch.optim."""

from collections.abc import Mapping
from typing import Any

from compare.cases.optimizers.textbook.follow import outputs

SLOTS = {"sgd": {}, "adagrad": {"accumulator": "sum"}, "adam": {"m": "exp_avg", "v": "exp_avg_sq"}}


def run(name: str, x: Mapping[str, Any]) -> dict[str, Any]:
    """Follow the trajectory with the optimizer `name`."""
    return outputs(Stepper(name, x), x)


class Stepper:
    """A model and its optimizer, whose state can be set, stepped and read."""

    def __init__(self, name: str, x: Mapping[str, Any]) -> None:
        import torch

        self.name, self.x, self.torch = name, x, torch
        self.tables = {t: x[f"{t} table"].clone().requires_grad_() for t in ("center", "context")}
        make = {
            "sgd": lambda p: torch.optim.SGD(p, lr=x["rate"]),
            # torch adds eps to the root, Keras under it: with eps in the accumulator they are the same.
            "adagrad": lambda p: torch.optim.Adagrad(p, lr=x["rate"], eps=0.0),
            "adam": lambda p: torch.optim.Adam(p, lr=x["rate"], betas=(x["beta_1"], x["beta_2"])),
        }
        self.optimizer = make[name](list(self.tables.values()))
        self.shift = x["epsilon"] if name == "adagrad" else 0.0

    def initial(self) -> dict[str, Any]:
        """Return the state before the first step."""
        fill = self.x["initial accumulator"] if self.name == "adagrad" else 0.0
        state = {t: self.x[f"{t} table"] for t in self.tables}
        full = self.torch.full_like
        return state | {f"{t} {slot}": full(state[t], fill) for t in self.tables for slot in SLOTS[self.name]}

    def set(self, state: Mapping[str, Any], t: int) -> None:
        """Start from `state`, `t` steps done."""
        for table, parameter in self.tables.items():
            parameter.data = state[table].clone()
            slots = {key: state[f"{table} {slot}"] + self.shift for slot, key in SLOTS[self.name].items()}
            if slots:
                self.optimizer.state[parameter] = {"step": self.torch.tensor(float(t)), **slots}
        self.t = t

    def step(self, center: Any, context: Any, noise: Any) -> None:
        """Take one step on one batch."""
        from torch.nn.functional import embedding, logsigmoid

        self.optimizer.zero_grad()
        h = embedding(center, self.tables["center"])
        positive = (h * embedding(context, self.tables["context"])).sum(1)
        negative = (embedding(noise, self.tables["context"]) @ h[:, :, None])[:, :, 0]
        counted = noise != context[:, None]
        (-logsigmoid(positive).sum() - (logsigmoid(-negative) * counted).sum()).backward()
        self.t += 1
        if self.name == "adam":
            # torch's epsilon is added after the bias correction, Keras' before it.
            self.optimizer.param_groups[0]["eps"] = self.x["epsilon"] / (1 - self.x["beta_2"] ** self.t) ** 0.5
        self.optimizer.step()

    def read(self) -> dict[str, Any]:
        """Return the tables and slots as they are now."""
        state = {table: parameter.detach().clone() for table, parameter in self.tables.items()}
        for table, parameter in self.tables.items():
            for slot, key in SLOTS[self.name].items():
                state[f"{table} {slot}"] = self.optimizer.state[parameter][key] - self.shift
        return state

    def stack(self, arrays: list[Any], axis: int) -> Any:
        """Stack tensors."""
        return self.torch.stack(arrays, dim=axis)
