#!/usr/bin/env python3
"""Plants bugs in a copy of the tree, one at a time, and says which of them the tests find.

    tools/mutants/run.py FOLDER [--only NAME...] [--levels]

`table.toml` has the bugs: a name, a file, and an expression or a statement (`old`) with what stands there instead
(`new`). All of them are compiled into one program: `old` becomes `if alive { new } else { old }`, where `alive` compares
the bug's number with the environment variable TRINE_MUTANT of the copy. The word ALIVE in `new` stands for the condition
itself, where both ways need one type. So there is one build for all bugs, and a run of the tests for each.

For each bug the tests of its crate run first, then the integration tests and those of the command; the first that fails
kills it, and so does one that takes four times as long as without a bug. The rules of style (`tidy`) and the programs of
`ui-tests` do not run. Without --levels the copy has the portable kernels alone, which compile in a fraction of the time;
with it all that this machine has. FOLDER holds the copy (`tree`), its target folder and `score.json`; it needs 3 GB.

Prints a line for each bug and the score; the exit code is 1 where one survived, 2 where the table or the build is wrong.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = ["memory", "shapes", "kernels", "ops", "loader", "text", "model", "runner"]

SKIPPED = ["tidy"]
"""Parts of the names of tests that do not run: they read the sources, which the copy changes."""

CONDITION = '''
#[doc(hidden)]
#[allow(missing_docs)]
pub mod mutants {
    extern crate std;
    pub fn alive(number: usize) -> bool {
        static ALIVE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        let read = || std::env::var("TRINE_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        *ALIVE.get_or_init(read) == number
    }
}
'''


def planted(mutant, number):
    """What stands in the place of the old text."""
    alive = f"crate::mutants::alive({number})"
    if "ALIVE" in mutant["new"]:
        return mutant["new"].replace("ALIVE", alive)
    old, new = mutant["old"].strip(), mutant["new"].strip()
    if old.endswith(";"):
        return f"if {alive} {{ {new} }} else {{ {old} }}"
    return f"(if {alive} {{ {new} }} else {{ {old} }})"


def copy_tree(tree):
    """Copies what git knows or would add; files that are the same keep their time."""
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = ROOT / name, tree / name
        if source.is_file() and not (name.endswith(".rs") or name == "Cargo.toml"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists() or copy.stat().st_mtime < source.stat().st_mtime:
                shutil.copy2(source, copy)
        elif source.is_file():
            yield name, source.read_text()


def write_tree(tree, mutants, levels):
    """The copy with all bugs in it."""
    texts = dict(copy_tree(tree))
    for number, mutant in enumerate(mutants, 1):
        text, old = texts[mutant["file"]], mutant["old"]
        if text.count(old) != 1:
            sys.exit(f"{mutant['name']}: {mutant['file']} has {text.count(old)} times {old!r}: expected once")
        texts[mutant["file"]] = text.replace(old, planted(mutant, number))
    for crate in CRATES:
        main = f"{crate}/src/{'main' if crate == 'runner' else 'lib'}.rs"
        texts[main] += CONDITION
    for name, text in texts.items():
        if not levels and name.startswith("kernels/src/"):
            text = text.replace('feature = "simd"', 'feature = "none"')
        copy = tree / name
        if not copy.exists() or copy.read_text() != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)


def build(tree, target):
    """Compiles all tests; gives (crate, name, program), the folder `.` for the package at the root."""
    packages = [part for crate in CRATES for part in ("-p", f"trine-{crate}")] + ["-p", "trine"]
    names = {f"trine-{crate}": crate for crate in CRATES} | {"trine": "."}
    manifest = (tree / "runner/Cargo.toml").read_text()
    runner = next(line.split('"')[1] for line in manifest.splitlines() if line.startswith("name = "))
    packages[packages.index("trine-runner")] = runner
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    command = ["cargo", "test", "--no-run", "--message-format=json-render-diagnostics", *packages]
    made = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if made.returncode:
        errors = [line for line in made.stderr.splitlines() if line.startswith(("error", "  -->"))]
        print("\n".join(errors), "\nthe copy does not compile: a bug of the table does not fit its place")
        sys.exit(2)
    programs = []
    for line in made.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message.get("executable"):
            folder = Path(message["manifest_path"]).parent.relative_to(tree)
            programs.append((str(folder), message["target"]["name"], message["executable"]))
    assert {folder for folder, *_ in programs} >= set(names.values()) - {"runner"}, "a crate has no tests"
    return programs


def runs(tree, program, number, limit):
    """Runs a test program until a test fails; gives what failed, or nothing, and the time."""
    folder, name, path = program
    environment = os.environ | {"TRINE_MUTANT": str(number)}
    command = [path] + [part for name in SKIPPED for part in ("--skip", name)]
    started = time.monotonic()
    child = subprocess.Popen(
        command, cwd=tree / folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )
    late = threading.Event()

    def end():
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(limit, end)
    timer.start()
    failed = None
    for line in child.stdout:
        if line.startswith("test ") and line.rstrip().endswith("FAILED"):
            failed = line.split()[1]
            break
    if failed:
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    timer.cancel()
    if late.is_set():
        failed = "the time limit"
    elif code and not failed:
        failed = f"exit code {code}"
    return failed and f"{folder}/{name}: {failed}", time.monotonic() - started


def crate_of(mutant):
    """The folder of the crate that has a bug."""
    return mutant["file"].split("/")[0]


def order(programs, crate):
    """The programs that judge a bug of a crate: its own, then the integration tests and the command's."""
    own = [program for program in programs if program[0] == crate]
    others = [program for program in programs if program[1] in ("integration", "cli") and program not in own]
    return own + others


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", help="names of bugs")
    parser.add_argument("--levels", action="store_true", help="compile the vector kernels too")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    mutants = tomllib.loads(Path(__file__).with_name("table.toml").read_text())["mutant"]
    names = [mutant["name"] for mutant in mutants]
    assert len(set(names)) == len(names), "names differ"
    tree = folder / "tree"
    write_tree(tree, mutants, arguments.levels)
    programs = build(tree, folder / "target")
    chosen = [mutant for mutant in mutants if mutant["name"] in (arguments.only or names)]
    used = dict.fromkeys(program for mutant in chosen for program in order(programs, crate_of(mutant)))
    limits = {}
    for program in used:
        failed, seconds = runs(tree, program, 0, 3600)
        print(f"without a bug: {program[0]}/{program[1]}, {seconds:.0f} s", flush=True)
        if failed:
            print(f"fails without a bug: {failed}")
            sys.exit(2)
        limits[program] = 30 + 4 * seconds
    score = {}
    for number, mutant in enumerate(mutants, 1):
        if mutant not in chosen:
            continue
        failed, started = None, time.monotonic()
        for program in order(programs, crate_of(mutant)):
            failed, _ = runs(tree, program, number, limits[program])
            if failed:
                break
        score[mutant["name"]] = failed
        took = time.monotonic() - started
        print(f"{mutant['name']}: {'killed by ' + failed if failed else 'SURVIVED'} ({took:.0f} s)", flush=True)
        (folder / "score.json").write_text(json.dumps(score, indent=1))
    killed = sum(failed is not None for failed in score.values())
    print(f"{killed} of {len(score)} killed")
    sys.exit(killed != len(score))


if __name__ == "__main__":
    main()
