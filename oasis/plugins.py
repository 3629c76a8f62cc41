"""Third-party packages whose classes a configuration may name.

An installed package is trusted if it has an entry point of the group `panoptic_oasis.plugins`:

    [project.entry-points."panoptic_oasis.plugins"]
    my_models = "my_models"

Any other one is trusted for one process by `--trust PACKAGE` or, when training, `trust=[PACKAGE]`. A checkpoint cannot
add trusted packages.
"""

import importlib
import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from oasis.errors import ConfigurationError

ENTRY_POINTS = "panoptic_oasis.plugins"
_OWN = "oasis"
_named: set[str] = set()  # by the user of this process


def trust(packages: str | Iterable[str] | None) -> None:
    """Trust packages or single modules in this process.

    Args:
        packages: importable names, or a single one; the current folder is searched as well. None = none.

    Raises:
        ConfigurationError: a package that is not installed.
    """
    listed = packages if isinstance(packages, Iterable) and not isinstance(packages, str) else [packages]
    for package in map(str, () if packages is None else listed):
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        if not package.replace(".", "").isidentifier() or not _is_installed(package):
            raise ConfigurationError(
                f"trust: no package {package!r} can be imported here. Install it (pip install ...), or start from the "
                "folder that holds it."
            )
        _named.add(package)


def trusted_packages() -> frozenset[str]:
    """All trusted packages besides this project: installed plug-ins, and those named by the user."""
    return installed_plugins() | _named


def is_trusted(target: str) -> bool:
    """Whether a `_target_` is defined in a trusted package.

    A name that is only reachable through one, such as `my_models.os.system`, is not. Imports a trusted package.
    """
    package = next((each for each in trusted_packages() if target.startswith(f"{each}.")), None)
    if package is None:
        return False
    found = _find(target)
    module = found.__module__ if hasattr(found, "__module__") else ""
    return callable(found) and (module == package or str(module).startswith(f"{package}."))


def require_trusted(target: str, source: str) -> None:
    """Refuse a `_target_` that is neither this project's nor a trusted package's.

    Args:
        target: dotted name.
        source: its setting, such as `generator._target_`.

    Raises:
        ConfigurationError: the message says what to install or to trust.
    """
    if target.startswith(f"{_OWN}.") or is_trusted(target):
        return
    package = target.split(".")[0]
    if package in {each.split(".")[0] for each in trusted_packages()}:
        raise ConfigurationError(
            f"{source}={target}: {package} is trusted, but it defines no such class or function. Check the name."
        )
    if not _is_installed(package):
        raise ConfigurationError(
            f"{source}={target}: the package {package} is not installed here. Install it, or start from the folder "
            "that holds it."
        )
    raise ConfigurationError(
        f"{source}={target}: {package} is neither part of this project nor trusted. If it is yours, add "
        f"trust=[{package}] (oasis COMMAND --trust {package}), or give it an entry point {ENTRY_POINTS!r}."
    )


@lru_cache(maxsize=1)
def installed_plugins() -> frozenset[str]:
    """Packages with an entry point of this project."""
    return frozenset(point.value.split(":")[0] for point in entry_points(group=ENTRY_POINTS))


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _find(target: str) -> object:
    """The object of a dotted name; None if there is none."""
    parts = target.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if error.name is not None and not target.startswith(error.name):
                raise ConfigurationError(f"{target}: importing it failed ({error}).") from error
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found
    return None
