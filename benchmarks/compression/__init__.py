"""Study: what a shorter descriptor costs, size by size."""
