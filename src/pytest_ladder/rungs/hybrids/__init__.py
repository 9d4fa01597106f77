"""What stands around and between systems: routers, samples, verifiers and fallbacks."""
