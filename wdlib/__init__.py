"""wdlib: modular representations for weak disentanglement, to read in this order."""
