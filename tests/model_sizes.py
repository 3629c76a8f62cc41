"""Every model of conf/model, made so small that it trains within a second."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

CONF = Path(__file__).parents[1] / "conf"
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem != "base")
FAMILIES = [name for name in MODELS if not name.endswith(("_small", "_tiny"))]  # the others are these, smaller
OF_OASIS = (
    "generator.channels=2",
    "generator.spade_channels=4",
    "generator.noise_dim=4",
    "generator.num_blocks=2",
    "discriminator.channels=4",
    "discriminator.num_blocks=2",
)
# A network has those of these settings that its yaml has; without noise it stays without.
_SIZES = {"channels": 2, "spade_channels": 4, "noise_dim": 4, "num_blocks": 2, "num_halvings": 2, "num_local_blocks": 1}
_DISCRIMINATOR = {"channels": 4}


def fitted(overrides: Sequence[str]) -> list[str]:
    """The overrides, with sizes that the networks of their `model=` have instead of those of OASIS."""
    chosen = [each for each in overrides if each.split("=")[0] in ("model", "generator", "discriminator")]
    if not any(each.startswith("model=") for each in chosen):
        return list(overrides)
    # First, so that a test can set others.
    return [*sizes(*chosen), *(each for each in overrides if each not in OF_OASIS)]


@cache
def sizes(*chosen: str) -> tuple[str, ...]:
    """Overrides that make every network small that is composed by choices such as `model=spade`."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = OmegaConf.to_container(compose("train", overrides=list(chosen)))
    assert isinstance(cfg, dict)
    return tuple(
        f"{name}.{key}={value}"
        for name, node in cfg.items()
        if isinstance(node, dict) and str(node.get("_target_")).startswith("oasis.models.")
        for key, value in (_SIZES | (_DISCRIMINATOR if name == "discriminator" else {})).items()
        if node.get(key)
    )
