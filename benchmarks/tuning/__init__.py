"""Study: what tuning gains over the network as it is, for scheme 1 and for the global average."""
