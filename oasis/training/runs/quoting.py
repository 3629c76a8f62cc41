"""Quoting of values for Hydra's grammar and the shell."""

import re
import shlex

_AS_IT_STANDS = re.compile(r"[\w./:@%+-]+", re.ASCII)  # one word for both


def quoted_value(value: str) -> str:
    """A value that Hydra reads literally: in single quotes if needed."""
    if _AS_IT_STANDS.fullmatch(value):
        return value
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + (r"\'" if found[2] else ""), value)
    return f"'{escaped}'"


def quoted_setting(setting: str) -> str:
    """A setting, `key=value`, with its value quoted for Hydra."""
    key, _, value = setting.partition("=")
    return f"{key}={quoted_value(value)}"


def for_shell(setting: str) -> str:
    """A setting quoted for the shell: `"data.root='/my photos'"`.

    Args:
        setting: `key=value`, unquoted.
    """
    quoted = quoted_setting(setting)
    return shlex.quote(quoted) if re.search(r"[$`\"\\!]", quoted) else f'"{quoted}"'
