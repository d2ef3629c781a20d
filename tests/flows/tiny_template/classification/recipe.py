"""All numbers of a training run; those of the real template are here because the task initializer sets them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    noise: float = 120.0  # grey levels of noise on what the learner sees
    seconds: float = 0.0  # how long training takes
    backbone: str = "none"
    pretrained: bool = False
    image_size: int = 0
    batch_size: int = 0
    epochs: int = 0
    learning_rate: float = 0.0
    weight_decay: float = 0.0
