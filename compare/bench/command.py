"""`python -m compare bench`: one sub-command per subject."""

from importlib import import_module
from pathlib import Path

import typer

SUBJECTS = sorted(path.parent.name for path in Path(__file__).parent.glob("*/command.py"))
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Speed and quality beside peers.")
for _subject in SUBJECTS:
    app.command(_subject)(import_module(f"compare.bench.{_subject}.command").run)
