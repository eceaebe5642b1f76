#!/usr/bin/env bash
# The chairs benchmark: training on 2 cores, scored on chairs that neither folder shows.
# usage: runs/chairs.sh DATA OUT [MINUTES]      DATA holds chairs/{train,val}; OUT is created; 30 minutes by default
set -euo pipefail
data=$1 out=$2 minutes=${3:-30}
shapecycle=${SHAPECYCLE:-.venv/bin/shapecycle}
mkdir -p "$out"
"$shapecycle" train --images "$data/chairs/train/images" --shapes "$data/chairs/train/shapes" \
  --out "$out/run" --minutes "$minutes"
"$shapecycle" evaluate "$out/run" --images "$data/chairs/val/images" --shapes "$data/chairs/val/shapes" \
  --cameras "$data/chairs/val/cameras.json" --training-shapes "$data/chairs/train/shapes" \
  --out "$out/metrics.json" --keep "$out/reconstructions"
"$shapecycle" render "$out/run" "$data/chairs/val/shapes" --samples 3 --seed 0 --out "$out/drawings"
"$shapecycle" generate "$out/run" --samples 8 --seed 0 --out "$out/new"
