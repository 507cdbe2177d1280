"""`python -m dcdist`: the command line."""

from dcdist.cli import main

if __name__ == "__main__":
    main()
