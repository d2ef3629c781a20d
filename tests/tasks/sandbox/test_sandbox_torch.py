"""PyTorch, timm and data-loading workers really run inside the walls."""

from __future__ import annotations

from pathlib import Path

import pytest

PROGRAM = """
import os
import timm, torch, torchvision
from safetensors.torch import save_file
from torch.utils.data import DataLoader
from torchvision.transforms import v2
assert torch.get_num_threads() == 1
assert torch.ones(300, 300).matmul(torch.ones(300, 300)).sum() == 300**3
images = [v2.functional.horizontal_flip(torch.rand(3, 32, 32)) for _ in range(8)]
loader = DataLoader(images, batch_size=4, num_workers=2)
model = timm.create_model("resnet10t", num_classes=2)
for batch in loader: model(batch).sum().backward()
save_file(model.state_dict(), os.environ["ROUNDS_OUT"] + "/model.safetensors")
print("cuda" if torch.cuda.is_available() else "cpu", torch.__version__)
"""


@pytest.mark.slow
def test_a_small_network_trains_and_saves(walled_bench):
    done = walled_bench.run(PROGRAM, cpus=1, wall_seconds=300)
    assert done.ok, walled_bench.log
    assert "\ncpu " in f"\n{walled_bench.log}"
    assert (walled_bench.out / "model.safetensors").stat().st_size > 10**6


@pytest.mark.gpu
@pytest.mark.skipif(not Path("/dev/nvidia0").exists(), reason="this machine has no NVIDIA GPU")
def test_a_job_gets_the_gpu_that_it_was_given(walled_bench):
    done = walled_bench.run(PROGRAM, cpus=1, wall_seconds=300, gpus=("0",))
    assert done.ok, walled_bench.log
    assert walled_bench.log.startswith("cuda ")
