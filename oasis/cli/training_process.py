"""`python -m oasis.cli.training_process`: what `oasis train` runs, and Lightning starts for each further device."""

from oasis.cli.training import main

if __name__ == "__main__":
    main()
