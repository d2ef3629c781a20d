"""All numbers of a training run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    noise: float = 120.0  # grey levels of noise on what the learner sees
    seconds: float = 0.0  # how long training takes
