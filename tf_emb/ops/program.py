"""What kind of TensorFlow program is running or being traced; it decides which operations a layer may use.

TensorFlow has no public way to ask. Every question to its private modules is asked here.
"""

import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.eager import forwardprop_util
from tensorflow.python.ops import control_flow_util
from tensorflow.python.ops.control_flow_v2_func_graphs import CondBranchFuncGraph, ControlFlowFuncGraph

from tf_emb.ops.types import Graph, Held, Tensor

ONE_TAPE = 1  # of what `tapes` returns

# Returns whether no tape and no forward accumulator is active in this thread.
nothing_records = pywrap_tfe.TFE_Py_TapeSetIsEmpty


def current_graph() -> Graph | None:
    """Return the graph that is being built; None in eager mode."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def in_xla() -> bool:
    """Return whether a function is being traced that XLA will compile."""
    return bool(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def in_vectorized_map() -> bool:
    """Return whether the body of a vectorized loop is being traced: tf.vectorized_map, a Jacobian, TimeDistributed.

    Its operations are exchanged for batched ones, custom gradients dropped, and not every operation has such a form.
    """
    # tensorflow/python/ops/parallel_for/control_flow_ops.py opens this scope in the graph that is being built.
    return not tf.executing_eagerly() and "loop_body" in tf.compat.v1.get_default_graph().get_name_scope().split("/")


def in_control_flow() -> bool:
    """Return whether a branch of tf.cond, or the body of a tf.while_loop, is being traced."""
    return isinstance(tf.compat.v1.get_default_graph(), ControlFlowFuncGraph)


def in_branch() -> bool:
    """Return whether a branch of tf.cond is being traced."""
    return isinstance(tf.compat.v1.get_default_graph(), CondBranchFuncGraph)


def has_tangent(tensor: Tensor) -> bool:
    """Return whether forward-mode differentiation (tf.autodiff.ForwardAccumulator) follows `tensor`."""
    return bool(forwardprop_util.pack_tangents([tensor]).tangents)


def tapes(tensor: Tensor) -> int:
    """Return how many gradient tapes follow `tensor`: 0, ONE_TAPE, or 2 for more, or for a persistent one."""
    return int(pywrap_tfe.TFE_Py_TapeSetPossibleGradientTypes([tensor]))


def replicas() -> int:
    """Return how many replicas of a tf.distribute strategy run this code, whose gradients are summed afterwards."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def may_use_variants(*, in_gradient: bool) -> bool:
    """Return whether sparse matrices, which are variants, survive what may become of this program.

    They cannot be exported, batched by a vectorized loop, or carried from a loop's body to its gradient. A graph that
    no tape follows may be an exported one.

    Args:
        in_gradient: whether a gradient function asks that runs in the graph of its forward pass, where they were used.
            The tape is closed by then.
    """
    if tf.executing_eagerly():
        return True
    return not (in_control_flow() or in_vectorized_map() or in_xla()) and (in_gradient or not nothing_records())


def has_handle(table: Held) -> bool:
    """Return whether `table` is a variable that this program can read by its handle, row by row."""
    if not isinstance(table, tf.Variable):
        return False
    # One of several replicas has a handle in each of them, and none outside.
    return not isinstance(table, tf.distribute.DistributedValues) or not tf.distribute.in_cross_replica_context()
