#!/usr/bin/env bash
# What the study's runs paint, measured once more: do instances look different, and draws? run.sh and photos.sh call it;
# nine minutes on one CPU core. After an interruption, start it again. Optional: RUNS=runs, STUDY=study, RESULTS.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
study=${STUDY:-study}
results=${RESULTS:-experiments/panoptic_encodings/results}/variety
mkdir -p "$results"

"$bin/python" -m experiments.panoptic_encodings.variety "$runs/$study" --output "$runs/${study}_variety"
"$bin/oasis" report "$runs/${study}_variety/runs.csv" -o "$runs/${study}_variety/report"
cp "$runs/${study}_variety/report"/{runs.csv,group_1_differences*.png} "$results/"
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
