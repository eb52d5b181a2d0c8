"""The notebook asks for another language, and a kernel that is not there."""

import json


def hand_in(path, notebook):
    kernel = {"kernelspec": {"name": "../../bash", "display_name": "Bash", "language": "bash"}, "language_info": {"name": "bash"}}
    path.write_text(json.dumps({**json.loads(notebook), "metadata": kernel}))


POINTS = 2.0
