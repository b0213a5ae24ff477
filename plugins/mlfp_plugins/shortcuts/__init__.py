"""What the panel of shortcuts looks at, a file each."""
