"""Study: every network from the classifier to the file, each check passed or with its reason."""
