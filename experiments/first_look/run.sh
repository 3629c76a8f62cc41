#!/usr/bin/env bash
# The whole of experiments/first_look: 40 minutes on two busy CPU cores. Two runs share the machine at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
runs=${RUNS:-runs/first_look}
export OMP_NUM_THREADS=1

train() { # encoding, then further settings
    [ -f "$runs/$1/checkpoints/last.ckpt" ] ||
        "$python" train.py experiment=first_look encoding="$1" paths.output_dir="$runs/$1" "${@:2}" >"$runs/$1.log" 2>&1
}

mkdir -p "$runs"
"$python" -c "from oasis.streets import SyntheticStreets; SyntheticStreets(600, 40, 0, 64, 128).write()"
train semantic & first=$!
train instance_ids
wait "$first"
train per_instance_masks encoding.slots=32 & first=$!
train boundary
wait "$first"
"$python" experiments/first_look/compare.py "$runs"/{semantic,instance_ids,per_instance_masks,boundary} \
    --output experiments/first_look/results
