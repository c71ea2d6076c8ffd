"""PyTorch, on CPU or CUDA, without TF32."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.engines import no_device


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
        return {
            name: torch_array if np.ndim(array) else array.item()
            for name, array in x.items()
            for torch_array in [self.torch.from_numpy(np.ascontiguousarray(array)).to(self.device)]
        }

    def scope(self) -> Any:
        """Nothing to enter: tensors carry their device."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return a tensor as an array."""
        return value.detach().cpu().numpy() if isinstance(value, self.torch.Tensor) else np.asarray(value)


def load_engine(name: str, device: str) -> Torch:
    """Return the engine on "cpu" or "gpu"."""
    return Torch(device)
