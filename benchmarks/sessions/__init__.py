"""Study: what cross-validation promises of other photographs, and what they then give."""
