#!/usr/bin/env bash
# SPADE and pix2pixHD with the means that helped OASIS: every arm of conf/experiment/panoptic_models/ with 2 seeds. After
# an interruption, start it again: what is finished is skipped. Settings, all optional: SEEDS=0,1, PHOTOS=1800, JOBS=2,
# RUNS=runs, RESULTS, and what train.py takes as arguments. DRY=1 only prints what would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_networks/results}/models
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores

arms=(conf/experiment/panoptic_models/*.yaml)
arms=("${arms[@]#conf/experiment/}")
settings=(trainer.limit_train_batches="${PHOTOS:-1800}" paths.runs="$runs" "$@")
sweep=(-m experiment="$(IFS=,; echo "${arms[*]%.yaml}")" seed="${SEEDS:-0,1}" hydra/launcher=parallel
    hydra.launcher.n_jobs="${JOBS:-2}" hydra.sweep.dir="$runs" "${settings[@]}")
if [[ ${DRY:-} ]]; then
    printf '%s\n' "${sweep[@]}"
    exit
fi

"$bin/python" train.py "${sweep[@]}"
for model in spade pix2pixhd; do # each on its own: only runs of one model differ in nothing but what they are shown
    mkdir -p "$results/$model"
    "$bin/oasis" report "$runs/panoptic_models/${model}_"* -o "$runs/panoptic_models_report/$model" --gallery "$results/$model/gallery.png" --every-arm
    cp "$runs/panoptic_models_report/$model/runs.csv" "$results/$model/"
    "$bin/python" -m experiments.panoptic_encodings.make_table --results "$results/$model" --against semantic
done
