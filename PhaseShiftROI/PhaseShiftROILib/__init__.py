"""Phase-shift values in gray matter: not in this version."""
