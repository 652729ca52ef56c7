"""One exporter for each format: functions of near-identical shape that return the record."""
