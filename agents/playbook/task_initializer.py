"""Choose a minimal start from the size of the data, the device and the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.task_initializer import TEMPLATE_OF_TASK, Plan, Resources, build_protocol, check_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.profile import Profile
    from tasks.domain.request import Request
    from tasks.domain.spec import Spec

START_UP_SECONDS = 6.0
"""Imports, the first decoding and the last checkpoint, measured with 2 cores."""
TRAIN_PART = 0.7
"""Part of the images that is trained on."""
SHOWN_AT_64_PIXELS = 25_000
"""Images (repeats counted) that training from scratch must show at 64 x 64 pixels before a larger start pays; more for larger
images, with the power 1.5 of their side, and a quarter of it from pretrained weights."""
EPOCHS_FOR_LARGE = 10
"""Passes over the data that a start above 64 pixels needs as well: it would be cut off before it has learned."""
MAX_EPOCHS = 100
GPU_TFLOPS = {"cuda": 12.0, "mps": 1.5}
"""Sustained in training convolutional networks. From general knowledge, not measured here: published ResNet-50 training with
mixed precision runs at about 400 images/s on an NVIDIA T4, thus 400 x 24.5 GFLOP = 10 TFLOP/s, and at several times that on newer
GPUs; the low end is taken, as too small a start is soon mended by a round and too large a one is cut off by the budget."""
MAX_GPU_IMAGES_PER_SECOND = 4_000.0
"""However small the network: batches are prepared on the CPU."""
GPU_BYTES_PER_PIXEL = 900
"""Activations, gradients and workspace of a training step per pixel of input, an estimate: 22 GB for 512 images of 224 x 224."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A backbone with an image size, and what a training step costs."""

    backbone: str
    image_size: int
    gmacs: float
    """Multiply-adds of one forward pass at 224 x 224, in thousand millions; counted with torch's FlopCounterMode."""
    cpu_images_per_second: float
    """Training at 64 x 64 pixels in batches of 64 with two cores (AMD EPYC with AVX-512, torch 2.15, float32): measured for
    resnet10t, resnet18 and mobilenetv3_large_100, for the others reckoned from their multiply-adds."""

    def images_per_second(self, resources: Resources) -> float:
        """Return the training speed; cost grows with the number of pixels."""
        if resources.device == "cpu":
            # convolutions of small batches use further cores less and less well
            cores = min(resources.cpu_count, 2) / 2 + max(0, min(resources.cpu_count, 16) - 2) * 0.35
            return self.cpu_images_per_second * cores * (64 / self.image_size) ** 2
        flop = 6e9 * self.gmacs * (self.image_size / 224) ** 2  # 2 a multiply-add, and backward costs twice forward
        return min(MAX_GPU_IMAGES_PER_SECOND, GPU_TFLOPS[resources.device] * 1e12 / flop)


def _ladder(backbone: str, gmacs: float, cpu_images_per_second: float, *sizes: int) -> tuple[Start, ...]:
    return tuple(
        Start(backbone=backbone, image_size=size, gmacs=gmacs, cpu_images_per_second=cpu_images_per_second)
        for size in sizes
    )


FROM_SCRATCH = (
    *_ladder("resnet10t", 1.10, 450, 32, 64, 96),
    *_ladder("resnet18", 1.81, 330, 96, 128, 160),
    *_ladder("resnet34", 3.66, 180, 160, 192, 224),
)
"""Cheapest first. Plain convolutions learn most from few images, and deep or depthwise ones need longer than a round."""

FROM_WEIGHTS = (
    *_ladder("resnet10t", 1.10, 450, 96, 128),
    # thin convolutions: few multiplications, that a processor is slow at; measured at 96 pixels with 2 cores
    *_ladder("tf_efficientnet_lite0", 0.40, 225, 96, 128, 160, 224),
    *_ladder("tf_efficientnet_lite1", 0.62, 170, 128, 160, 224),
    *_ladder("tf_efficientnet_lite2", 0.90, 160, 128, 160, 224),
    *_ladder("mobilenetv3_large_100", 0.22, 620, 160, 224),
    *_ladder("resnet18", 1.81, 330, 128, 160, 224),
    *_ladder("resnet34", 3.66, 180, 160, 224),
    *_ladder("resnet50", 4.09, 100, 160, 224),
    *_ladder("convnext_tiny", 4.45, 60, 160, 224),
)
"""Best last, as ranked by accuracy on ImageNet (timm's results tables); used only where the weights are at hand."""


class PlaybookTaskInitializer:
    """Starts small and says why: the largest start that the budget lets see every image often enough."""

    def initialize(self, spec: Spec, profile: Profile, resources: Resources, *, request: Request) -> Plan:
        """Return the plan of a study.

        Raises:
            RequestOutOfScope: There is no template for this task.
        """
        check_template(spec)
        images = training_images(spec, profile)
        start, pretrained = choose_start(images, profile, resources)
        recipe = choose_recipe(start, images, resources, pretrained=pretrained)
        return Plan(
            template=TEMPLATE_OF_TASK[spec.task],
            recipe=recipe,
            protocol=build_protocol(spec, request=request, train_seconds=resources.train_seconds),
            notes=_notes(start, recipe, images, profile, resources, pretrained=pretrained),
        )


