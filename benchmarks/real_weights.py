"""Chapter 08's real weights: what they give and how fast; writes `utils/chapters/applications/stored.json`.

The files come from `python3 course.py weights all`. The code is that of the chapter's cells, on the reference's components.
Speeds are by processor time, on one thread: what else the machine does takes little of it. Of several repeats the median
counts.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import torch
import transformers

from utils import my, session
from utils.chapters.applications import hub, minilm, sections, smollm2, stored, weights

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from closing import names_after

COMMAND = "python benchmarks/real_weights.py"
QUESTIONS = ["which chapter explains why we divide by a root?", "why does the model forget the beginning of a long sequence?"]
SENTENCE = "The girl sees the red house."
CAPITAL = "What is the capital of France?"


def minilm_results():
    """Search, attention maps and the difference from `transformers`."""
    folder = weights.folder("minilm")
    reader, tokenizer = hub.build(my.Bert, folder), minilm.load_tokenizer(folder)
    found = sections.sections()
    batch = tokenizer.encode_batch([one.whole for one in found[:32]])
    tokens, real = torch.tensor([one.ids for one in batch]), torch.tensor([one.attention_mask for one in batch])
    with torch.no_grad():
        theirs = transformers.BertModel.from_pretrained(folder).eval()(tokens, attention_mask=real).last_hidden_state
        difference = (theirs - reader(tokens, mask=real.bool().unsqueeze(1)))[real.bool()].abs().max().item()
    start = time.process_time()
    vectors = minilm.sentence_vectors(reader, tokenizer, [one.whole for one in found])
    print(f"{len(found)} sections in {time.process_time() - start:.1f} CPU seconds")
    hits = {}
    for question, vector in zip(QUESTIONS, minilm.sentence_vectors(reader, tokenizer, QUESTIONS), strict=True):
        nearest = minilm.nearest(vector, vectors, 3)
        hits[question] = [(round(cosine, 4), found[place].chapter, found[place].heading) for place, cosine in nearest]
    words, maps = minilm.attention_of(reader, tokenizer, SENTENCE)
    rows = {
        name: [[round(weight, 3) for weight in row] for row in one.tolist()]
        for name, one in minilm.plain_heads(words, maps).items()
    }
    return {"hits": hits, "difference": difference, "sentence": SENTENCE, "tokens": words, "maps": rows}


@torch.no_grad()
def smollm2_results(repeats):
    """Answer, speeds, and what 16 bits change."""
    start = time.process_time()
    names = names_after("smol-attention", "smol-block", "smol-model", "smol-load")
    load, (model, tokenizer) = time.process_time() - start, names["smol"]()
    prompt = tokenizer.encode(smollm2.chat(CAPITAL)).ids
    write = partial(my.generate, model, torch.tensor([prompt]), sampler=partial(my.sample_token, temperature=0))
    cached, uncached = write(12), write(12, use_cache=False)
    fast = [smollm2.tokens_per_second(write, 32, time.process_time) for _ in range(repeats)]
    print("tokens a second:", *(f"{speed:.1f}" for speed in fast))
    slow = smollm2.tokens_per_second(partial(write, use_cache=False), 4, time.process_time)
    exact = names["SmolLM2"](**(file := smollm2.GgufFile(weights.folder("smollm2"))).sizes()).eval()
    exact.load_state_dict(file.state_dict(), assign=True)
    wide, past, rows = exact(cached)[0], None, []
    for token in cached[0]:
        logits, past = model.extend(token.view(1, 1), past)
        rows.append(logits[0, 0])
    return {
        "question": CAPITAL,
        "answer": smollm2.answer(tokenizer, prompt, cached),
        "same": smollm2.answer(tokenizer, prompt, cached) == smollm2.answer(tokenizer, prompt, uncached),
        "load": load,
        "cached": statistics.median(fast),
        "uncached": slow,
        "narrow": (torch.stack(rows) - wide).abs().max().item(),
        "spread": wide.std().item(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often the speed is measured (default: 5)")
    parser.add_argument("--only", choices=("minilm", "smollm2"), help="make this one anew, and keep the other")
    given = parser.parse_args()
    session.begin()
    kept = stored.results() if given.only else {}
    made = {"command": COMMAND, "machine": f"one CPU thread of {platform.machine()}, by processor time"}
    for name, results in {"minilm": minilm_results, "smollm2": lambda: smollm2_results(given.repeats)}.items():
        made[name] = results() if given.only in (None, name) else kept[name]
    stored.RUNS.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    stored.print_search()
    stored.print_answer()


if __name__ == "__main__":
    main()
