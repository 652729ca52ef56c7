"""Study: the presets on one data set, by accuracy, latency and size."""
