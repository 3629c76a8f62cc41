#!/usr/bin/env bash
# The published attempt on the study's streets, with and without each of three suspects: instance numbers in the map, class
# weights from that map, small first weights. Six of the eight combinations are trained: without numbers, the weights are
# the same either way. run.sh calls it. After an interruption, start it again: what is finished is skipped. Settings, all
# optional: SEEDS='range(0,3)', JOBS=2, RUNS=runs, RESULTS, and what train.py takes as arguments. DRY=1 only prints what
# would be trained.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
runs=${RUNS:-runs}
results=${RESULTS:-experiments/panoptic_encodings/results}/attempt
export OMP_NUM_THREADS=1 # one thread a run, and as many runs at a time as there are cores
sweep=(-m experiment=attempt_study generator.init_gain=0.02,1 seed="${SEEDS:-range(0,3)}" hydra/launcher=parallel
    hydra.launcher.n_jobs="${JOBS:-2}" paths.runs="$runs")
classes=("${sweep[@]}" encoding=semantic objective/weights_from=label "$@")
numbers=("${sweep[@]}" encoding=instance_ids objective/weights_from=label,encoded_map "$@")
if [[ ${DRY:-} ]]; then
    printf '%s\n' "${classes[*]}" "${numbers[*]}"
    exit
fi

# The segmenter is trained once, on photos alone, and kept in the cache; that of the study of encodings is the same.
"$bin/oasis" train-segmenter experiment=study "$@" --epochs 8 --depth 4 --if-missing
"$bin/python" train.py "${classes[@]}"
"$bin/python" train.py "${numbers[@]}"

"$bin/oasis" report "$runs/attempt_study" -o "$runs/attempt_report" --samples 3
mkdir -p "$results"
cp "$runs/attempt_report/runs.csv" "$results/"
for gain in 0.02:published 1:larger; do
    pictures=group_?_samples_oasis_init_gain=${gain%:*}_oasis
    cp "$runs/attempt_report/"$pictures.png "$results/${gain#*:}_first_weights.png"
    cp "$runs/attempt_report/"${pictures}_weights_from=encoded_map.png "$results/${gain#*:}_first_weights_leaked.png"
done
"$bin/python" -m experiments.panoptic_encodings.make_table --results "$results"
"$bin/python" -m experiments.panoptic_encodings.suspects --results "$results"
