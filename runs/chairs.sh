#!/usr/bin/env bash
# The chairs benchmark: 30 minutes of training on 2 cores, scored on chairs that neither folder shows.
# usage: runs/chairs.sh DATA OUT      DATA holds chairs/{train,val}; OUT is created
set -euo pipefail
data=$1 out=$2
shapecycle=${SHAPECYCLE:-.venv/bin/shapecycle}
mkdir -p "$out"
"$shapecycle" train --images "$data/chairs/train/images" --shapes "$data/chairs/train/shapes" \
  --out "$out/run" --minutes 30
"$shapecycle" evaluate "$out/run" --images "$data/chairs/val/images" --shapes "$data/chairs/val/shapes" \
  --cameras "$data/chairs/val/cameras.json" --training-shapes "$data/chairs/train/shapes" \
  --out "$out/metrics.json" --keep "$out/reconstructions"
"$shapecycle" render "$out/run" "$data/chairs/val/shapes" --samples 3 --seed 0 --out "$out/drawings"
"$shapecycle" generate "$out/run" --samples 8 --seed 0 --out "$out/new"
