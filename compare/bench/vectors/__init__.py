"""How long a table of vectors takes to answer, beside gensim's KeyedVectors."""
