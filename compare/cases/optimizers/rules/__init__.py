"""Where the optimizers of Keras and PyTorch differ, one case for each difference, and arguments that reconcile them.

Each case holds one rule; a library that follows another must do so exactly as declared. The gradient is that of
an Embedding layer with repeated ids, the same at every step, so that every difference is the optimizer's.
"""

from compare.cases.optimizers.rules import arguments, defaults, weight_decay

CASES = [*arguments.CASES, *defaults.CASES, *weight_decay.CASES]
