"""Run folders: lock, identity, configuration and resumption."""
