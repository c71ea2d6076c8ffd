"""PyTorch, on CPU or CUDA, without TF32."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.dtypes import as_numpy
from tf_emb.parity.engines.home import Home, no_device

ENGINES = {"torch": Home(1, ("torch",))}


class Torch:
    """Tensors on one device."""

    def __init__(self, device: str) -> None:
        import torch

        if device == "gpu" and not torch.cuda.is_available():
            raise no_device("torch", device)
        self.torch = torch
        self.device = "cuda" if device == "gpu" else "cpu"
        # TF32 rounds products to 11 bits; a bound derived for float32 would rightly fail.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False

    def versions(self) -> dict[str, str]:
        """Return the version of PyTorch, and of the device it runs on."""
        found = {"torch": str(self.torch.__version__)}
        if self.device == "cuda":
            found["device"] = self.torch.cuda.get_device_name()
        return found

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return tensors on the device; 0-d entries as Python numbers."""
        return {name: self._tensor(array) if np.ndim(array) else array.item() for name, array in x.items()}

    def _tensor(self, array: np.ndarray) -> Any:
        array = np.ascontiguousarray(array)
        if array.dtype.name != "bfloat16":
            return self.torch.from_numpy(array).to(self.device)
        return self.torch.from_numpy(array.view(np.int16)).view(self.torch.bfloat16).to(self.device)

    def scope(self) -> Any:
        """Nothing to enter: tensors carry their device."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return a tensor as an array."""
        if not isinstance(value, self.torch.Tensor):
            return np.asarray(value)
        value = value.detach().cpu()
        if value.dtype != self.torch.bfloat16:
            return np.asarray(value.numpy())
        return np.asarray(value.contiguous().view(self.torch.int16).numpy().view(as_numpy("bfloat16")))


def load_engine(name: str, device: str) -> Torch:
    """Return the engine on "cpu" or "gpu"."""
    return Torch(device)
