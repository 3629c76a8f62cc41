"""`python -m oasis.cli.training_process`: started by `oasis train`, and by Lightning for each further device."""

from oasis.cli.training import main

if __name__ == "__main__":
    main()
