"""The folder of a run: its lock, identity, configuration and how to go on with it."""
