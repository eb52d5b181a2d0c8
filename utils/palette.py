"""The one palette of plots, drawings and feedback: colours that colour-blind readers can tell apart.

The colours are Okabe and Ito's (2008), darkest ink in place of their black. Five greys go with them.
"""

BLUE, ORANGE, GREEN, VERMILLION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY, YELLOW = "#cc79a7", "#56b4e9", "#f0e442"

GROUND = "#ffffff"  # of every picture, so that it reads the same in a light and in a dark notebook
INK = "#1a1a1a"
QUIET = "#6b6b6b"  # words that are only context, dark enough to read on the ground
GREY = "#8a8a8a"  # lines and signs that are only context, seen on light and on dark
RULE = "#c8c8c8"  # frames and axes
PALE = "#e3e3e3"  # grids

COLOURS = {
    "blue": BLUE, "orange": ORANGE, "green": GREEN, "vermillion": VERMILLION,
    "purple": PURPLE, "sky": SKY, "yellow": YELLOW, "black": INK, "grey": GREY,
}  # fmt: skip
"""By name, for the notebooks' own plots."""
PALETTE = [BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK]
"""The order in which lines take their colours."""
TINTS = ("#cfe5f3", "#fbe3c0", "#cdeadf", "#f5d9e6", "#fdf6bd", PALE)
"""Blue, orange, green, purple, yellow and grey, light enough for dark ink on them."""
RIGHT, WRONG, WAITING = BLUE, VERMILLION, GREY
"""The signs of feedback, which stand beside words and never alone."""
