"""`python -m compare.bench.harness`: the same as `python -m compare speed`."""

import typer

from compare.bench.command import run_speed

if __name__ == "__main__":
    typer.run(run_speed)
