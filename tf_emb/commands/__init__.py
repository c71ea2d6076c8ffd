"""The commands of `tf-emb` that work on vectors, a file each. What a user can mend is raised as an error here."""

from tf_emb.commands.convert import convert
from tf_emb.commands.evaluate import evaluate
from tf_emb.commands.similar import similar

__all__ = ["convert", "evaluate", "similar"]
