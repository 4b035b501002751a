"""The command line as a module: ``python -m bayescale.cli``."""

from bayescale.cli import main

if __name__ == "__main__":
    main()
