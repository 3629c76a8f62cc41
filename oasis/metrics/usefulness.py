"""The names of what `oasis evaluate --train-on-fakes` measures, and their presentation."""

MEASURES = ("miou", "pq_things", "touching_recall")
"""The scores, on photos, of a segmenter that was trained on fakes; see `segmenter/...` of the same names."""

_ALONE = "A segmenter trained on these pictures alone, tested on photos"
_BOTH = "A segmenter trained on photos and these pictures, half and half, tested on photos"
# In the terminal there are no headings of groups, so that titles say what a segmenter was trained on.
_TITLES = {"miou": "mIoU", "pq_things": "PQ things", "touching_recall": "touching"}
_WHAT = {
    "miou": "Mean IoU on photos",
    "pq_things": "Panoptic quality of things on photos",
    "touching_recall": "Recall of touching instances on photos",
}
_HOW = (
    "Its training differs from the one on photos alone only in the pictures: label maps, their order, mirroring and "
    "steps are the same. ± is over the seeds of these trainings. Compare it with photos alone and with the untrained "
    "generator's pictures."
)

USEFULNESS = {
    **{
        f"usefulness/{m}": (f"Fakes: {_TITLES[m]}", f"{_WHAT[m]}, trained on fakes alone. {_HOW}", _ALONE)
        for m in MEASURES
    },
    **{
        f"usefulness_both/{m}": (f"Both: {_TITLES[m]}", f"{_WHAT[m]}, trained on both. {_HOW}", _BOTH) for m in MEASURES
    },
}
"""Metric -> its title, meaning and group; shares from 0 to 1, higher is better."""
