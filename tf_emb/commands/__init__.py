"""The commands of `tf-emb`, one file each. Mistakes that users can fix are raised as errors here, told by `cli`."""
