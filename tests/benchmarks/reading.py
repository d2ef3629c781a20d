"""Print how long a large table takes to be read against a folder of images, and how much memory.

.venv/bin/python tests/benchmarks/reading.py [number of rows]
.venv/bin/python tests/benchmarks/reading.py TABLE FOLDER

Without a table and a folder, both are made: findings that can occur together, four images a patient, 1% of the images missing.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tasks.domain.request import ColumnRoles
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.table import read_table

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
FINDINGS = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")


def memory_mib():
    """Return the peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(folder, n_rows):
    """Write a table and its images, but for one image of a hundred, and return their paths."""
    random = np.random.default_rng(0)
    shown = random.random((n_rows, len(FINDINGS))) < 0.06
    lines = ["Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position"]
    images = folder / "images"
    for row in range(n_rows):
        labels = "|".join(name for name, is_shown in zip(FINDINGS, shown[row], strict=True) if is_shown) or "No Finding"
        lines.append(f"{row:08d}.png,{labels},{row // 4},{20 + row // 4 % 60},{'FM'[row // 4 % 2]},{'AP'[row % 2]}")
        if row % 100:
            place = images / f"{row // 1000:03d}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{row:08d}.png").write_bytes(PNG)
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table, images


def measure(table, images):
    before = memory_mib()
    start = time.perf_counter()
    read_table(table)
    parsed = time.perf_counter()
    manifest = read_labelled_table(table, images, ColumnRoles())
    done = time.perf_counter()
    print(f"{len(manifest.rows)} images of {len(manifest.rows) + len(manifest.quarantined)}, read as {manifest.kind}")
    print(f"cells of the table: {parsed - start:.2f} s")
    print(f"table and folder to manifest: {done - parsed:.2f} s")
    print(f"peak memory: {memory_mib():.0f} MiB, of which {before:.0f} MiB before")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            measure(*make(Path(scratch), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
