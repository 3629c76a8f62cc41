#!/usr/bin/env bash
# Where stripes come from: each variant trained alike, and measured. After an interruption, start it again: what is
# finished is skipped. Settings, all optional: VARIANTS='published both', RUNS=runs, RESULTS, BATCHES=500 (per epoch of
# two), SEED=0, and what train.py takes as arguments. DRY=1 only prints what would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/stripes/results}
export OMP_NUM_THREADS=1

declare -A settings=(
    [published]="generator.upsampling=nearest generator.texture_noise=false"
    [bilinear]="generator.upsampling=bilinear generator.texture_noise=false"
    [texture_noise]="generator.upsampling=nearest generator.texture_noise=true"
    [both]="generator.upsampling=bilinear generator.texture_noise=true"
    [both_without_label_mix]="generator.upsampling=bilinear generator.texture_noise=true objective.label_mix_weight=0"
    [both_with_decay]="generator.upsampling=bilinear generator.texture_noise=true schedule=linear_decay schedule.epochs=1"
    [aware]="generator/panoptic=aware generator.texture_noise=false"
    [aware_texture_noise]="generator/panoptic=aware generator.texture_noise=true"
)
all=(published bilinear texture_noise both both_without_label_mix both_with_decay aware aware_texture_noise)
read -ra variants <<<"${VARIANTS:-${all[*]}}"
folders=()
for variant in "${variants[@]}"; do
    if [[ ! -v settings[$variant] ]]; then
        echo "VARIANTS: no variant $variant; there are: ${all[*]}" >&2
        exit 1
    fi
    folders+=("$runs/stripes/$variant")
done
train() {
    read -ra own <<<"${settings[$1]}"
    "$bin/oasis" train experiment=demo name=stripes paths.output_dir="$runs/stripes/$1" resume=auto seed="${SEED:-0}" \
        trainer.max_epochs=2 trainer.limit_train_batches="${BATCHES:-500}" trainer.check_val_every_n_epoch=2 \
        "${own[@]}" "${@:2}"
}
if [[ ${DRY:-} ]]; then
    for variant in "${variants[@]}"; do echo "$variant: ${settings[$variant]}"; done
    exit
fi

"$bin/oasis" train-segmenter experiment=demo --epochs 14 --depth 4 --if-missing
for variant in "${variants[@]}"; do train "$variant" "$@"; done
mkdir -p "$results"
"$bin/python" -m experiments.stripes.measure "${folders[@]}" --output "$results/stripes.csv" --grid "$results/pictures.png"
"$bin/oasis" report "$runs/stripes" -o "$runs/stripes_report"
cp "$runs/stripes_report/runs.csv" "$results/"
