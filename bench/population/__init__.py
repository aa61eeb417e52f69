"""Users who live through something together: a day of real talk, a killed daemon, a population of many habits."""
