"""What becomes of every word of Keras' and PyTorch's embedding layers here: a table of docs/semantics.md.

The words are read from the installed packages by `inspect`, each in a process of its own; what is said of them stands
here. `table` refuses to be made of a word that nothing is said of, and of one that is gone.
"""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator

from compare.docs import tables

LIBRARIES = ("keras", "torch")
SAME = "same"
BAG, MODULE = "torch.nn.EmbeddingBag", "torch.nn.Module"


def said(verdict: str, words: str) -> dict[str, str]:
    """Return one verdict for each of several words, which spaces part."""
    return dict.fromkeys(words.split(), verdict)


TORCHS = (
    said("taken, as `input_dim`", "num_embeddings")
    | said("taken, as `output_dim`", "embedding_dim")
    | said("ours: `input_dim`", ".num_embeddings")
    | said("ours: `output_dim`", ".embedding_dim")
    | said(SAME, "padding_idx max_norm norm_type scale_grad_by_freq")
    | said(SAME, ".padding_idx .max_norm .norm_type .scale_grad_by_freq")
    | said("same numbers; True by default, since the gradient is summed before an optimizer sees it", "sparse .sparse")
    | said("taken, as `weights`", "_weight")
    | said("taken; PyTorch's names of dtypes too", "dtype")
    | said("not, because Keras places variables: create the layer under keras.device(...)", "device")
    | said("ours: `call(inputs)`; the name is taken", "forward(input)")
    | said("ours: `call`", "forward()")
    | said("taken, as `matrix`", "from_pretrained(embeddings)")
    | said(SAME, "from_pretrained() from_pretrained(freeze)")
    | said("as in the constructor", "from_pretrained(padding_idx) from_pretrained(max_norm) from_pretrained(norm_type)")
    | said("as in the constructor", "from_pretrained(scale_grad_by_freq) from_pretrained(sparse)")
    | said("ours: `embeddings`; `matrix()` for NumPy", ".weight")
    | said("not, because a Keras layer starts once: build another", "reset_parameters()")
    | said("not, because Keras prints layers: `get_config()`", "extra_repr()")
)

VERDICTS: dict[str, dict[str, str]] = {
    "keras.layers.Embedding": said(
        SAME,
        "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint weights lora_rank "
        "lora_alpha quantization_config **kwargs activity_regularizer trainable dtype autocast name call(inputs) "
        "build() embeddings() call() compute_output_shape() compute_output_spec() save_own_variables() "
        "load_own_variables() "
        "get_config() from_config() variable_serialization_spec() enable_lora() enable_lora(rank) "
        "enable_lora(lora_alpha) enable_lora(a_initializer) enable_lora(b_initializer) quantize() quantize(mode) "
        "quantize(type_check) quantize(config) quantized_build() quantized_build(embeddings_shape) "
        "quantized_build(mode) quantized_build(config)",
    )
    | said("None by default: as True where `padding_idx` is given, which is then the id that is masked", "mask_zero")
    | said("masks `padding_idx` where it is given, else id 0 as in Keras", "compute_mask()"),
    "keras.layers.Layer": {"the others": "same, inherited"},
    "torch.nn.Embedding": TORCHS
    | said("taken: `trainable` is its contrary", "_freeze")
    | said("ours: `trainable`, its contrary", ".freeze"),
    BAG: TORCHS
    | said("taken, as `combiner`", "mode from_pretrained(mode)")
    | said("ours: `combiner`", ".mode")
    | said(SAME, "include_last_offset .include_last_offset")
    | said("as in the constructor", "from_pretrained(include_last_offset)")
    | said("taken, by name or as the second of two; ours: the pair (ids, offsets)", "forward(offsets)")
    | said("same; for `mean` and `sqrtn` too", "forward(per_sample_weights)"),
    MODULE: said("not, because there are no submodules", "add_module children get_submodule modules named_children")
    | said("not, because there are no submodules", "named_modules register_module set_submodule apply")
    | said("not, because dtype policies are chosen at construction: `dtype`", "bfloat16 double float half type")
    | said("not, because Keras places variables: keras.device(...)", "cpu cuda ipu mtia to to_empty xpu share_memory")
    | said("ours: `variables`, `non_trainable_variables`", "buffers get_buffer named_buffers register_buffer")
    | said("ours: `trainable_variables`, `variables`", "get_parameter named_parameters parameters register_parameter")
    | said("ours: `get_weights`, `set_weights`, and the model's `save_weights`, `load_weights`", "state_dict")
    | said("ours: `set_weights`; `from_torch` for a module", "load_state_dict")
    | said("ours: `trainable`", "requires_grad_")
    | said("ours: `training=` of a model's call; these layers do not ask", "train eval")
    | said("not, because gradients are returned, not kept", "zero_grad")
    | said("ours: the model's `compile(jit_compile=True)`", "compile")
    | said("ours: `call`", "forward")
    | said("ours: `get_config`", "extra_repr")
    | said("ours: `save_own_variables`, `load_own_variables`", "get_extra_state set_extra_state")
    | said(
        "not, because Keras has no hooks: subclass the layer",
        "register_backward_hook register_forward_hook register_forward_pre_hook register_full_backward_hook "
        "register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook "
        "register_state_dict_post_hook register_state_dict_pre_hook",
    )
    | said("not, because they are of the machinery of modules", "T_destination call_super_init dump_patches"),
}


