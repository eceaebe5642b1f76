"""Paired data: drawn pictures with everything that is known of them, in shards."""
