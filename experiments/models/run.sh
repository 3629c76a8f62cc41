#!/usr/bin/env bash
# The whole comparison, from nothing to results/: 3 models x 2 encodings x 2 seeds. After an interruption, start it again:
# what is finished is skipped. Settings, all optional: MODELS, ENCODINGS, SEEDS, JOBS=2, RUNS=runs, RESULTS, and what
# train.py takes as arguments, such as trainer.max_epochs=4 for four times the budget.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/models/results}
mkdir -p "$results/variety"
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores

# The segmenter is trained once, on photos alone, and kept in the cache; that of the study of encodings is the same.
"$bin/oasis" train-segmenter experiment=models "$@" --epochs 8 --depth 4 --if-missing

"$bin/python" train.py -m experiment=models model="${MODELS:-oasis_small,spade_small,pix2pixhd_small}" \
    encoding="${ENCODINGS:-boundary,instance_noise}" seed="${SEEDS:-0,1}" \
    hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs" "$@"

# How different instances look, which no run has measured, added to the scores.
"$bin/python" -m experiments.panoptic_encodings.variety "$runs/models" --output "$runs/models_variety"
"$bin/oasis" report "$runs/models" -o "$runs/models_report" --gallery "$results/gallery.png" --every-arm
"$bin/oasis" report "$runs/models_variety/runs.csv" -o "$runs/models_variety/report"
cp "$runs/models_report/runs.csv" "$results/"
cp "$runs/models_variety/report/runs.csv" "$results/variety/"
for folder in "$results" "$results/variety"; do
    "$bin/python" -m experiments.panoptic_encodings.make_table --results "$folder"
done
