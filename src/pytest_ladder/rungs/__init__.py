"""How each kind of rung answers a case; knows only the ports."""
