"""Our word2vec measured alone: how its speed scales, where its time goes, how near it is to the machine's limits."""