def words(library: str) -> dict[str, list[str]]:
    """Return the words of each class of a library, of its installed version, read in a process of its own."""
    code = f"from compare.docs.words import inspected; import json; print(json.dumps(inspected({library!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def inspected(library: str) -> dict[str, list[str]]:
    """Return the words of each class of a library that this process may import."""
    if library == "keras":
        import keras

        own = keras.layers.Embedding
        base = [name for name in _keywords(keras.layers.Layer.__init__) if name != "**kwargs"]
        return {"keras.layers.Embedding": [*_keywords(own.__init__), *base, *_methods(own, ("call",))]}
    import torch

    kinds = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    found = {
        f"torch.nn.{kind.__name__}": [
            *_keywords(kind.__init__),
            *(f".{name}" for name in inspect.get_annotations(kind)),
            *_methods(kind, ("forward", "from_pretrained")),
        ]
        for kind in kinds
    }
    return found | {MODULE: [name for name in dir(torch.nn.Module) if not name.startswith("_")]}


def _keywords(function: object) -> list[str]:
    """Return the parameters of a function but `self` or `cls`; those that take any keyword with their stars."""
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return [str(p) if p.kind is p.VAR_KEYWORD else p.name for p in parameters if p.name not in ("self", "cls")]


def _methods(kind: type, told: Iterable[str]) -> Iterator[str]:
    """Yield the public methods that a class defines, and the keywords of those that take some of their own."""
    told = (*told, "enable_lora", "quantize", "quantized_build")
    for name, value in vars(kind).items():
        if name.startswith("_") or not (callable(value) or isinstance(value, classmethod | property)):
            continue
        yield f"{name}()"
        if name in told:
            yield from (f"{name}({keyword})" for keyword in _keywords(getattr(kind, name)))


def differences(found: dict[str, list[str]]) -> list[str]:
    """Return the words that nothing is said of, and those that are spoken of and gone."""
    new = [f"{kind}: {word} is new" for kind, all_ in found.items() for word in all_ if word not in VERDICTS[kind]]
    gone = [f"{kind}: {word} is gone" for kind in found for word in VERDICTS[kind] if word not in found[kind]]
    return new + gone


def block() -> str:
    """Return the table, one row for the neighbouring words of a class that fare alike.

    Raises:
        ValueError: a word is new, or gone.
    """
    found = {kind: all_ for library in LIBRARIES for kind, all_ in words(library).items()}
    if wrong := differences(found):
        raise ValueError(f"`VERDICTS` must speak of every word of the installed versions; {'; '.join(wrong)}. Add it.")
    rows = []
    for kind, all_ in found.items():
        alike: dict[str, list[str]] = {}
        for word in all_:
            alike.setdefault(VERDICTS[kind][word], []).append(f"`{word}`")
        rows += [[f"`{kind}`", ", ".join(names), verdict] for verdict, names in alike.items()]
    rows.append(["`keras.layers.Layer`", "all that `Embedding` inherits", VERDICTS["keras.layers.Layer"]["the others"]])
    return tables.table(["class", "words", "here"], rows)
