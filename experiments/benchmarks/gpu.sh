#!/usr/bin/env bash
# What a GPU is asked while there is one, in 8 minutes: do the tests pass, how fast are training, painting, encodings and
# models, and how far does a real training get? Downloads nothing. Before, on any CPU: TINY=1 DEVICE=cpu, in a minute.
# Settings, all optional: SECONDS_IN_ALL=480, OUT=experiments/benchmarks/results/gpu, DEVICE=cuda, TINY, PYTHON.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
tiny=()
if [[ ${TINY:-} ]]; then tiny=(--tiny); fi
if ! command -v "$python" >/dev/null; then
    echo "There is no $python: run make test once, or set PYTHON to a Python that has the project's packages." >&2
    exit 2
fi
export PYTORCH_NVML_BASED_CUDA_CHECK=1 # so that nothing touches the driver in a process that forks
exec "$python" -m experiments.benchmarks.gpu --seconds "${SECONDS_IN_ALL:-480}" --out "${OUT:-experiments/benchmarks/results/gpu}" \
    --device "${DEVICE:-cuda}" "${tiny[@]}"
