"""Diversity of several pictures of one label map, overall and per class."""

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from torchvision.models import AlexNet_Weights

from oasis.errors import UNREADABLE, ConfigurationError, MetricError, MissingWeightsError
from oasis.metrics.per_image import PerImage

_RADIUS = 5  # the window is 11 x 11
_SIGMA = 1.5
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_PAIRS_AT_ONCE = 4
_LUMINANCE_STABILIZER, _CONTRAST_STABILIZER = 0.01**2, 0.03**2  # for pictures in [0, 1]


class StructuralDistance(nn.Module):
    """1 - MS-SSIM: 0 for identical pictures, exactly, and at most 1.

    Five scales if the window fits into the coarsest (176 pixels or more along the shorter side), else as many as it
    fits into (64 pixels: 3), with their exponents scaled to the sum of all five. So values at different sizes are not
    comparable. Negative similarities count as 0. Equal to torchmetrics up to rounding.

    With d = x - y, the contrast and structure term is 1 - var(d) / (var(x) + var(y) + C2), and the luminance term
    1 - mean(d)^2 / (mean(x)^2 + mean(y)^2 + C1). In this form, equal regions contribute exactly 0, and the
    contribution of a small region is not lost to rounding. The window is applied by shifting and adding: several
    times as fast on a CPU as torchmetrics' 11 x 11 convolutions, and unaffected by autocast and TensorFloat-32, whose
    three digits are too few for variances.

    Source: Wang et al. 2003, equations 1-7.
    """

    def forward(self, image: Tensor, pairs: Tensor) -> Tensor:
        """Compare.

        Args:
            image: (N, 3, H, W) float in [-1, 1].
            pairs: (P, 2) int64, which pictures to compare.

        Returns:
            (P,) float32 in [0, 1].

        Raises:
            ConfigurationError: the pictures are smaller than the window.
        """
        levels = _levels(image)
        shifted = (image.float() + 1) / 2  # SSIM depends on the grey levels: black is 0
        # A few at a time: twice as fast if they fit into the cache, and memory does not grow with the pairs.
        parts = torch.split(pairs, _PAIRS_AT_ONCE)
        return torch.cat([_structural_loss(*shifted[part.T], levels=levels) for part in parts])


def _structural_loss(x: Tensor, y: Tensor, *, levels: int) -> Tensor:
    """1 - MS-SSIM of each pair: (P, 3, H, W) in [0, 1] twice to (P,)."""
    exponent = torch.zeros(len(x), device=x.device)
    for level, weight in enumerate(_SCALE_WEIGHTS[:levels], 1):
        loss = _loss_at_scale(x, y, last=level == levels)
        exponent += weight * torch.log1p(-loss.clamp(max=1))
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return -torch.expm1(exponent * (sum(_SCALE_WEIGHTS) / sum(_SCALE_WEIGHTS[:levels])))


def _levels(image: Tensor) -> int:
    shorter = min(image.shape[-2:])
    if shorter <= 2 * _RADIUS:
        raise ConfigurationError(
            f"pictures of {image.shape[-2]} x {image.shape[-1]} are smaller than the window of MS-SSIM, which is "
            f"{2 * _RADIUS + 1} pixels wide: raise data.height and data.width, or leave diversity out"
        )
    return min(len(_SCALE_WEIGHTS), int(math.log2(shorter / (2 * _RADIUS + 1))) + 1)


def _loss_at_scale(x: Tensor, y: Tensor, *, last: bool) -> Tensor:
    """1 - the mean similarity of each pair: (P, 3, H, W) in [0, 1] twice to (P,).

    Only the last scale has the luminance term; its borders are mirrored, those of the others are left out.
    """
    if last:
        x, y = (F.pad(picture, [_RADIUS] * 4, mode="reflect") for picture in (x, y))
    difference = x - y
    stacked = torch.cat([x, difference, x.square() + y.square(), difference.square()], dim=1)
    mean_x, mean_d, squares, squares_d = _windowed(stacked).chunk(4, dim=1)
    squared_means = mean_x.square() + (mean_x - mean_d).square()
    loss = (squares_d - mean_d.square()).clamp(min=0) / (squares - squared_means + _CONTRAST_STABILIZER)
    if last:
        luminance = mean_d.square() / (squared_means + _LUMINANCE_STABILIZER)
        loss = loss + luminance - loss * luminance
    return loss.mean(dim=(1, 2, 3))


def _windowed(maps: Tensor) -> Tensor:
    """Means under the Gaussian window, without padding: (N, C, H, W) to (N, C, H - 10, W - 10)."""
    bell = [math.exp(-(offset**2) / (2 * _SIGMA**2)) for offset in range(-_RADIUS, _RADIUS + 1)]
    for dim in (2, 3):
        length = maps.shape[dim] - 2 * _RADIUS
        total = maps.narrow(dim, 0, length) * (bell[0] / sum(bell))
        for start, weight in enumerate(bell[1:], 1):
            total.add_(maps.narrow(dim, start, length), alpha=weight / sum(bell))
        maps = total
    return maps


