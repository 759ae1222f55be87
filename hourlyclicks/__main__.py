"""``python -m hourlyclicks``: the command line."""

from hourlyclicks.cli import main

if __name__ == "__main__":
    main()
