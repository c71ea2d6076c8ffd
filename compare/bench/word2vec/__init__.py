"""word2vec trained by us and by our peers on the same text; every training is judged for speed and quality both.

`objectives` says who trains what, `plan` which trainings there are, `worker` is the process of one, and `scores` the
evaluator of all; `bars` says what ours must reach, `speeds` how fast it is, and `report` presents both.
"""
