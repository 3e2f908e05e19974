"""AWS primary, Google Cloud standby: a VPN, a database that is to follow, a name that goes where somebody may write."""
