"""All numbers of a training run, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    # Model
    backbone: str = "resnet10t"  # a name that timm.create_model knows
    pretrained: bool = True  # start from the weights in ROUNDS_WEIGHTS, if a file for this backbone lies there

    # Data
    image_size: int = 64  # pixels; images are resized to a square of this side
    batch_size: int = 64  # images in one step; halved by itself when memory runs out

    # Optimisation
    epochs: int = 30  # planned passes over the images; the budget clock may end the run earlier
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    seed: int = 0  # added to the seed of the study
