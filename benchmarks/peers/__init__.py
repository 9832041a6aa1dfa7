"""What the engine is compared with: each a small program that a schedule could start."""
