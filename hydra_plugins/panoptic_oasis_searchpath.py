"""Adds the `conf` folder of every installed plug-in to what Hydra searches."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from oasis.plugins import installed_plugins


class PluginSearchPath(SearchPathPlugin):
    """`generator=mine` finds `my_models/conf/generator/mine.yaml` once the package `my_models` is installed."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append, so that no plug-in replaces a yaml of this project."""
        for package in sorted(installed_plugins()):
            search_path.append(provider="panoptic-oasis-plugin", path=f"pkg://{package}.conf")
