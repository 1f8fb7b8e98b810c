"""Words that every app shares: the standard library and PyJWT, nothing else."""
