"""`python -m crmkit` is the command line."""

from crmkit.cli import main

if __name__ == "__main__":
    main(prog_name="crmkit")
