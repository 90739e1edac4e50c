"""Frames in, pictures and words out: no queries, no arithmetic."""
