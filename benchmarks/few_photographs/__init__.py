"""Study: what to do with a few photographs of every class, and how well it works."""
