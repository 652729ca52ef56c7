"""Study: what earlier, larger maps add to scheme 1."""
