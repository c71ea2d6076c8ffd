"""What TensorFlow alone does with a whole model: two replicas of it, and its LiteRT form."""

import tempfile
from functools import cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from compare.transforms.kits.fits import Dot, model_of, optimizer, trained
from compare.transforms.kits.kit import Kit, held, make, oracles
from compare.transforms.modes import Mode, calls, upstream
from compare.transforms.rules import FITS
from compare.transforms.verdict import AbsentError, Numbers


@cache
def _strategy() -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def two(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    """A batch of both calls, half of it for each replica: their gradients are added before Adagrad squares them."""
    if mode.form != "dense":
        raise AbsentError("the strategy splits a batch by its first axis")
    strategy = _strategy()
    with strategy.scope():
        layer = make(mode)
        model = model_of(layer, mode)
        model.compile(optimizer(FITS["Adagrad"]), Dot(), jit_compile=False)
    parts = [np.concatenate(pair) for pair in zip(*(call.parts for call in calls(mode)), strict=True)]
    y = np.concatenate([upstream(mode, n) for n in range(2)]).astype(np.float32)
    xs = tuple(parts) if len(parts) > 1 else parts[0]
    model.fit(tf.data.Dataset.from_tensors((xs, y)), verbose=0)
    step = [(call, upstream(mode, n)) for n, call in enumerate(calls(mode))]
    numbers.hold("trained by both", held(layer), trained(mode, FITS["Adagrad"], [step], False))


def _places(interpreter: tf.lite.Interpreter) -> list[int]:
    """Return the numbers of the inputs, in the order of the model's."""
    found = sorted((one["name"], int(one["index"])) for one in interpreter.get_input_details())
    return [index for _, index in found]


def litert(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    """The model's LiteRT file, run by TensorFlow's interpreter."""
    model = model_of(layer, mode)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        model.export(path, format="litert", verbose=False)
        interpreter = tf.lite.Interpreter(str(path))
        for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, True), strict=True)):
            places = _places(interpreter)
            for at, part in zip(places, call.parts, strict=True):
                interpreter.resize_tensor_input(at, part.shape)
            interpreter.allocate_tensors()
            for at, part in zip(places, call.parts, strict=True):
                interpreter.set_tensor(at, part)
            interpreter.invoke()
            out = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
            numbers.hold(f"out{n}", out, oracle.forward())
