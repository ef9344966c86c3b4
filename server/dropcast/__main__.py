"""`python -m dropcast` is the command line."""

from dropcast.cli import main

if __name__ == "__main__":
    main()
