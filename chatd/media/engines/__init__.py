"""Where whole files lie: the contract, the disk of this machine, a bucket."""
