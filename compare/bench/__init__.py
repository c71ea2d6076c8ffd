"""Speed and quality beside peers: `python -m compare bench SUBJECT`, one folder per subject.

A subject is a folder with a `command.py`, whose `run` is its command line; `compare.bench.command` finds it there.

    session     what one run has measured, the files it is kept in, `--resume`
    child       one process per contender, and the memory it takes
    rounds      turns, and ratios taken within a round
    tables      what is printed and drawn
    options     the options that several subjects share
"""
