"""One step of LazyAdam under MirroredStrategy: both replicas look the same row up, repeatedly."""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

from tf_emb.optimizers import LazyAdam

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def step(optimizer: LazyAdam, table: keras.Variable) -> None:
    """Row 1 gets 1 + 2 from each replica, row 3 gets 4."""
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [4.0]]), tf.constant([1, 1, 3]), tf.constant([5, 1]))
    optimizer.apply([slices], [table])


for clip, shrunk in ((None, 1.0), (2.5, 0.5)):  # the norm of (3, 4) is 5, in each replica
    with strategy.scope():
        table = keras.Variable(np.ones((5, 1)))
        optimizer = LazyAdam(0.1, clipnorm=clip)
        optimizer.build([table])
    strategy.run(step, (optimizer, table))
    slots = {name: slot.numpy()[:, 0] for name, slot in optimizer.slots(table).items()}
    g = 2 * shrunk * np.array([0, 3, 0, 4, 0])
    np.testing.assert_allclose(slots["momentum"], 0.1 * g, rtol=1e-5)
    np.testing.assert_allclose(slots["velocity"], 0.001 * g**2, rtol=1e-5)
    np.testing.assert_allclose(table.numpy()[:, 0], np.where(g > 0, 0.9, 1), rtol=1e-5)
