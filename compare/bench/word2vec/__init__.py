"""word2vec trained by us and by our peers, each training in a process of its own, all on the same text.

`rows` says who stands beside whom, `worker` is the process, `trainings` takes them in turn; `compare.bench` and
`compare.bench.word2vec.words` report what they gave.
"""
