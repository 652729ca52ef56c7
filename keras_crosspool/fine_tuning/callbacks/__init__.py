"""What watches a fit: checkpoints, early stopping that resumes, finite losses, throughput."""
