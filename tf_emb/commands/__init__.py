"""The commands of `tf-emb` a file each. What a user can mend is raised as an error here."""

from tf_emb.commands.convert import convert
from tf_emb.commands.evaluate import evaluate
from tf_emb.commands.graph import graph
from tf_emb.commands.similar import similar
from tf_emb.commands.train import train

__all__ = ["convert", "evaluate", "graph", "similar", "train"]
