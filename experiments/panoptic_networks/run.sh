#!/usr/bin/env bash
# One stage of the experiment: STAGE=pilot, and then how many seeds are needed; STAGE=confirmation, and then its table.
# After an interruption, or on another machine with the stage's runs.csv, start it again: what is finished is skipped.
# Settings, all optional: ARMS='semantic inade', SEEDS='0 1' (of the stage), JOBS=2, RUNS=runs, RESULTS, and what train.py
# takes as arguments. DRY=1 only prints what would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
stage=${STAGE:-pilot}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_networks/results}
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores

read -ra arms <<<"${ARMS:-}"
read -ra seeds <<<"${SEEDS:-}"
plan=(-m experiments.panoptic_networks.plan "$stage" --results "$results" --arms "${arms[@]}" --seeds "${seeds[@]}")
left=$("$bin/python" "${plan[@]}")
mapfile -t sweeps < <(printf '%s' "$left")
settings=(paths.runs="$runs" "$@")
parallel=(hydra/launcher=parallel hydra.launcher.n_jobs="${JOBS:-2}" hydra.sweep.dir="$runs")
if [[ ${DRY:-} ]]; then
    for sweep in "${sweeps[@]}"; do echo "-m $sweep ${parallel[*]} ${settings[*]}"; done
    exit
fi

if ((${#sweeps[@]})); then
    # The segmenter was trained once, on photos alone, and comes with the experiment: with another one, scores differ.
    "$bin/oasis" train-segmenter experiment=panoptic_networks "${settings[@]}" --epochs 8 --depth 4 --if-missing \
        --output experiments/panoptic_networks/segmenter.pt
    failed=0 # one seed that fails does not keep the others from being trained
    for sweep in "${sweeps[@]}"; do
        read -ra words <<<"$sweep"
        if "$bin/python" train.py -m "${words[@]}" "${parallel[@]}" "${settings[@]}" </dev/null; then
            "$bin/python" -m experiments.panoptic_networks.collect "$runs/panoptic_networks" "$stage" --results "$results"
        else
            failed=1
        fi
    done
    if ((failed)); then exit 1; fi
fi

left=$("$bin/python" -m experiments.panoptic_networks.plan "$stage" --results "$results")
if [[ $left ]]; then
    echo "Not finished, still to be trained: $left"
elif [[ $stage == pilot ]]; then
    "$bin/python" -m experiments.panoptic_networks.power --pilot "$results/pilot/runs.csv" | tee "$results/pilot/power.md"
else
    "$bin/python" -m experiments.panoptic_networks.analysis --results "$results"
fi

if [[ $stage != pilot && -d $runs/panoptic_networks/semantic/seed_0 ]]; then
    # On the machine that trained seed 0: the streets are chosen by their label maps, the seed by its number.
    "$bin/oasis" report "$runs"/panoptic_networks/*/seed_0 -o "$runs/panoptic_networks_report" --gallery "$results/gallery.png" --every-arm
fi
