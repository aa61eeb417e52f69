"""The figures the daemon must show: one table, and for each row how it is measured."""
