"""`quantize` of `tf_emb.layers.Embedding` and `EmbeddingBag`: int8 and int4 by rows, and int4 by blocks of columns.

With eps = 1e-7 and rounding half to even:

    by rows    scale = m / (max_j |w_j| + eps), m = 127 or 7;  q = round(w scale);  read: q / scale
    by blocks  scale = (max - min + eps) / 15 of a block, filled up with zeros;  zero = round(-min / scale) - 8;
               q = round(w / scale) + zero in -8..7;  read: (q - zero) scale
    int4       a byte holds columns 2 k (low half) and 2 k + 1 (high half)

A quotient of an integer and a half has two right answers once it rounds. So tables are drawn such that all quotients
are at least 0.1 away from such, which is far more than a scale can be off; then the integers must agree to the bit.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from compare.cases import parameters, text
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS

VOCAB, DIM, BLOCK, PADDING, BAGS = 150, 11, 4, 5, 16
STRANGERS = (-1, VOCAB, -VOCAB, 2**31 - 1)


def draw(rng: np.random.Generator, largest: int, blocks: int) -> dict[str, np.ndarray]:
    """Ids of text with padding and with ids that name no row, a table as above, weights of places."""
    ids = text.passage(rng, BAGS * 9, VOCAB)
    ids[4::9], ids[7::9] = PADDING, np.resize(STRANGERS, BAGS)
    return {
        "table": by_blocks(rng) if blocks else by_rows(rng, largest),
        "ids": ids.reshape(BAGS, 9),
        "weights": rng.uniform(0.1, 1, (BAGS, 9)),
        "upstream": rng.normal(size=(BAGS, DIM)),
        **parameters({"largest": largest, "blocks": blocks}),
    }


def by_rows(rng: np.random.Generator, largest: int) -> np.ndarray:
    """Multiples of a row's own step, each off by 0.4 of one at most; one of the columns is the largest."""
    multiples = rng.integers(-largest + 1, largest, (VOCAB, DIM)) + rng.uniform(-0.4, 0.4, (VOCAB, DIM))
    multiples[np.arange(VOCAB), rng.integers(0, DIM, VOCAB)] = rng.choice([-largest, largest], VOCAB)
    return multiples * rng.uniform(0.3, 3, (VOCAB, 1)) / largest


def by_blocks(rng: np.random.Generator) -> np.ndarray:
    """The same in blocks that hold -low and 15 - low times their step, low in 2..13."""
    table = np.zeros((VOCAB, DIM))
    for start in range(0, DIM, BLOCK):
        size = min(BLOCK, DIM - start)
        low = rng.integers(2, 14, (VOCAB, 1))
        block = np.floor(rng.uniform(0, 16, (VOCAB, size))) - low + rng.uniform(-0.4, 0.4, (VOCAB, size))
        block = np.clip(block, -low + 0.1, 14.9 - low)
        block[:, :2] = np.concatenate([-low, 15 - low], 1)
        table[:, start : start + size] = block * rng.uniform(0.1, 1, (VOCAB, 1))
    return table


