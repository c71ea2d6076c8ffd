"""What a program does with a layer by Keras: models of models, copies, files, other precisions, adaptation."""

import copy
import pickle
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np

from compare.transforms.kits import adapted
from compare.transforms.kits.fits import Dot, feed, inputs_of, model_of, optimizer, trained
from compare.transforms.kits.kit import Do, Kit, applied, held, make, numpy, oracles
from compare.transforms.modes import TABLE, Mode, calls, upstream
from compare.transforms.rules import FITS
from compare.transforms.verdict import AbsentError, Numbers
from tf_emb.parity.dtypes import unit_roundoff
from tf_emb.parity.rounding import Rounded

Model: TypeAlias = keras.Model


def served(kit: Kit, mode: Mode, numbers: Numbers, run: Callable[[Sequence[np.ndarray]], Any]) -> None:
    """Hold the outputs of a function of arrays to the oracle."""
    for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, kit.writes), strict=True)):
        numbers.hold(f"out{n}", numpy(run(call.parts)), oracle.forward())


def fitted(model: Model, xs: Sequence[np.ndarray], y: np.ndarray, **options: Any) -> None:
    """Take one step of Adagrad, whose squares tell a sum from its parts."""
    model.compile(optimizer(FITS["Adagrad"]), Dot(), jit_compile=keras.backend.backend() == "jax", **options)
    model.train_on_batch(feed(xs), y.astype(np.float32))


def both(kit: Kit, mode: Mode) -> Rounded:
    """Return the table after one step of Adagrad on both calls together."""
    step = [(call, upstream(mode, n)) for n, call in enumerate(calls(mode))]
    return trained(mode, FITS["Adagrad"], [step], kit.writes)


def first(kit: Kit, mode: Mode) -> Rounded:
    """Return the table after one step of Adagrad on the first call."""
    return trained(mode, FITS["Adagrad"], [[(calls(mode)[0], upstream(mode, 0))]], kit.writes)


def _called_twice(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    if mode.form == "ragged":
        raise AbsentError("Keras' models take ragged ids by tf.data alone")
    left, right = inputs_of(mode), inputs_of(mode)
    outs = [applied(layer, mode, left), applied(layer, mode, right)]
    model = keras.Model([*left, *right], keras.layers.Concatenate(axis=-1)(outs))
    xs = [part for call in calls(mode) for part in call.parts]
    fitted(model, xs, np.concatenate([upstream(mode, n) for n in range(2)], -1))
    numbers.hold("trained by both", held(layer), both(kit, mode))


def _time_distributed(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers, steps: int | None = 2) -> None:
    if mode.form != "dense" or mode.weighted:
        raise AbsentError("TimeDistributed takes one tensor")
    ids = np.stack([call.ids for call in calls(mode)], 1)
    given = keras.Input((steps, ids.shape[-1]), dtype="int32")
    model = keras.Model(given, keras.layers.TimeDistributed(layer)(given))
    for n, oracle in enumerate(oracles(mode, kit.writes)):
        numbers.hold(f"out{n}", numpy(model(ids))[:, n], oracle.forward())
    layer.set_weights([TABLE.astype(np.float32)])
    fitted(model, [ids], np.stack([upstream(mode, n) for n in range(2)], 1))
    numbers.hold("trained by both", held(layer), both(kit, mode))


def _copied(
    kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers, copied: Callable[[Model, keras.Layer], Model]
) -> None:
    """Hold a copy's outputs, and its table after a step, to the oracle; the original keeps its bits."""
    model = copied(model_of(layer, mode), layer)
    served(kit, mode, numbers, lambda parts: model.predict_on_batch(feed(parts)))
    fresh = _copy_of(layer, model)
    fresh.set_weights([TABLE.astype(np.float32)])
    fitted(model, calls(mode)[0].parts, upstream(mode, 0))
    numbers.hold("trained", held(fresh), first(kit, mode))


def _copy_of(layer: keras.Layer, model: Model) -> keras.Layer:
    """Return the layer of the same class in a model, however deep."""
    return next(one for one in model._flatten_layers() if type(one) is type(layer))


def _nested(model: Model, layer: keras.Layer) -> Model:
    """Return a model of a model."""
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in model.inputs]
    return keras.Model(feed(inputs), model(feed(inputs)))


