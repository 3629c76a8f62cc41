#!/usr/bin/env bash
# The whole study, from nothing to results/: 9 encodings x 2 discriminators x 3 seeds, and what was asked next. After an
# interruption, start it again: what is finished is skipped. Settings, all optional: ENCODINGS='glob(*)',
# SEEDS='range(0,3)', JOBS=2, RUNS=runs, RESULTS, and what train.py takes as arguments, such as trainer.max_epochs=4 for
# four times the budget (and what conf/experiment/attempt_study.yaml knows, too: the last section is given it). On
# photos: photos.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_encodings/results}
mkdir -p "$results"
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores

# The segmenter is trained once, on photos alone, and kept in the cache.
"$bin/oasis" train-segmenter experiment=study "$@" --epochs 8 --depth 4 --if-missing

"$bin/python" train.py -m experiment=study encoding="${ENCODINGS:-glob(*)}" discriminator=oasis,panoptic seed="${SEEDS:-range(0,3)}" \
    hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs" "$@"

"$bin/oasis" report "$runs/study" -o "$runs/study_report" --gallery "$results/gallery.png"
cp "$runs/study_report/runs.csv" "$runs/study_report"/group_1_{differences_together,differences,samples_oasis,samples_panoptic}.png "$results/"
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
"$bin/python" -m experiments.panoptic_encodings.dissect --output "$results"
export JOBS=${JOBS:-2} RUNS=$runs RESULTS=$results
experiments/panoptic_encodings/variety.sh
experiments/panoptic_encodings/confirm.sh "$@"
experiments/panoptic_encodings/attempt.sh "$@"
