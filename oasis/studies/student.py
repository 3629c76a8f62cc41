"""Student's t distribution for whole degrees of freedom, in closed form, so that no scipy is needed."""

import math

_HALVINGS = 100  # of an angle: far more than the bits of a double


def central_probability(t: float, degrees: int) -> float:
    """How likely a t variable is at most this far from 0.

    Args:
        t: 0 or above.
        degrees: of freedom, 1 or more.

    Returns:
        P(-t <= T <= t), in [0, 1].

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    return _of_angle(math.atan(t / math.sqrt(degrees)), degrees)


def t_quantile(confidence: float, degrees: int) -> float:
    """The t between whose negative and itself a share of `confidence` lies.

    Args:
        confidence: above 0 and below 1, such as 0.95.
        degrees: of freedom, 1 or more.

    Raises:
        ValueError: arguments outside of these.
    """
    if degrees < 1 or not 0 < confidence < 1:
        raise ValueError(f"t_quantile({confidence}, {degrees}): wants a share between 0 and 1, and a degree of freedom")
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _of_angle(middle, degrees) < confidence else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _of_angle(theta: float, degrees: int) -> float:
    """`central_probability` where t = sqrt(degrees) * tan(theta)."""
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    if degrees == 1:
        return 2 * theta / math.pi
    term = total = cosine if odd else 1.0
    for power in range(1 + odd, degrees - 1, 2):
        term *= power / (power + 1) * cosine**2
        total += term
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
