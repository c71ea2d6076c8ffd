"""Files: compressed ones, those that appear only when they are complete, outputs checked before work, text shown."""

from tf_emb.files.compressed import COMPRESSED, check_compressor, opened
from tf_emb.files.outputs import check_folder, check_output
from tf_emb.files.shown import printable
from tf_emb.files.whole import appearing, locked, scratch

__all__ = [
    "COMPRESSED",
    "appearing",
    "check_compressor",
    "check_folder",
    "check_output",
    "locked",
    "opened",
    "printable",
    "scratch",
]