def _cloned(model: Model, layer: keras.Layer) -> Model:
    new = keras.models.clone_model(model)
    new.set_weights(model.get_weights())
    return new


def _saved(model: Model, layer: keras.Layer) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        return keras.models.load_model(Path(folder) / "model.keras")


def _weights_file(model: Model, layer: keras.Layer) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(Path(folder) / "model.weights.h5")
        new = keras.models.clone_model(model)
        new.load_weights(Path(folder) / "model.weights.h5")
        return new


def _pickled(model: Model, layer: keras.Layer) -> Model:
    return pickle.loads(pickle.dumps(model))


def _deep(model: Model, layer: keras.Layer) -> Model:
    return copy.deepcopy(model)


def _exported(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    import tensorflow as tf

    model = model_of(layer, mode)
    with tempfile.TemporaryDirectory() as folder:
        # On JAX Keras calls the first axis of every input "batch", so that ids and offsets would have one size.
        fixed = kit.name == "jax" and (mode.form == "offsets" or bool(mode.head))
        model.export(folder, verbose=False, input_signature=[feed(_signature(mode))] if fixed else None)
        loaded = tf.saved_model.load(folder)
        served(kit, mode, numbers, lambda parts: loaded.serve(feed([tf.constant(part) for part in parts])).numpy())


def _signature(mode: Mode) -> list[keras.InputSpec]:
    """Return the sizes and dtypes of a call."""
    return [keras.InputSpec(shape=part.shape, dtype=part.dtype.name) for part in calls(mode)[0].parts]


def _torch_exported(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    model = model_of(layer, mode)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt2"
        model.export(path, format="torch", verbose=False, input_signature=[feed(_signature(mode))])
        program = __import__("torch").export.load(path).module()
        served(kit, mode, numbers, lambda parts: program(feed([kit.tensor(part) for part in parts])))


def _mixed(policy: str, kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    """Hold outputs, rounded once to half precision, and a step on the float32 table."""
    half = unit_roundoff(policy.removeprefix("mixed_"))
    layer = make(mode, dtype=policy)
    model = model_of(layer, mode)
    for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, kit.writes), strict=True)):
        want = oracle.forward()
        out = applied(layer, mode, kit.parts(call))
        assert keras.backend.standardize_dtype(out.dtype) == layer.compute_dtype
        numbers.hold(f"half out{n}", numpy(keras.ops.cast(out, "float32")), _rounded(want, half))
    layer.set_weights([TABLE.astype(np.float32)])
    fitted(model, calls(mode)[0].parts, upstream(mode, 0))
    numbers.hold("trained", held(layer), first(kit, mode))


def _rounded(a: Rounded, u: float) -> Rounded:
    return Rounded(a.value, a.error + u * (np.abs(a.value) + a.error), a.u)


COPIES = {
    "nested model": _nested,
    "clone_model": _cloned,
    "pickle": _pickled,
    "deepcopy": _deep,
    ".keras file": _saved,
    "weights file": _weights_file,
}


def ways(kit: Kit) -> dict[str, Do]:
    """Return the transformations by their names."""
    found: dict[str, Callable[..., None]] = {
        "called twice": partial(_called_twice, kit),
        "TimeDistributed": partial(_time_distributed, kit),
        "TimeDistributed, any length": partial(_time_distributed, kit, steps=None),
        **{name: partial(_copied, kit, copied=copied) for name, copied in COPIES.items()},
        "SavedModel": partial(_exported, kit),
        "mixed_float16": partial(_mixed, "mixed_float16", kit),
        "mixed_bfloat16": partial(_mixed, "mixed_bfloat16", kit),
        "LoRA": partial(adapted.lora, kit),
        "int8": partial(adapted.quantized, 8, kit),
        "int4": partial(adapted.quantized, 4, kit),
    }
    if kit.name == "torch":
        found["model.export, torch"] = partial(_torch_exported, kit)
    if kit.name == "tensorflow":
        from compare.transforms.kits import replicas

        found["two replicas"] = partial(replicas.two, kit)
        found["LiteRT"] = partial(replicas.litert, kit)
    return found
