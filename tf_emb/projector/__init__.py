"""Tables of vectors on TensorBoard's Embedding Projector page: one call, and the page shows them right.

Every log is a new run: a directory that is written once. It needs TensorBoard, not TensorFlow. The rules were found by
reading and running TensorBoard 2.21; docs/projector.md lists them.
"""

from typing import TYPE_CHECKING, Any

from tf_emb.projector.check import check_projection
from tf_emb.projector.comparison import log_epochs, log_side_by_side
from tf_emb.projector.log import log_projection
from tf_emb.projector.parquet import export_parquet
from tf_emb.projector.plot import plot_projection
from tf_emb.projector.run import projection_address
from tf_emb.projector.selection import MAX_ROWS

if TYPE_CHECKING:
    from tf_emb.projector.callback import ProjectorCallback

__all__ = [
    "MAX_ROWS", "ProjectorCallback", "check_projection", "export_parquet", "log_epochs", "log_projection",
    "log_side_by_side", "plot_projection", "projection_address",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the callback when it is first used: it is a class of Keras."""
    if name == "ProjectorCallback":
        from tf_emb.projector.callback import ProjectorCallback

        return ProjectorCallback
    raise AttributeError(f"module 'tf_emb.projector' has no attribute {name!r}; it has {', '.join(__all__)}.")
