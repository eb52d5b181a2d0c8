"""What `docs/large-classes.md` tells a teacher to write: taken from the guide as it stands, so that it is what runs."""

import os
import re
import shutil
import subprocess

import yaml

from utils.manifest import ROOT

GUIDE = (ROOT / "docs" / "large-classes.md").read_text(encoding="utf-8")
MANIFESTS = list(yaml.safe_load_all(re.search(r"```yaml\n(apiVersion.*?)```", GUIDE, re.S)[1]))
CONFIG = re.search(r"```yaml\n(distributed:.*?)```", GUIDE, re.S)[1]


def certificates(folder):
    """Puts a certificate of ours, its key and the guide's configuration into `folder`, with the paths of that folder."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=course",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    shutil.copy(certificate, folder / "ca.pem")
    (folder / "distributed.yaml").write_text(CONFIG.replace("/etc/course", str(folder)), encoding="utf-8")


def certified(folder):
    """The environment in which Dask speaks TLS with the certificates of `folder`, and nothing else."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "DASK_CONFIG": str(folder), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
