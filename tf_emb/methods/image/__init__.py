"""Vectors of pictures: a small residual network, its losses, and random distortions."""

from tf_emb.methods.image.distortion import Distortion
from tf_emb.methods.image.network import (
    CosineLogits,
    ResidualBlock,
    image_network,
    image_vectors,
    supervised_contrastive,
    train_images,
)

__all__ = [
    "CosineLogits",
    "Distortion",
    "ResidualBlock",
    "image_network",
    "image_vectors",
    "supervised_contrastive",
    "train_images",
]
