"""The transformations: the rows of the table, in their order, and what each is on the backends that have it."""

from compare.transforms.rules import FITS

_FUNCTIONS = {
    "eager": "the layer called, and its gradients",
    "compiled": "tf.function; jax.jit; torch.compile",
    "XLA": "tf.function(jit_compile=True)",
    "torch.export": "torch.export.export of the layer",
    "unknown batch": "tf.function of ids whose sizes are None",
    "unknown rank": "tf.function of ids of shape None",
    "map": "tf.map_fn; jax.lax.map; keras.ops.map",
    "vectorized_map": "tf.vectorized_map; jax.vmap; torch.func.vmap",
    "while loop": "a loop in a tf.function; jax.lax.scan",
    "jacobian": "tape.jacobian; jax.jacrev; torch.func.jacrev",
    "second derivative": "of the squared gradient, by table and weights; eagerly and compiled",
    "forward mode": "tf.autodiff.ForwardAccumulator; jax.jvp; torch.func.jvp",
    "per-example gradients": "a gradient inside of a vectorized_map",
    "functional_call": "the same by torch.func.functional_call",
    "recomputation": "tf.recompute_grad; jax.checkpoint; torch.utils.checkpoint",
    "input pipeline": "tf.data.Dataset.map",
}
_MODELS = {
    "called twice": "two calls in one model, one step of Adagrad",
    "TimeDistributed": "steps of known number, one step of Adagrad",
    "TimeDistributed, any length": "steps of unknown number",
    "two replicas": "MirroredStrategy on two CPUs, one step of Adagrad",
    "nested model": "a model in a model",
    "clone_model": "keras.models.clone_model",
    "pickle": "pickle.loads(pickle.dumps(model))",
    "deepcopy": "copy.deepcopy(model)",
    ".keras file": "model.save, keras.models.load_model",
    "weights file": "model.save_weights, load_weights",
    "SavedModel": "model.export, tf.saved_model.load",
    "LiteRT": 'model.export(format="litert"), run by its interpreter',
    "model.export, torch": 'model.export(format="torch"), torch.export.load',
    "mixed_float16": "the policy, one step of Adagrad on the float32 table",
    "mixed_bfloat16": "the same",
    "LoRA": "enable_lora: outputs, and a step of SGD on both factors",
    "int8": "model.quantize: within half a step of each row",
    "int4": "the same",
}
WAYS = {
    **_FUNCTIONS,
    **_MODELS,
    **{f"fit: {name}": "" for name in FITS},
    **{f"fit, XLA: {name}": "" for name in FITS},
    "fit, eagerly": "Adagrad with run_eagerly=True",
}
