"""``mlfp prepare``: scans brought into one space, cleaned and normalised, kept as files of their own."""
