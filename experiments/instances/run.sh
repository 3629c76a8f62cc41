#!/usr/bin/env bash
# The whole first look, from nothing to results/: every arm of conf/experiment/instances/ with 2 seeds. After an
# interruption, start it again: what is finished is skipped. Settings, all optional: ARMS='semantic inade' (names of those
# files), SEEDS=0,1, PHOTOS=1800, JOBS=2, RUNS=runs, RESULTS, BACKBONE_WEIGHTS=convnext_tiny.pth, and what train.py takes as
# arguments. DRY=1 only prints what would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/instances/results}
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores

read -ra chosen <<<"${ARMS:-$(basename -s .yaml conf/experiment/instances/*.yaml | tr '\n' ' ')}"
arms=()
for arm in "${chosen[@]}"; do
    if [[ ! -f conf/experiment/instances/$arm.yaml ]]; then
        echo "ARMS: no arm $arm; there are: $(basename -s .yaml conf/experiment/instances/*.yaml | tr '\n' ' ')" >&2
        exit 1
    fi
    if [[ $arm == discriminator_pretrained ]]; then
        weights=${BACKBONE_WEIGHTS:-$("$bin/python" -m experiments.instances.backbone_weights)}
        if [[ ! -f $weights ]]; then
            echo "Left out: $arm, since $weights is missing. Fetch it, or set BACKBONE_WEIGHTS to the file." >&2
            continue
        fi
    fi
    arms+=("instances/$arm")
done
if ((${#arms[@]} == 0)); then
    echo "No arm is left to be trained." >&2
    exit 1
fi
settings=(trainer.limit_train_batches="${PHOTOS:-1800}" paths.runs="$runs" "$@")
sweep=(-m experiment="$(IFS=,; echo "${arms[*]}")" seed="${SEEDS:-0,1}" hydra/launcher=parallel
    hydra.launcher.n_jobs="${JOBS:-2}" hydra.sweep.dir="$runs" "${settings[@]}")
if [[ ${DRY:-} ]]; then
    printf '%s\n' "${sweep[@]}"
    exit
fi

# The segmenter is trained once, on photos alone, and kept in the cache; that of the study of encodings is the same.
"$bin/oasis" train-segmenter experiment=instances "${settings[@]}" --epochs 8 --depth 4 --if-missing
"$bin/python" train.py "${sweep[@]}"

# How different instances look, which no run has measured, added to the scores.
mkdir -p "$results/variety"
"$bin/python" -m experiments.panoptic_encodings.variety "$runs/instances" --output "$runs/instances_variety"
"$bin/oasis" report "$runs/instances" -o "$runs/instances_report" --gallery "$results/gallery.png" --every-arm
"$bin/oasis" report "$runs/instances_variety/runs.csv" -o "$runs/instances_variety/report"
cp "$runs/instances_report/runs.csv" "$results/"
cp "$runs/instances_variety/report/runs.csv" "$results/variety/"
against=()
for arm in semantic instance_noise; do
    if [[ " ${arms[*]} " == *" instances/$arm "* ]]; then against+=("$arm"); fi
done
for folder in "$results" "$results/variety"; do
    "$bin/python" -m experiments.panoptic_encodings.make_table --results "$folder" --against "${against[@]}"
done
