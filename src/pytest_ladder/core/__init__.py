"""Pure rules: no file, clock, network or hidden seed."""
