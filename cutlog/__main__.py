"""`python -m cutlog`: the same as the command `cutlog`."""

from cutlog.operate.cli import main

if __name__ == "__main__":
    main()
