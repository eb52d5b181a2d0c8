"""What one chapter alone uses, under its name: its experiment and its explorer."""
