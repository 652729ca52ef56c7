"""The markers of lines and points, by the order in which they are drawn."""

MARKERS = "osD^vP*Xhd"
