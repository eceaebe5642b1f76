#!/usr/bin/env bash
# The demo's cars, by images seen instead of minutes: what two versions can be compared by.
# usage: runs/cars.sh OUT IMAGES SEED      OUT is created; each run computes on one thread
set -euo pipefail
out=$1 images=$2 seed=$3
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=1
mkdir -p "$out"
pictures=$("$python" - "$out/shapes" <<'PYTHON'
import sys
from pathlib import Path
from shapecycle.demo.cars import write_shapes
from shapecycle.demo.world import cars_world
world = cars_world()
write_shapes(Path(sys.argv[1]), world.seeds)
print(world.pictures)
PYTHON
)
echo "model: {fov_y_degrees: 40.0}" > "$out/settings.yaml"
"$python" -m shapecycle train --images "$pictures/train/images" --shapes "$out/shapes" --out "$out/run" \
  --config "$out/settings.yaml" --total-images "$images" --seed "$seed"
"$python" -m shapecycle evaluate "$out/run" --images "$pictures/val/images" --shapes "$pictures/val/shapes" \
  --cameras "$pictures/val/cameras.json" --training-shapes "$out/shapes" --out "$out/metrics.json"
