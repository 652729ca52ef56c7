"""The audit on planted faults: exchanged labels, copied photographs, and the time that it takes."""
