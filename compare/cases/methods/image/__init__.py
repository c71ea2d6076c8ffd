"""The residual block, the losses and the whole network of tf_emb.methods.image.network."""

from compare.cases.methods.image import block, losses, network, network_bounds
from tf_emb.parity.case import EXACT, Case, Fault, running

WHY = (
    "running error analysis: sums gamma(terms), softmax by its exponents; where the sign before a relu is not certain, "
    "all of the gradient"
)

CASES = [
    Case(
        name="residual-block",
        claim="A residual block with a stride: forward, gradients of input and kernels, and kernels after a step.",
        cite="He, Zhang, Ren and Sun 2016, equations 1 and 2",
        inputs=block.draw_block,
        oracle=block.block,
        impls={"torch": block.block_torch, "keras-tensorflow": block.block_keras},
        bounds=dict.fromkeys(
            ("forward", "x gradient", *(f"{k} {of}" for of in ("gradient", "after") for k in block.KERNELS)), EXACT
        ),
        faults={
            "shortcut left out": Fault('conv(x["x"], x["shortcut"], 2) + conv', "conv"),
            "no bend between": Fault("hidden = np.maximum(one, 0)", "hidden = one"),
            "gradient through the bend": Fault("to_hidden * (one > 0)", "to_hidden"),
            "gradient of the shortcut left out": Fault("to_x + around", "to_x"),
            "kernel turned around": Fault("@ kernel[i, j] for", "@ kernel[-1 - i, -1 - j] for"),
            "step of ascent": Fault("x[name] - slope", "x[name] + slope"),
        },
        quick=True,
    ),
    Case(
        name="supervised-contrastive",
        claim="The supervised contrastive loss and its gradient, rows without a partner among them.",
        cite="Khosla et al. 2020, equation 2",
        inputs=losses.draw_contrastive,
        oracle=losses.contrastive,
        impls={"torch": losses.contrastive_torch, "keras-tensorflow": losses.contrastive_keras},
        bounds=dict.fromkeys(
            ("loss", "gradient"), running("running error analysis of the closed form; exp and log K u at |u| + 1")
        ),
        faults={
            "a row among its own others": Fault("np.exp(u[rows]) * others[rows]", "np.exp(u[rows])"),
            "sum over the partners": Fault("alike[rows] / count[rows, None].astype(u.dtype)", "alike[rows] * 1.0"),
            "mean over all rows": Fault("- share) / len(rows)", "- share) / len(u)"),
            "one side of the gradient": Fault("(D + D.T)", "(2 * D)"),
            "length not differentiated": Fault("to_y - y * along", "to_y"),
            "temperature forgotten": Fault('y @ y.T / x["temperature"]', "y @ y.T"),
        },
        envelope=losses.contrastive_envelope,
        quick=True,
    ),
    Case(
        name="cosine-softmax",
        claim="Softmax of cosines with the vectors of classes: scores, loss, gradients of pictures and of classes.",
        cite="Wang et al. 2017, NormFace, equation 5",
        inputs=losses.draw_cosine,
        oracle=losses.cosine,
        impls={"torch": losses.cosine_torch, "keras-tensorflow": losses.cosine_keras},
        bounds=dict.fromkeys(
            ("scores", "loss", "z gradient", "w gradient"),
            running("running error analysis of the closed form; exp and log K u at |u| + 1"),
        ),
        faults={
            "lengths of classes kept": Fault('x["w"] / w_length', 'x["w"]'),
            "lengths of rows kept": Fault('y, v = x["z"] / z_length', 'y, v = x["z"]'),
            "temperature forgotten": Fault('u = y @ v / x["temperature"]', "u = y @ v"),
            "temperature forgotten on the way back": Fault('D @ v.T / x["temperature"]', "D @ v.T"),
            "sum over the rows": Fault("/ np.array(len(u), u.dtype)", "/ 1"),
            "the right class left out": Fault("e / total[:, None] - right", "e / total[:, None]"),
            "length of rows not differentiated": Fault("to_y - y * (y * to_y).sum(axis=1, keepdims=True)", "to_y"),
            "length of classes not differentiated": Fault("to_v - v * (v * to_v).sum(axis=0, keepdims=True)", "to_v"),
        },
        envelope=losses.cosine_envelope,
        quick=True,
    ),
    Case(
        name="image-network",
        claim="The whole image network: embedding, losses, all gradients, and every weight after three steps of SGD.",
        cite="He, Zhang, Ren and Sun 2016, equations 1 and 2",
        inputs=network.draw,
        oracle=network.network,
        impls={"torch": network.network_torch, "keras-tensorflow": network.network_keras},
        bounds=dict.fromkeys(
            ("loss", "embedding", *(f"{name} {of}" for of in ("gradient", "after") for name in network.NAMES)),
            running(WHY),
        ),
        faults={
            "no bend inside a block": Fault("conv(np.maximum(ones[i], 0), kernels[1]", "conv(ones[i], kernels[1]"),
            "no bend behind a block": Fault("out = np.maximum(sums[i], 0)", "out = sums[i]"),
            "shortcut without its bias": Fault("stride) + biases[2]", "stride)"),
            "gradient past every bend": Fault("g = g * (sums[i] > 0)", "g = g * 1"),
            "gradient past the inner bend": Fault("to_hidden * (ones[i] > 0)", "to_hidden"),
            "no gradient through the shortcut": Fault("g = to_x + past", "g = to_x"),
            "gradient of a linear hidden layer": Fault("conv_back(np.maximum(ones[i], 0)", "conv_back(ones[i]"),
            "sum over the rows": Fault("/ np.array(len(y), y.dtype)", "/ 1"),
            "the right class left out": Fault("/ total - right)", "/ total)"),
            "bias's gradient a mean": Fault("end.sum(axis=(0, 1, 2))", "end.mean(axis=(0, 1, 2))"),
            "channels before places": Fault("flat = out.reshape(", "flat = out.transpose(0, 3, 1, 2).reshape("),
            "one step too few": Fault('range(int(x["steps"]))', 'range(int(x["steps"]) - 1)'),
            "a step of ascent": Fault('value - x["rate"]', 'value + x["rate"]'),
        },
        envelope=network_bounds.envelope,
    ),
]
