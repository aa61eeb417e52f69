"""The figures the daemon must show: one table, how each row is measured, and the yardstick of the machine."""
