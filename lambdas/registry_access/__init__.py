"""The custom resource that merges a stack's statements into policies that belong to somebody else."""
