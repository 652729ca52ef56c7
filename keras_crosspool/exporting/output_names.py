"""What the output of an artefact is called; it says what comes out."""

LOGITS, PROBABILITIES, DESCRIPTOR = "logits", "probabilities", "descriptor"
