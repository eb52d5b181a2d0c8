"""What chapter 05 alone uses: its measurements, its pictures and its explorer."""
