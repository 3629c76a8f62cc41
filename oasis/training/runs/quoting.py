"""Values on a command line that Hydra's grammar or the shell would take for something else."""

import re
import shlex

_AS_IT_STANDS = re.compile(r"[\w./:@%+-]+", re.ASCII)  # what both take for one word


def quoted_value(value: str) -> str:
    """A value as Hydra reads it literally: in single quotes, unless it needs none."""
    if _AS_IT_STANDS.fullmatch(value):
        return value
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + (r"\'" if found[2] else ""), value)
    return f"'{escaped}'"


def quoted_setting(setting: str) -> str:
    """A setting, `key=value`, with its value quoted for Hydra."""
    key, _, value = setting.partition("=")
    return f"{key}={quoted_value(value)}"


def for_shell(setting: str) -> str:
    """A setting with its value quoted, as to be typed: `"data.root='/my photos'"`.

    Args:
        setting: `key=value`, the value as it is meant.
    """
    quoted = quoted_setting(setting)
    return shlex.quote(quoted) if re.search(r"[$`\"\\!]", quoted) else f'"{quoted}"'
