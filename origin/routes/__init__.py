"""The handlers, one module per kind of resource: each parses, decides, fetches, responds."""
