"""Files of users: uploads, inspection, downloads, in a process beside the daemon."""
