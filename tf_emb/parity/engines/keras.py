"""Keras on each of its backends, on CPU or GPU, without TF32.

`keras-tensorflow` runs eagerly; `keras-graph` and `keras-xla` compile the same layers with tf.function. The mode
reaches implementations through `tf_emb.parity.engines.pullback`.
"""

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.engines import pullback
from tf_emb.parity.engines.home import Home, no_device

TENSORFLOW = ("keras", "tensorflow")
ENGINES = {
    "keras-tensorflow": Home(2, TENSORFLOW),
    # Compiling every job with XLA would take half of the quick minute; JAX goes through the same compiler.
    "keras-graph": Home(3, TENSORFLOW, quick=False),
    "keras-xla": Home(4, TENSORFLOW, quick=False),
    "keras-jax": Home(5, ("keras", "jax")),
    "keras-torch": Home(6, ("keras", "torch")),
}


class KerasTensorFlow:
    """TensorFlow tensors; Keras' default dtype follows the dtype under test."""

    def __init__(self, name: str, device: str) -> None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if device == "cpu":
            os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        import keras
        import tensorflow as tf

        if device == "gpu" and not tf.config.list_physical_devices("GPU"):
            raise no_device(name, device)
        self.keras, self.tf = keras, tf
        self.device = "/GPU:0" if device == "gpu" else "/CPU:0"
        two = [tf.config.LogicalDeviceConfiguration()] * 2  # for tf.distribute; all else runs on the first
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        pullback.MODE = {"keras-graph": "graph", "keras-xla": "xla"}.get(name, "eager")

    def versions(self) -> dict[str, str]:
        """Return the versions of Keras and TensorFlow."""
        return {"keras": self.keras.__version__, "tensorflow": self.tf.__version__}

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return tensors; 0-d entries as Python numbers. Sets Keras' floatx, which optimizers compute in."""
        self.keras.config.set_floatx(dtype)
        return {name: self.tf.constant(a) if np.ndim(a) else a.item() for name, a in x.items()}

    def scope(self) -> Any:
        """Return the device's context manager."""
        return self.tf.device(self.device)

    def unload(self, value: Any) -> np.ndarray:
        """Return a tensor, a variable or slices as a dense array."""
        return np.asarray(self.tf.convert_to_tensor(value))


class KerasOther:
    """Keras on JAX or PyTorch."""

    def __init__(self, name: str, device: str) -> None:
        self.backend = name.removeprefix("keras-")
        os.environ["KERAS_BACKEND"] = self.backend
        os.environ["JAX_PLATFORMS"] = "cuda" if device == "gpu" else "cpu"
        os.environ["KERAS_TORCH_DEVICE"] = "cuda" if device == "gpu" else "cpu"
        import keras

        self.keras, self.device = keras, device
        if self.backend == "jax":
            import jax

            jax.config.update("jax_enable_x64", True)
            jax.config.update("jax_default_matmul_precision", "highest")
            jax.devices()  # raises RuntimeError where there is no such device

    def versions(self) -> dict[str, str]:
        """Return the versions of Keras and its backend."""
        backend = __import__(self.backend)
        return {"keras": self.keras.__version__, self.backend: str(backend.__version__)}

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return tensors of the backend; 0-d entries as Python numbers."""
        self.keras.config.set_floatx(dtype)
        convert = self.keras.ops.convert_to_tensor
        return {name: convert(a, a.dtype.name) if np.ndim(a) else a.item() for name, a in x.items()}

    def scope(self) -> Any:
        """Nothing to enter: the environment chose the device."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return a tensor or a variable as an array."""
        return np.array(self.keras.ops.convert_to_numpy(value))


def load_engine(name: str, device: str) -> Any:
    """Return the engine `name` on "cpu" or "gpu"."""
    return KerasOther(name, device) if name in ("keras-jax", "keras-torch") else KerasTensorFlow(name, device)
