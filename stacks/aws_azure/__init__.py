"""AWS primary, Azure standby: backups, a standby that exists by mode, names that move by a latch."""
