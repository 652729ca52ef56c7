"""Training: the closed-form fit, fine-tuning by `model.fit`, and what is written about both."""
