"""How fast the engine is, as ratios against peers: see docs/benchmarks.md. `python -m benchmarks --help`."""
