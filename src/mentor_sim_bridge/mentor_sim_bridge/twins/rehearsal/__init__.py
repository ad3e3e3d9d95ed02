"""The rehearsal: a twin's world in real time behind the protocols of the real cell."""