def quantized(x: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Integers, scales, zero points, and the numbers that are read."""
    table = x["table"]
    if not x["blocks"]:
        scale = float(x["largest"]) / (np.abs(table).max(axis=1) + 1e-7)
        q = np.rint(table * scale[:, None])
        return q.astype(np.int8), scale, np.zeros(VOCAB, np.int8), q / scale[:, None]
    group = np.arange(DIM) // BLOCK
    filled = np.pad(table, [(0, 0), (0, -DIM % BLOCK)]).reshape(VOCAB, -1, BLOCK)
    scale = (filled.max(axis=2) - filled.min(axis=2) + 1e-7) / 15
    zero = np.rint(-filled.min(axis=2) / scale) - 8
    q = np.clip(np.rint(table / scale[:, group]) + zero[:, group], -8, 7)
    return q.astype(np.int8), scale, zero.astype(np.int8), (q - zero[:, group]) * scale[:, group]


def packed(integers: np.ndarray) -> np.ndarray:
    """Two to a byte, the even column in the low half."""
    even = np.pad(integers, [(0, 0), (0, DIM % 2)]).astype(np.uint8)
    return ((even[:, 0::2] & 15) | (even[:, 1::2] & 15) << 4).astype(np.int8)


def read(x: Arrays) -> np.ndarray:
    """The row of each place, zeros where the id names none."""
    table, ids = quantized(x)[3], x["ids"]
    known = (ids >= 0) & (ids < VOCAB)
    return np.where(known[..., None], table[np.where(known, ids, 0)], 0).astype(table.dtype)


def stored(x: Arrays) -> dict[str, np.ndarray]:
    """What the layer holds."""
    integers, scale, zero, _ = quantized(x)
    found = {"integers": integers if x["largest"] == 127 else packed(integers), "scale": scale}
    return found | ({"zero": zero} if x["blocks"] else {})


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Quantise and read; the padding row reads as stored."""
    return {**stored(x), "forward": read(x)}


def bag_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Quantise, and sum the weighted rows of each bag that are not padding."""
    live = x["ids"] != PADDING
    rows, weights = read(x) * live[..., None], x["weights"]
    forward = np.einsum("bp,bpd->bd", weights, rows)
    return {**stored(x), "forward": forward, "weights gradient": np.einsum("bpd,bd->bp", rows, x["upstream"])}


def layer_of(kind: str, x: Mapping[str, Any]) -> Any:
    """A layer of the table, quantised."""
    import keras

    from tf_emb import layers

    table = keras.ops.convert_to_numpy(x["table"])
    options = {"combiner": "sum"} if kind == "EmbeddingBag" else {}
    layer = getattr(layers, kind)(
        VOCAB, DIM, weights=table, dtype=table.dtype.name, padding_idx=PADDING, out_of_range="zero", **options
    )
    block = BLOCK if x["blocks"] else None
    layer.quantize(
        config=keras.quantizers.Int8QuantizationConfig()
        if x["largest"] == 127
        else keras.quantizers.Int4QuantizationConfig(block_size=block)
    )
    return layer


def held(layer: Any) -> dict[str, Any]:
    """The variables of a layer that is quantised."""
    found = {"integers": layer._embeddings, "scale": layer.embeddings_scale}
    return found | ({"zero": layer.embeddings_zero} if hasattr(layer, "embeddings_zero") else {})


def run_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.Embedding, quantised, on whichever backend runs."""
    from tf_emb.parity.engines.pullback import evaluate

    layer = layer_of("Embedding", x)
    return {**held(layer), "forward": evaluate(layer, x["ids"])}


def run_bag(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.EmbeddingBag, quantised, on whichever backend runs."""
    import keras

    from tf_emb.parity.engines.pullback import pull_back

    layer = layer_of("EmbeddingBag", x)
    weights = keras.Variable(x["weights"], dtype=layer.variable_dtype)
    out, (gradient,) = pull_back(
        lambda ids: layer(ids, per_sample_weights=weights.value), [weights], x["upstream"], x["ids"]
    )
    return {**held(layer), "forward": out, "weights gradient": gradient}


def magnitudes(output: str, x: Arrays) -> np.ndarray:
    """Sums of magnitudes: weights are positive, rows are not."""
    rows = np.abs(read(x)) * (x["ids"] != PADDING)[..., None]
    if output == "forward":
        return np.einsum("bp,bpd->bd", x["weights"], rows)
    return np.einsum("bpd,bd->bp", rows, np.abs(x["upstream"]))


SCALE = Bound(4, "a difference, the rounding of 1e-7, a sum and a quotient", lambda x, want: np.abs(want["scale"]))
ROWS = Bound(5, "four roundings of the scale, and a quotient or a product", lambda x, want: np.abs(want["forward"]))
SUMS = Bound(
    5 + 2 * 9, "five roundings of a row's numbers, nine products and sums", lambda x, want: magnitudes("forward", x)
)
DOTS = Bound(
    5 + DIM, "five roundings of a row's numbers, a dot product", lambda x, want: magnitudes("weights gradient", x)
)
ROW_FAULTS = {
    "scale of the row before": Fault("q / scale[:, None]", "q / np.roll(scale, 1)[:, None]"),
    "scale of a column": Fault("np.abs(table).max(axis=1)", "np.resize(np.abs(table).max(axis=0), VOCAB)"),
    "a step too many": Fault('float(x["largest"]) /', 'float(x["largest"] + 1) /'),
    "multiplied by the scale": Fault("q / scale[:, None]", "q * scale[:, None]"),
    "rounded towards zero": Fault("np.rint(table * scale[:, None])", "np.trunc(table * scale[:, None])"),
}
PACKED_FAULTS = {
    "halves of a byte exchanged": Fault(
        "((even[:, 0::2] & 15) | (even[:, 1::2] & 15) << 4)", "((even[:, 1::2] & 15) | (even[:, 0::2] & 15) << 4)"
    ),
}
BLOCK_FAULTS = {
    "zero point dropped": Fault("(q - zero[:, group]) * scale", "q * scale"),
    "scale of the next block": Fault("* scale[:, group]", "* np.roll(scale, 1, axis=1)[:, group]"),
    "blocks of rows": Fault("np.arange(DIM) // BLOCK", "np.arange(DIM) % 3"),
    "divided by the scale": Fault("zero[:, group]) * scale", "zero[:, group]) / scale"),
    "rounded towards zero": Fault("np.rint(table / scale", "np.trunc(table / scale"),
}
READ_FAULTS = {
    "negative ids counted from the end": Fault("(ids >= 0) & (ids", "(ids >= -VOCAB) & (ids"),
    "off by one": Fault("table[np.where(known, ids, 0)]", "table[np.where(known, ids, 0) - 1]"),
    "row 0 read for ids that name none": Fault("np.where(known[..., None], table", "np.where(True, table"),
}
ZERO_FAULT = {
    "padding reads as zero": Fault("(ids < VOCAB)", "(ids < VOCAB) & (ids != PADDING)"),
}
BAG_FAULTS = {
    "padding in the bag": Fault("!= PADDING", "!= -9"),
    "weights forgotten": Fault('x["weights"]\n', 'np.ones_like(x["weights"])\n'),
    "mean for sum": Fault('np.einsum("bp,bpd->bd", weights, rows)', 'np.einsum("bp,bpd->bd", weights, rows) / 9'),
    "summed in half precision": Fault(
        'np.einsum("bp,bpd->bd", weights, rows)', "(weights[..., None] * rows).astype(np.float16).sum(axis=1)"
    ),
}
MODES = {"int8": (127, 0), "int4": (7, 0), "int4-blocks": (7, 1)}


def case(kind: str, mode: str) -> Case:
    """The case of one layer and mode."""
    largest, blocks = MODES[mode]
    bag = kind == "EmbeddingBag"
    faults = {
        **(BLOCK_FAULTS if blocks else ROW_FAULTS),
        **(PACKED_FAULTS if largest == 7 else {}),
        **READ_FAULTS,
        **(BAG_FAULTS if bag else ZERO_FAULT),
    }
    bounds = {"integers": EXACT, "scale": SCALE, **({"zero": EXACT} if blocks else {})}
    return Case(
        name=f"quantized-{'bag-' if bag else ''}{mode}",
        claim=f"{kind}, quantised to {mode.replace('-', ' by ')}, holds Keras' integers and reads "
        + ("and sums " if bag else "")
        + "their rows alone: exactly its formula.",
        cite="keras/src/quantizers/quantizers.py; keras/src/layers/core/embedding.py; docs/semantics.md",
        inputs=partial(draw, largest=largest, blocks=blocks),
        oracle=bag_oracle if bag else oracle,
        impls=dict.fromkeys(KERAS, run_bag if bag else run_embedding),
        bounds=bounds | ({"forward": SUMS, "weights gradient": DOTS} if bag else {"forward": ROWS}),
        faults=faults,
        quick=bag and bool(blocks),
    )


CASES = [case(kind, mode) for kind in ("Embedding", "EmbeddingBag") for mode in MODES]
