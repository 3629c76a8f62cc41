"""Text for the terminal."""


def visible(text: str) -> str:
    """Removes control characters, since names may come from file names."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
