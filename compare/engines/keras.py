"""Keras on its TensorFlow backend, on CPU or GPU, without TF32."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.engines import no_device


class KerasTensorFlow:
    """TensorFlow tensors; Keras' default dtype follows the dtype under test."""

    def __init__(self, device: str) -> None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if device == "cpu":
            os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        import keras
        import tensorflow as tf

        if device == "gpu" and not tf.config.list_physical_devices("GPU"):
            raise no_device("keras-tensorflow", device)
        self.keras, self.tf = keras, tf
        self.device = "/GPU:0" if device == "gpu" else "/CPU:0"
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)

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


def load_engine(device: str) -> KerasTensorFlow:
    """Return the engine on "cpu" or "gpu"."""
    return KerasTensorFlow(device)
