"""Complete ladders to run, and the small model they climb with."""
