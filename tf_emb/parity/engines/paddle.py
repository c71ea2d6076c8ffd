"""PaddlePaddle, on CPU or CUDA: an extra of its own (`pip install -e '.[paddle]'`)."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.dtypes import as_numpy
from tf_emb.parity.engines.home import Home, no_device

ENGINES = {"paddle": Home(8, ("paddle",), quick=False, extra="paddle")}


class Paddle:
    """Dynamic-graph tensors on one device."""

    def __init__(self, device: str) -> None:
        import paddle

        if device == "gpu" and not (paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count()):
            raise no_device("paddle", device)
        paddle.set_device(device)
        self.paddle, self.device = paddle, device

    def versions(self) -> dict[str, str]:
        """Return the version of PaddlePaddle."""
        return {"paddle": self.paddle.__version__}

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return tensors on the device; 0-d entries as Python numbers."""
        return {name: self._tensor(array) if np.ndim(array) else array.item() for name, array in x.items()}

    def _tensor(self, array: np.ndarray) -> Any:
        if array.dtype.name != "bfloat16":
            return self.paddle.to_tensor(array)
        return self.paddle.to_tensor(array.astype(np.float32)).astype("bfloat16")  # float32 holds it exactly

    def scope(self) -> Any:
        """Nothing to enter: the device is set for the process."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return a tensor as an array."""
        if not isinstance(value, self.paddle.Tensor):
            return np.asarray(value)
        if value.dtype != self.paddle.bfloat16:
            return np.asarray(value.detach().numpy())
        return np.asarray(value.detach().astype("float32").numpy().astype(as_numpy("bfloat16")))


def load_engine(name: str, device: str) -> Paddle:
    """Return the engine on "cpu" or "gpu"."""
    return Paddle(device)
