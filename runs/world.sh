#!/usr/bin/env bash
# A procedural world, by images seen instead of minutes: what two versions can be compared by.
# usage: runs/world.sh cars OUT IMAGES SEED [OPTIONS...]
#        runs/world.sh chairs OUT IMAGES SEED PICTURES [OPTIONS...]
# OUT is created; PICTURES is what runs/render_demo_pictures.py --world chairs wrote; options go to
# `shapecycle train`. Each run computes on one thread.
set -euo pipefail
world=$1 out=$2 images=$3 seed=$4
shift 4
pictures=
if [ "$world" = chairs ]; then pictures=$1; shift; fi
python=${PYTHON:-.venv/bin/python}
export OMP_NUM_THREADS=1
mkdir -p "$out"
pictures=$("$python" - "$world" "$out/shapes" "$pictures" <<'PYTHON'
import sys
from pathlib import Path
from shapecycle.demo.world import cars_world, chairs_world
name, shapes, pictures = sys.argv[1:]
world = chairs_world(Path(pictures)) if name == "chairs" else cars_world()
world.write_shapes(Path(shapes), world.seeds)
print(world.pictures)
PYTHON
)
echo "model: {fov_y_degrees: 40.0}" > "$out/settings.yaml"
"$python" -m shapecycle train --images "$pictures/train/images" --shapes "$out/shapes" --out "$out/run" \
  --config "$out/settings.yaml" --total-images "$images" --seed "$seed" "$@"
"$python" -m shapecycle evaluate "$out/run" --images "$pictures/val/images" --shapes "$pictures/val/shapes" \
  --cameras "$pictures/val/cameras.json" --training-shapes "$out/shapes" --out "$out/metrics.json"
