"""`python train.py data.root=DIR encoding=NAME`: what `oasis train` does, from a checkout."""

from oasis.cli.training import main, train

__all__ = ["main", "train"]

if __name__ == "__main__":
    main()
