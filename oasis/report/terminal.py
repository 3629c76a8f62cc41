"""What is printed to a terminal."""


def visible(text: str) -> str:
    """Names may come from file names: let none of them send commands to the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
