"""word2vec trained by us and by our peers on the same text; every training is judged for speed and quality both.

`plan` says who trains what, `contenders` holds the process of one training, and `scores` the evaluator of all; `bars`
says how fast ours is and what it must reach, and `report` presents both.
"""
