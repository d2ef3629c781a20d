"""How many planted hazards the investigation finds, and how often it warns of nothing.

Run as `python tests/benchmarks/hazards.py [--seeds 2] [--only KIND] [--clean-only] [--verbose]`, about twelve minutes. Clean data
of many shapes are written as folders (classes, findings, boxes; with and without patients, sites and dates; 60 to 2,000
images) in which all columns are independent of the labels; then hazards are planted, each at several strengths. All are read
and investigated as `rounds investigate FOLDER` does. Printed are a table (hazard, planted and found, false alarms on clean
data) and, last, one line of JSON. What is true of small data, such as a label of few images, is no false alarm.

The clean data are drawn in `hazards/clean_data.py`, the hazards planted in `hazards/planting.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The benchmark's modules lie in a folder of the same name beside this file; the packages lie two folders up.
sys.path[:1] = [str(Path(__file__).parent / "hazards"), str(Path(__file__).resolve().parents[2])]

from hazard_drill import main  # noqa: E402  found in the folder named above

if __name__ == "__main__":
    main()
