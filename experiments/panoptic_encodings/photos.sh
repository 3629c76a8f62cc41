#!/usr/bin/env bash
# The same question, asked of photos that lie on disk as Cityscapes does: photos.sh DIR [SETTING=VALUE...]. Keeps numbers
# and plots in results/NAME/, and leaves what shows photos in the run folders. After an interruption, start it again.
# Optional: NAME (that of DIR), ENCODINGS and DISCRIMINATORS ('oasis,panoptic'), SEEDS='range(0,3)', JOBS=2, RUNS=runs,
# SEGMENTER_EPOCHS=100.
set -euo pipefail
root=$(realpath "${1:?give the folder that holds leftImg8bit and gtFine}")
shift
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
name=${NAME:-$(basename "$root")}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_encodings/results/$name}
mkdir -p "$results"
export OMP_NUM_THREADS=1

# A few hundred photos are seen more than once: five times 367 are the 1,800 steps that run.sh takes.
settings=(experiment=study data=cityscapes data.root="'$root'" trainer.max_epochs=5 trainer.limit_train_batches=null "$@")

"$bin/oasis" train-segmenter "${settings[@]}" --epochs "${SEGMENTER_EPOCHS:-100}" --depth 4 --if-missing

"$bin/python" train.py -m "${settings[@]}" encoding="${ENCODINGS:-glob(*)}" discriminator="${DISCRIMINATORS:-oasis,panoptic}" \
    seed="${SEEDS:-range(0,3)}" hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs" name="$name"

"$bin/oasis" report "$runs/$name" -o "$runs/${name}_report"
cp "$runs/${name}_report"/{runs.csv,group_1_differences.png} "$results/"
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
BIN=$bin RUNS=$runs STUDY=$name RESULTS=$results experiments/panoptic_encodings/variety.sh
