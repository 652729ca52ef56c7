"""Study: how long solving takes beside bare passes of the network, and how that grows."""
