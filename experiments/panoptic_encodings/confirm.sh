#!/usr/bin/env bash
# Hypothesis 5 was made up after looking at the study's pictures: the same test on seeds that nobody has looked at. Needs
# the segmenter that run.sh trains. After an interruption, start it again. Optional: JOBS=2, RUNS=runs, RESULTS.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_encodings/results}/confirmation
mkdir -p "$results"
export OMP_NUM_THREADS=1

"$bin/python" train.py -m experiment=study name=study_confirmation encoding=semantic,instance_ids,instance_noise 'seed=range(3,8)' \
    hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs" "$@"

"$bin/oasis" report "$runs/study_confirmation" -o "$runs/study_confirmation_report"
cp "$runs/study_confirmation_report"/{runs.csv,group_1_differences.png} "$results/"
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
