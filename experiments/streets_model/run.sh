#!/usr/bin/env bash
# The bundled model, from nothing to oasis/bundled/streets.safetensors and results/. After an
# interruption, start it again: it goes on. Settings, all optional: EPOCHS=8, BATCHES=2000 (an epoch), RUNS=runs, RESULTS,
# MODEL, and what train.py takes as arguments. DRY=1 only prints what would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
run=$runs/streets_model
results=${RESULTS:-experiments/streets_model/results}
model=${MODEL:-oasis/bundled/streets.safetensors}
settings=(experiment=streets_model trainer.max_epochs="${EPOCHS:-8}" trainer.limit_train_batches="${BATCHES:-2000}" "$@")
if [[ ${DRY:-} ]]; then
    printf '%s\n' "${settings[@]}"
    exit
fi

"$bin/oasis" train "${settings[@]}" paths.output_dir="$run" resume=auto
"$bin/oasis" export "$run" --output "$model" --half --force
chmod 644 "$model"
mkdir -p "$results"
"$bin/oasis" generate "$model" docs/maps --output "$runs/streets_model_pictures" --samples 2 --force
cp "$runs/streets_model_pictures/contact_sheet.png" "$results/pictures.png"

# Scores beside photos and the untrained baseline, by a segmenter of the same streets, those of data=synthetic.
"$bin/oasis" train-segmenter experiment=streets_model --epochs 4 --depth 4 --if-missing
"$bin/oasis" evaluate "$model" data=synthetic segmenter=unet metrics=none --output "$runs/streets_model_scores"
cp "$runs/streets_model_scores/results.csv" "$results/"
