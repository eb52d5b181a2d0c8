"""A table, a picture and a widget are shown."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
from IPython.display import HTML, display
import matplotlib.pyplot as plt
import ipywidgets
display(HTML('<b>bold</b>'))
plt.plot([1, 2])
plt.show()
display(ipywidgets.IntSlider())
"""
POINTS = 2.0
