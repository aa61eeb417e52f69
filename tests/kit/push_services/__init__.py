"""Push services that tests run, written from the published protocols and not from our sender."""
