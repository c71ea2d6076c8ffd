"""Groups of cases, as the tables of the documentation show them. A new case falls into one by where its file lies."""

from collections.abc import Mapping
from typing import NamedTuple

import compare.cases
from tf_emb.parity.suite import subjects


class Group(NamedTuple):
    """A row of the README's table and a section of docs/results.md.

    Attributes:
        title: in English and in Chinese.
        claim: what is claimed in a few words, in English and in Chinese.
        subjects: modules and packages in compare/cases; the longest name that a case lies in decides.
    """

    title: tuple[str, str]
    claim: tuple[str, str]
    subjects: tuple[str, ...]


GROUPS = (
    Group(("Embedding layers", "嵌入层"),
          ("rows, padding, norms, frequencies, ids out of range: `torch.nn.Embedding`'s",
           "取行、填充、范数、频率缩放、越界 id 与 `torch.nn.Embedding` 一致"), ("layers",)),
    Group(("Bags", "嵌入袋"),
          ("sums, means, maxima, weights: `torch.nn.EmbeddingBag`'s",
           "求和、平均、最大、权重与 `torch.nn.EmbeddingBag` 一致"), ("layers.embedding_bag",)),
    Group(("Softmaxes", "softmax"),
          ("full, hierarchical and sampled: probabilities, losses, gradients; the functions below them",
           "完整、分层、采样的概率、损失和梯度,以及所用的初等函数"),
          ("layers.bigram", "layers.functions", "layers.hierarchical", "layers.negative_sampling")),
    Group(("Optimizers", "优化器"),
          ("every rule, default, schedule and clipping, as each library defines it",
           "每条更新规则、默认值、学习率计划和梯度裁剪,都如各库所定义"), ("optimizers",)),
    Group(("Trajectories", "训练轨迹"),
          ("1,000 steps of a table and its optimizer's state, step by step and in free run",
           "表和优化器状态的 1000 步,逐步与连续运行"), ("optimizers.trajectories",)),
    Group(("word2vec, by blocks", "word2vec(分块)"),
          ("a step of the fast trainer: loss, gradients, tables",
           "快速训练器的一步:损失、梯度、表"), ("word2vec.block",)),
    Group(("word2vec, exact", "word2vec(精确)"),
          ("whole trainings, example by example; held-out losses",
           "逐例进行的完整训练;留出集上的损失"), ("word2vec",)),
    Group(("word2vec, gensim's", "word2vec(gensim)"),
          ("gensim's own trainings, replayed draw for draw",
           "逐次抽样地重现 gensim 自己的训练"), ("word2vec.gensim",)),
    Group(("Words and texts", "词与文本"),
          ("encodings, n-grams, GloVe, a text encoder, kernel features, measures of vectors",
           "编码、n 元模型、GloVe、文本编码器、核特征、向量的度量"), ("methods",)),
    Group(("Graphs", "图"),
          ("random walks; whole graphs by subtrees, closed walks and counts",
           "随机游走;以子树、闭合游走和计数嵌入整图"), ("methods.walks", "methods.whole_graph")),
    Group(("Images and autoencoders", "图像与自编码器"),
          ("a residual network, its losses, linear autoencoders and PCA",
           "残差网络及其损失、线性自编码器与 PCA"), ("methods.image", "methods.autoencoder")),
    Group(("Frameworks", "框架"),
          ("where a framework computes something else: exactly the declared difference",
           "框架的计算有所不同之处:差异与声明完全一致"), ("frameworks",)),
)  # fmt: skip


def grouped() -> dict[Group, list[str]]:
    """Return the names of the cases in each group."""
    found: dict[Group, list[str]] = {group: [] for group in GROUPS}
    for module in subjects(compare.cases):
        found[home(module.__name__.removeprefix("compare.cases."))] += [case.name for case in module.CASES]
    return found


def home(subject: str) -> Group:
    """Return the group of the cases that `subject`, a module below compare.cases, defines.

    Raises:
        ValueError: it lies in no group: its folder is new.
    """
    claimed: Mapping[str, Group] = {name: group for group in GROUPS for name in group.subjects}
    parts = subject.split(".")
    for i in range(len(parts), 0, -1):
        if (name := ".".join(parts[:i])) in claimed:
            return claimed[name]
    raise ValueError(f"`GROUPS` in compare/docs/groups.py must name every folder; it lacks {parts[0]}. Add it.")
