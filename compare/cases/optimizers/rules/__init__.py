"""Where the optimizers of Keras and of PyTorch differ, one case for each difference, and the arguments that mend it.

A case holds one rule. A library that computes another is expected to, exactly as declared. The gradient is that of
an Embedding layer with repeated ids, the same at every step, so that every difference is the optimizer's.
"""

from compare.cases.optimizers.rules import arguments, defaults, weight_decay

CASES = [*arguments.CASES, *defaults.CASES, *weight_decay.CASES]
