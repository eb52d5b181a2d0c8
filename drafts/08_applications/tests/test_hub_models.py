"""Chapter 08's checkpoints from the Hub: the loading code on small models that `transformers` saved, and no network at all."""

import os
import subprocess
import sys

import pytest
import torch

from autograder.framework import known_answers
from utils import reference, session
from utils.chapters.applications import hub

transformers = pytest.importorskip("transformers")

BERT = {"vocab_size": 53, "hidden_size": 12, "num_attention_heads": 3, "intermediate_size": 17, "num_hidden_layers": 2}
GPT = {"vocab_size": 53, "n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 19}
T5 = {"vocab_size": 53, "d_model": 12, "num_heads": 3, "d_kv": 5, "d_ff": 17, "num_layers": 2}
VIT = {"image_size": 12, "patch_size": 3, "hidden_size": 12, "num_attention_heads": 2, "intermediate_size": 17,
       "num_hidden_layers": 2}  # fmt: skip


def saved(kind, config, folder):
    """A model of `transformers` with random weights far from their start, saved in `folder`."""
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def kinds(name):
    """The reference's model and the solution's: what a learner writes."""
    return reference.COMPONENTS[name], known_answers.solution("08_applications", name).answer


def tokens(length):
    return torch.randint(5, 53, (2, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "more",
    [{}, {"num_hidden_layers": 1, "hidden_size": 20, "num_attention_heads": 5}, {"type_vocab_size": 3, "layer_norm_eps": 1e-3},
     {"max_position_embeddings": 11}],
)  # fmt: skip
def test_bert_and_its_head_for_blanks(tmp_path, more):
    theirs = saved(transformers.BertForMaskedLM, transformers.BertConfig(**BERT | more), tmp_path)
    batch = tokens(7)
    for kind in kinds("Bert"):
        model = hub.build(kind, tmp_path)
        with torch.no_grad():
            assert (theirs.bert(batch).last_hidden_state - model(batch)).abs().max() < 1e-4
            assert (theirs(batch).logits - hub.blank_logits(model(batch), tmp_path)).abs().max() < 1e-4


def test_the_head_for_blanks_reads_the_old_names_of_a_norm(tmp_path, monkeypatch):
    theirs = saved(transformers.BertForMaskedLM, transformers.BertConfig(**BERT), tmp_path)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in hub.weights(tmp_path).items()
    }
    monkeypatch.setattr(hub, "weights", lambda folder: old)
    with torch.no_grad():
        assert (
            theirs(tokens(7)).logits - hub.blank_logits(hub.build(reference.Bert, tmp_path)(tokens(7)), tmp_path)
        ).abs().max() < 1e-4


@pytest.mark.parametrize("more", [{}, {"n_layer": 1, "n_embd": 20, "n_head": 5}, {"n_inner": 48}])
def test_gpt(tmp_path, more):
    theirs = saved(transformers.GPT2LMHeadModel, transformers.GPT2Config(**GPT | more), tmp_path)
    batch = tokens(7)
    for kind in kinds("Gpt"):
        with torch.no_grad():
            assert (theirs(batch).logits - hub.build(kind, tmp_path)(batch)).abs().max() < 1e-4


@pytest.mark.parametrize(
    "more",
    [{}, {"num_layers": 1, "d_kv": 4}, {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 16}],
)
def test_t5(tmp_path, more):
    theirs = saved(transformers.T5ForConditionalGeneration, transformers.T5Config(**T5 | more), tmp_path)
    source, target = tokens(9), tokens(6)
    for kind in kinds("T5"):
        with torch.no_grad():
            expected = theirs(input_ids=source, decoder_input_ids=target).logits
            assert (expected - hub.build(kind, tmp_path)(source, target)).abs().max() < 1e-4


@pytest.mark.parametrize(
    "more",
    [{}, {"num_labels": 7, "num_channels": 1}, {"image_size": 8, "patch_size": 4, "hidden_size": 20, "num_attention_heads": 5}],
)
def test_vit(tmp_path, more):
    config = transformers.ViTConfig(**VIT | more)
    theirs = saved(transformers.ViTForImageClassification, config, tmp_path)
    images = torch.randn(2, config.num_channels, config.image_size, config.image_size)
    for kind in kinds("ViT"):
        with torch.no_grad():
            assert (theirs(images).logits - hub.build(kind, tmp_path)(images)).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (transformers.BertModel(transformers.BertConfig(**BERT, hidden_act="relu")), "hidden_act='relu'"),
        (transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT, n_inner=24)), "n_inner=24"),
        (transformers.T5Model(transformers.T5Config(**T5, feed_forward_proj="gated-gelu")), "feed_forward_proj='gated-gelu'"),
        (transformers.T5Model(transformers.T5Config(**T5, num_decoder_layers=1)), "num_decoder_layers=1"),
    ],
)
def test_a_checkpoint_that_is_another_model_is_refused_by_name(tmp_path, kind, says):
    kind.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=says):
        hub.build(None, tmp_path)