def training_images(spec: Spec, profile: Profile) -> int:
    """Return about how many images of the spec's classes there are to train on."""
    wanted = spec.class_of_label
    if profile.findings:
        images = max((item.present + item.absent for item in profile.findings if item.name in wanted), default=0)
    else:
        images = sum(item.images for item in profile.labels if item.label in wanted)
    return max(1, round(TRAIN_PART * images))


def choose_start(images: int, profile: Profile, resources: Resources) -> tuple[Start, bool]:
    """Return the last rung that the budget lets learn enough, and whether it starts from pretrained weights.

    Of two starts at the same speed the later rung is the better one. Images are not enlarged beyond their own size.
    """
    side = max(32, min(profile.width_median, profile.height_median) + 31)
    cached = [item for item in FROM_WEIGHTS if item.backbone in resources.cached_weights]
    for ladder, part in ((cached, 0.25), (FROM_SCRATCH, 1.0)):
        enough = [
            item for item in ladder if item.image_size <= side and _learns(item, images, resources, part_of_wanted=part)
        ]
        if enough:
            return enough[-1], ladder is cached
    return FROM_SCRATCH[0], False


def _learns(start: Start, images: int, resources: Resources, *, part_of_wanted: float) -> bool:
    epochs = epochs_in_budget(start, images, resources)
    wanted = part_of_wanted * SHOWN_AT_64_PIXELS * (start.image_size / 64) ** 1.5
    return epochs * images >= wanted and (start.image_size <= 64 or epochs >= part_of_wanted * EPOCHS_FOR_LARGE)


def epochs_in_budget(start: Start, images: int, resources: Resources) -> float:
    """Return how often all images can be seen within the budget."""
    seconds = max(1.0, resources.train_seconds - START_UP_SECONDS)
    return seconds * start.images_per_second(resources) / images


def choose_recipe(start: Start, images: int, resources: Resources, *, pretrained: bool) -> dict[str, object]:
    """Return the recipe's values; the optimiser is the same for all starts, its rate follows from weights and batch."""
    batch_size = _batch_size(start, images, resources)
    rate = 3e-4 if pretrained else 1e-3
    return {
        "backbone": start.backbone,
        "pretrained": pretrained,
        "image_size": start.image_size,
        "batch_size": batch_size,
        "epochs": max(1, min(MAX_EPOCHS, round(epochs_in_budget(start, images, resources) * 1.5))),
        # square root of the batch, the rule for Adam (Malladi et al., NeurIPS 2022), rounded to two digits
        "learning_rate": float(f"{rate * (batch_size / 64) ** 0.5:.2g}"),
    }


def _batch_size(start: Start, images: int, resources: Resources) -> int:
    """Return a power of two: small on the CPU, where steps are dear; larger on a GPU, as far as memory and data allow."""
    largest = 64 if resources.device == "cpu" else 256
    if resources.device != "cpu":
        memory = resources.gpu_memory_bytes or resources.memory_bytes // 2
        largest = min(largest, memory // (GPU_BYTES_PER_PIXEL * start.image_size**2))
    steps_an_epoch = 20  # fewer would be too few steps to learn from
    fitting = max(16, min(largest, images // steps_an_epoch))
    return 1 << (fitting.bit_length() - 1)


def _notes(
    start: Start,
    recipe: Mapping[str, object],
    images: int,
    profile: Profile,
    resources: Resources,
    *,
    pretrained: bool,
) -> tuple[str, ...]:
    """Return what was chosen and why, for the clinician."""
    epochs = epochs_in_budget(start, images, resources)
    if pretrained:
        weights = f"It starts from weights for {start.backbone} in the local cache, trained on everyday photographs (ImageNet)."
    elif resources.cached_weights:
        names = ", ".join(resources.cached_weights[:5])
        weights = (
            f"It starts from scratch, because the cached weights ({names}) are of no network that fits the budget."
        )
    else:
        weights = "It starts from scratch, because there are no pretrained weights in the local cache."
    size, device = start.image_size, _DEVICE_WORDS[resources.device]
    images_a_second = start.images_per_second(resources)
    return (
        f"The network is {start.backbone} on images of {size} x {size} pixels; yours are typically {profile.width_median} x {profile.height_median}.",
        weights,
        f"In {resources.train_seconds:.0f} seconds this {device} can show it each of about {images:,} training images {_times(epochs)} (an estimate: {images_a_second:,.0f} images a second).",
        f"It learns in steps of {recipe['batch_size']} images at a constant rate of {recipe['learning_rate']} (AdamW), with plain cross-entropy and no augmentation; the rounds improve on this.",
    )


_DEVICE_WORDS = {"cpu": "machine's processor", "cuda": "machine's GPU", "mps": "Mac's GPU"}


def _times(epochs: float) -> str:
    return "less than once" if epochs < 1 else "about once" if epochs < 1.5 else f"about {epochs:.0f} times"
