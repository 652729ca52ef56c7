"""Study: which runtimes open which exported files, and whether they say what Keras says."""