def test_the_picture_has_the_shape_and_range_that_vit_reads():
    x = hub.picture()
    assert x.shape == (1, 3, 224, 224) and -1 <= x.min() < -0.5 and 0.5 < x.max() <= 1


# Finding


def test_a_folder_is_found_and_one_without_its_tokenizer_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_from_hub", lambda name, files: (None, "asked the Hub"))
    for file in hub.FILES:
        (tmp_path / file).touch()
    assert hub.folder(str(tmp_path), tokenizer=False) == (tmp_path, "")
    assert hub.folder(str(tmp_path)) == (None, "asked the Hub")


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}, "the Hub cannot be reached"),
        ({"HTTPS_PROXY": "silent"}, "the Hub cannot be reached"),
        ({"HTTPS_PROXY": "forbids"}, "the Hub cannot be reached"),
    ],
)
def test_without_a_network_each_checkpoint_is_one_line_and_soon(tmp_path, variables, reason, proxy):
    variables = {name: proxy(value) if value in ("silent", "forbids") else value for name, value in variables.items()}
    code = (
        "import sys, time; from utils.chapters.applications import hub; start = time.time()\n"
        "for name in hub.MEGABYTES: hub.found(name, 'something')\n"
        "print(time.time() - start, file=sys.stderr)"
    )
    cleared = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**cleared, "NO_PROXY": "", "HF_HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout.splitlines()
    assert done.returncode == 0 and len(said) == len(hub.MEGABYTES), done.stdout + done.stderr
    assert all(reason in line and line.endswith("this cell shows something.") for line in said)
    assert float(done.stderr.split()[-1]) < 10 * len(said)


def started(code, *arguments):
    """A process of ours and the port that it prints."""
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


@pytest.fixture
def proxy():
    """`proxy(manner)`: the address of a proxy that is `silent` or `forbids`."""
    code = (
        "import socket, sys\n"
        "server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True); kept = []\n"
        "while True:\n"
        "    call, _ = server.accept()\n"
        "    if sys.argv[1] == 'silent': kept.append(call); continue\n"
        "    call.recv(4096); call.sendall(b'HTTP/1.1 403 Forbidden\\r\\nContent-Length: 0\\r\\n\\r\\n'); call.close()\n"
    )
    running = []

    def start(manner):
        process, port = started(code, manner)
        running.append(process)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.kill()
        process.communicate()


HUB = """
import hashlib, http.server, pathlib, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        file = pathlib.Path(sys.argv[1], self.path.split("/")[-1])
        if "/resolve/" not in self.path or not file.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            return self.end_headers()
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", hashlib.sha256(content).hexdigest())
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
    do_GET = do_HEAD
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def test_a_checkpoint_comes_over_the_network_once(tmp_path):
    saved(transformers.ViTForImageClassification, transformers.ViTConfig(**VIT), tmp_path / "hub")
    server, port = started(HUB, str(tmp_path / "hub"))
    code = (
        "import sys; from utils.chapters.applications import hub; from utils import reference\n"
        "name = 'google/vit-base-patch16-224'; there = hub.found(name, 'something', tokenizer=False)\n"
        "print(type(hub.build(reference.ViT, there)).__name__ if there else 'none'); hub.found(name, 'a text')"
    )
    said = []
    try:
        for _ in range(2):
            variables = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path / "home")}
            done = subprocess.run(
                [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stderr
            said.append(done.stdout.splitlines())
    finally:
        server.kill()
        server.communicate()
    assert said[0][:2] == ["fetching google/vit-base-patch16-224, 350 MB, once ...", "ViT"] and said[1][0] == "ViT"
    assert all("the Hub does not have its config.json, model.safetensors, tokenizer.json" in one[-1] for one in said)


def test_a_build_and_a_grading_run_ask_nobody(monkeypatch, capsys):
    monkeypatch.setattr(hub, "folder", None)
    monkeypatch.setattr(session, "building", lambda: True)
    assert hub.found("openai-community/gpt2", "a text") is None
    assert capsys.readouterr().out.count("\n") == 1
    monkeypatch.setattr(session, "grading", lambda: True)
    assert hub.found("openai-community/gpt2", "a text") is None and capsys.readouterr().out == ""
