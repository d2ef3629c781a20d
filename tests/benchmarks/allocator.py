"""What it brings that a training process keeps the memory it has freed: images a second with the sandbox's setting and without.

Run as `python tests/benchmarks/allocator.py [BACKBONE] [BATCH] [SIZE ...]`. Each figure is a process of its own that trains on
noise with one thread; both are measured in turn, three times, and the ratio of the medians is printed. CPU seconds are counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from tasks.sandbox.surroundings import KEEP_MEMORY

STEPS = 4
REPETITIONS = 3
TRAINING = """
import resource, sys, time, timm, torch
backbone, batch, size, steps = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(1)
model = timm.create_model(backbone, num_classes=7).to(memory_format=torch.channels_last).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
images = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 7, (batch,))
def step():
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
step()
began = time.process_time()
for _ in range(steps):
    step()
print(steps * batch / (time.process_time() - began), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Measure and print."""
    backbone, batch, *sizes = [*sys.argv[1:], *("tf_efficientnet_lite0", "64")[len(sys.argv) - 1 :]]
    for size in sizes or ["96", "128", "160"]:
        figures: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for _ in range(REPETITIONS):
            for kept, seen in figures.items():
                seen.append(train(backbone, batch, size, kept=kept))
        given_back, kept = (_medians(figures[key]) for key in (False, True))
        print(
            f"{backbone} {size} px, batches of {batch}: kept {kept[0]:.1f} images a second, peak {kept[1]:.0f} MiB; "
            f"given back {given_back[0]:.1f}, {given_back[1]:.0f} MiB; ratio {kept[0] / given_back[0]:.2f}"
        )


def train(backbone: str, batch: str, size: str, *, kept: bool) -> tuple[float, float]:
    """Return images a CPU second and the peak of memory in MiB of one short training."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **(KEEP_MEMORY if kept else {})}
    command = [sys.executable, "-c", TRAINING, backbone, batch, size, str(STEPS)]
    rate, peak = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
    return float(rate), float(peak)


def _medians(seen: list[tuple[float, float]]) -> tuple[float, float]:
    rates, peaks = zip(*seen, strict=True)
    return statistics.median(rates), statistics.median(peaks)


if __name__ == "__main__":
    main()
