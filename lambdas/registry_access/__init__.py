"""The custom resource that merges a stack's statements into other owners' policies."""
