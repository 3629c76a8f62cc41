#!/usr/bin/env bash
# The published attempt's settings on the study's streets, with its encoding and with classes alone; then the same from
# larger first weights. run.sh calls it. After an interruption, start it again. Optional: JOBS=2, RUNS=runs, RESULTS.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_encodings/results}/attempt
mkdir -p "$results"
export OMP_NUM_THREADS=1
sweep=("$bin/python" train.py -m experiment=attempt_study encoding=semantic,instance_ids
    hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs")

"${sweep[@]}" 'seed=range(0,3)' "$@"
"${sweep[@]}" name=attempt_init 'seed=range(0,2)' generator.init_gain=1 discriminator.init_gain=1 "$@"

"$bin/oasis" report "$runs/attempt_study" "$runs/attempt_init" -o "$runs/attempt_report" --samples 3
cp "$runs/attempt_report/runs.csv" "$results/"
cp "$runs/attempt_report/group_1_samples_oasis_init_gain=0.02.png" "$results/published_first_weights.png"
cp "$runs/attempt_report/setting_2_samples_oasis_init_gain=1.png" "$results/larger_first_weights.png"
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
