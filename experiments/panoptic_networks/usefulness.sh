#!/usr/bin/env bash
# Are the pictures of use? Segmenters trained on those of each arm's generators, tested on photos; then their table.
# After an interruption, start it again: finished trainings are in the cache. It needs the checkpoints of the confirmation.
# Settings, all optional: ARM=combination (compared with semantic), SEEDS='0 1 2', STEPS=1000 of each segmenter,
# SEGMENTERS=2 of each kind, RUNS=runs, RESULTS. DRY=1 only prints what would be evaluated.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_networks/results}/usefulness
arm=${ARM:-combination}

for seed in ${SEEDS:-0 1 2}; do
    for name in semantic "$arm"; do
        output=$runs/panoptic_networks_usefulness/$name/seed_$seed
        command=(evaluate "$runs/panoptic_networks/$name/seed_$seed" --train-on-fakes --fakes-steps "${STEPS:-1000}"
            --fakes-seeds "${SEGMENTERS:-2}" --output "$output" metrics=none --diversity-images 0 "$@")
        if [[ ${DRY:-} ]]; then
            echo "${command[*]}"
            continue
        fi
        "$bin/oasis" "${command[@]}"
        mkdir -p "$results/$name"
        cp "$output/usefulness.json" "$results/$name/seed_$seed.json"
    done
done
if [[ ! ${DRY:-} ]]; then "$bin/python" -m experiments.panoptic_networks.usefulness "$arm" --folder "$results"; fi
