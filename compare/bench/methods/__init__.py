"""The methods of tf_emb.methods beside their peers: `measures` has one file per method."""