class LPIPSDistance(nn.Module):
    """LPIPS on AlexNet, as torchmetrics computes it: 0 for identical pictures.

    The linear heads come with torchmetrics. torchvision's ImageNet weights are read from torch.hub's cache, or
    downloaded to it.

    Source: Zhang et al. 2018, equation 1.

    Raises:
        MissingWeightsError: the AlexNet is not in the cache and cannot be downloaded, or its file is corrupt.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            # torchvision would unpickle any file in the cache: this reads it as tensors only.
            AlexNet_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True, weights_only=True)
            self.network = LearnedPerceptualImagePatchSimilarity(net_type="alex").net
        except (OSError, *UNREADABLE) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise MissingWeightsError(
                f"the AlexNet of LPIPS can be neither read from {torch.hub.get_dir()}/checkpoints nor downloaded "
                f"({reason}). Fetch {AlexNet_Weights.IMAGENET1K_V1.url} on a machine that reaches it, and put it "
                f"into that folder under its own name"
            ) from error

    def forward(self, image: Tensor, pairs: Tensor) -> Tensor:
        """Compare.

        Args:
            image: (N, 3, H, W) float in [-1, 1].
            pairs: (P, 2) int64, which pictures to compare.

        Returns:
            (P,) float32, 0 or above.
        """
        # torchmetrics' network would process a picture once for each of its pairs.
        with torch.autocast(image.device.type, enabled=False):
            distances = []
            features = self.network.net(self.network.scaling_layer(image.float()))
            for feature, head in zip(features, self.network.lins, strict=True):
                unit = feature / torch.sqrt(1e-8 + feature.square().sum(dim=1, keepdim=True))
                first, second = unit[pairs.T]
                distances.append(head((first - second).square()).mean(dim=(1, 2, 3)))
        return torch.stack(distances).sum(dim=0)

    def train(self, mode: bool = True) -> "LPIPSDistance":
        """Stays in eval mode: the heads have dropout."""
        return super().train(False)


class Diversity(PerImage):
    """The difference between several draws of one label map: 0 if they are all equal, higher is more diverse.

    One value per draw. Overall: its mean distance to all others, so that the mean of the values is that of all pairs.
    Per class: the distance between the draw, and the draw with the next one pasted into the class's region (the first
    one into the last), which is the contribution of the class to their difference. It is taken over the entire
    picture, so that a large class contributes more than a small one: compare a class between models, not classes with
    each other. A class's mean is over the images that have it; classes without images are left out.

    Args:
        class_names: names of the scored classes 0..K-1.
        lpips: the LPIPS distance; None = only MS-SSIM is reported.

    Source: Zhu et al. 2017 (BicycleGAN), section 4 (pairs of draws); Zhu et al. 2020 (GroupDNet), section 4.2
    (class-specific diversity).
    """

    def __init__(self, class_names: Sequence[str], lpips: LPIPSDistance | None = None) -> None:
        super().__init__()
        self.class_names = tuple(class_names)
        self.distances = nn.ModuleDict({"ms_ssim": StructuralDistance()})
        if lpips is not None:
            self.distances["lpips"] = lpips

    def update(self, index: Tensor, draws: Tensor, label: Tensor) -> None:
        """Measure some images.

        Args:
            index: (B,) int64, positions in the dataset.
            draws: (S, B, 3, H, W) float in [-1, 1], S >= 2 pictures of each label map.
            label: (B, H, W) int64 in 0..K, the scored classes; K = void.

        Raises:
            ConfigurationError: there are fewer than two draws, or the pictures are too small.
            MetricError: a picture has NaN or infinity.
        """
        if len(draws) < 2:
            raise ConfigurationError(f"diversity needs at least 2 draws of each label map, not {len(draws)}")
        broken = index[~torch.isfinite(draws).all(dim=4).all(dim=3).all(dim=2).all(dim=0)].tolist()
        if broken:
            raise MetricError(
                f"diversity: draws of the images at {broken[:8]} of the dataset hold NaN or infinity; did training "
                f"diverge? Evaluate an earlier checkpoint"
            )
        rows = [self._measure(draws[:, i], label[i]) for i in range(len(index))]
        if rows:
            self.keep(index, torch.stack(rows))

    def _measure(self, draws: Tensor, label: Tensor) -> Tensor:
        """One image: (S, 3, H, W), (H, W) to (distances, 1 + K, S) float32; NaN for absent classes."""
        count, scored = len(draws), len(self.class_names)
        present = torch.bincount(label.flatten(), minlength=scored)[:scored].nonzero().flatten()
        regions = (label == present.view(-1, 1, 1)).unsqueeze(1)
        # After the draws: for each class, each draw with the next one's region, in this order.
        pasted = torch.where(regions.unsqueeze(1), draws.roll(-1, 0), draws)
        pairs = [*itertools.combinations(range(count), 2)]
        own = [(i % count, count + i) for i in range(count * len(present))]
        values = draws.new_full((len(self.distances), 1 + scored, count), torch.nan, dtype=torch.float32)
        pictures = torch.cat([draws, pasted.flatten(0, 1)])
        for row, distance in zip(values, self.distances.values(), strict=True):
            measured = distance(pictures, torch.tensor(pairs + own, device=draws.device))
            for i in range(count):
                to_others = [measured[k] for k, pair in enumerate(pairs) if i in pair]
                row[0, i] = torch.stack(to_others).mean()
            row[1 + present] = measured[len(pairs) :].view(len(present), count)
        return values

    def compute(self) -> dict[str, tuple[float, ...]]:
        """The means over images, one for each draw.

        Returns:
            `diversity/ms_ssim`, `diversity/ms_ssim/car`, ...; and the same of `lpips` if given.

        Raises:
            MetricError: nothing was measured.
        """
        return dict(self._named(self.collected().cpu().double().nanmean(dim=0)))

    def _named(self, means: Tensor) -> Iterator[tuple[str, tuple[float, ...]]]:
        for name, row in zip(self.distances, means.tolist(), strict=True):
            yield f"diversity/{name}", tuple(row[0])
            for class_name, values in zip(self.class_names, row[1:], strict=True):
                if not math.isnan(values[0]):
                    yield f"diversity/{name}/{class_name}", tuple(values)
