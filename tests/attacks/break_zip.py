"""The file is an archive."""

import io
import zipfile


def hand_in(path, notebook):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(path.name, notebook)
    path.write_bytes(packed.getvalue())


SAYS = "not a text file"
