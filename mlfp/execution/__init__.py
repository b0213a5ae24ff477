"""Work on many items: on this machine, and how it says where it is."""
