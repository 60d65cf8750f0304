"""Load by aiperf: streams side by side, their tokens a second, the time to the first token and between tokens.

    pip install aiperf==0.13.0
    python tools/server/load.py target/release/trine --streams 1,8

The script starts the server itself, on a free port, with a model of random weights that has the dimensions of BitNet
b1.58 2B4T, fewer blocks (`--blocks 30` has all, and takes 0.6 GB) and the vocabulary of the embedded model. Every
request has to be answered, with as many tokens as were asked for. Times are those of this machine, and are told and
not judged.

Prompts are made by aiperf, which needs a tokenizer for that. It gets one whose tokens are bytes, so that it asks no
hub; numbers of tokens are those that the server tells.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from serving import check, run, start, stop

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "python"))

from speed import with_vocabulary  # noqa: E402


def tokenizer_of_bytes(folder):
    """A directory of a tokenizer as HF's packages read it: each byte is a token, printable as GPT-2 writes it."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + at) for at, byte in enumerate(others)}}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    model = {"type": "BPE", "vocab": {letters[byte]: byte for byte in range(256)}, "merges": []}
    folder.mkdir()
    document = {"version": "1.0", "added_tokens": [], "pre_tokenizer": level, "decoder": level, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(document))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1 << 20}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def profile(address, folder, tokenizer, streams, arguments):
    """What aiperf tells of so many streams side by side."""
    aiperf, results = pathlib.Path(sys.executable).parent / "aiperf", folder / f"streams-{streams}"
    requests = max(arguments.requests, 2 * streams)
    command = [aiperf, "profile", "--model", "model", "--url", address, "--endpoint-type", "completions", "--streaming"]
    command += ["--tokenizer", tokenizer, "--use-server-token-count", "--ui", "none"]
    command += ["--concurrency", streams, "--request-count", requests, "--warmup-request-count", streams]
    command += ["--isl", arguments.prompt, "--osl", arguments.tokens, "--extra-inputs", "ignore_eos:true"]
    # Other prompts for each number of streams: the beginnings of earlier ones are kept.
    command += ["--random-seed", streams, "--artifact-dir", results]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    check(f"aiperf with {streams} streams", done.returncode == 0, (done.stdout + done.stderr)[-3000:], quiet=True)
    return json.loads(next(results.rglob("profile_export_aiperf.json")).read_text()), requests


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--streams", default="1,8", help="numbers of streams, one after the other")
    parser.add_argument("--requests", type=int, default=16, help="at least, for each number of streams")
    parser.add_argument("--prompt", type=int, default=256, help="bytes of a prompt")
    parser.add_argument("--tokens", type=int, default=48, help="tokens of an answer")
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not (pathlib.Path(sys.executable).parent / "aiperf").exists():
        print("SKIPPED: aiperf is not installed: `pip install aiperf==0.13.0`")
        return
    print("| streams | tokens/s | first token, ms: half, 99 % | between tokens, ms: half, 99 % |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        weights, model = folder / "weights.gguf", folder / "model.gguf"
        synth = ["synth", "--quiet", weights, "--like", "2b4t", "--matrices", "tq2_0", "--table", "q6_k"]
        synth += ["--blocks", str(arguments.blocks), "--vocab", "2048"]
        subprocess.run([arguments.program, *synth], check=True)
        with_vocabulary(weights, ROOT / "assets" / "stories-i2_s.gguf", model)
        weights.unlink()
        tokenizer = tokenizer_of_bytes(folder / "tokenizer")
        server, address = start(arguments.program, str(model), "--id", "model", "--threads", str(arguments.threads),
                                "--context", "1024", "--texts", "16")
        for streams in map(int, arguments.streams.split(",")):
            told, requests = profile(address, folder, tokenizer, streams, arguments)
            lengths = told["output_sequence_length"]
            check("the server is there", server.poll() is None, server.returncode, quiet=True)
            check("every request is answered", told["request_count"]["avg"] == requests and not told["error_summary"],
                  told["error_summary"], quiet=True)
            check("with all tokens", lengths["min"] == lengths["max"] == arguments.tokens, lengths, quiet=True)
            first, between = told["time_to_first_token"], told["inter_chunk_latency"]
            rate = told["output_token_throughput"]["avg"]
            print(f"| {streams} | {rate:.1f} | {first['p50']:.0f}, {first['p99']:.0f} "
                  f"| {between['p50']:.1f}, {between['p99']:.1f} |", flush=True)
        stop(server)


run(main, "")
