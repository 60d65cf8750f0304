//! Commands that make, compare and judge files.

use super::{STORIES, errors, failure, path_text, text, trine, trine_reading, with_metadata};
use tempfile::TempDir;
use trine::loader::{Gguf, GgufWriter, Value};

#[test]
fn a_converted_model_is_the_same_model() {
    let folder = TempDir::new().unwrap();
    let (there, back) = (folder.path().join("there.gguf"), folder.path().join("back.gguf"));
    assert_eq!(text(&trine(&["convert", STORIES, path_text(&there), "--to", "tq1_0"])), "");
    assert_eq!(text(&trine(&["convert", path_text(&there), path_text(&back), "--to", "i2_s", "--no-mmap"])), "");
    for other in [&there, &back] {
        let verdict = text(&trine(&["diff", STORIES, path_text(other)]));
        assert!(verdict.starts_with("the same model: 46 of 46 tensors are equal"), "{verdict}");
    }
    let document: serde_json::Value =
        serde_json::from_str(&text(&trine(&["diff", STORIES, path_text(&there), "--json"]))).unwrap();
    assert_eq!((&document["same"], &document["metadata"]), (&true.into(), &serde_json::json!([])));
    let logits = |file: &str| trine(&["logits", file, "--ids", "1,5,900"]).stdout;
    assert_eq!(logits(path_text(&there)), logits(STORIES), "one scale, one product, whatever the packing");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_directory_becomes_a_file_of_the_same_model() {
    const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/directories/llama");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("llama.gguf");
    let output = trine(&["convert", DIRECTORY, path_text(&file), "--to", "tq1_0"]);
    assert!(errors(&output).contains("q8_k ones unless `--activations int8` is given"), "{}", errors(&output));
    assert_eq!(text(&output), "");
    for (first, second) in [(DIRECTORY, path_text(&file)), (path_text(&file), DIRECTORY)] {
        let verdict = text(&trine(&["diff", first, second]));
        assert!(
            verdict.starts_with("the same model: 12 of 12 tensors are equal, 7 of them in other types"),
            "{verdict}"
        );
    }
    let logits = |model: &str| trine(&["logits", model, "--ids", "1,5,90", "--activations", "int8"]).stdout;
    assert!(logits(path_text(&file)) == logits(DIRECTORY), "the order of rows and the place of scales change nothing");
    let ids = |model: &str| text(&trine_reading(b"The king's 12 daughters", &["tokenize", model]));
    assert_eq!(ids(path_text(&file)), ids(DIRECTORY));
}

#[test]
fn two_models_that_differ_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let changed = with_metadata(&folder, &[("bitnet-b1.58.context_length", Value::from(300u32))]);
    let output = trine(&["diff", STORIES, path_text(&changed)]);
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("bitnet-b1.58.context_length") && shown.contains("256  300"), "{shown}");
    assert!(shown.contains("not the same model: 46 of 46 tensors are equal"), "{shown}");
    let output = trine(&["diff", STORIES, STORIES, "--second-i2s-packing", "arm"]);
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("blk.3.ffn_down.weight") && shown.contains("elements differ in sign"), "{shown}");
}

#[test]
fn a_conversion_that_is_refused_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out.gguf");
    let dense = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/llama_cpp/llama-dense-q4_0.gguf");
    let error = failure(&trine(&["convert", dense, path_text(&out), "--to", "i2_s"]), 1);
    assert!(error.contains("llama-dense-q4_0.gguf") && error.contains("which is not ternary"), "{error}");
    assert_eq!(trine(&["convert", dense, path_text(&out), "--to", "q8_0"]).status.code(), Some(2));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_made_up_model_has_the_dimensions_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("made-up.gguf");
    let options = ["--blocks", "1", "--vocab", "300", "--ffn", "256", "--matrices", "tq2_0", "--architecture", "llama"];
    text(&trine(&[&["synth", path_text(&file)], &options[..]].concat()));
    let shown = text(&trine(&["inspect", path_text(&file)]));
    assert!(shown.contains("llama, 1 blocks, hidden 512, ffn 256, 6 heads over 3 of 128, vocabulary 300"), "{shown}");
    assert_eq!(trine(&["logits", path_text(&file), "--ids", "1,299"]).stdout.len(), 2 * 300 * 4);
    let error = failure(&trine(&["synth", path_text(&file), "--heads", "7"]), 2);
    assert!(error.contains('7'), "{error}");
}

/// A model with experts is made up, shown, run, converted and compared.
#[test]
fn every_command_knows_experts() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (file, smaller, whole) = (path("tq2_0.gguf"), path("tq1_0.gguf"), path("i2_s.gguf"));
    let options = ["--architecture", "maple", "--matrices", "tq2_0", "--vocab", "300", "--ffn", "256", "--blocks", "5"];
    text(&trine(&[&["synth", path_text(&file)], &options[..]].concat()));
    let shown = text(&trine(&["inspect", path_text(&file)]));
    assert!(shown.contains("maple, 5 blocks, hidden 512, 2 of 3 experts with ffn 256, 6 heads over 3"), "{shown}");
    assert!(shown.contains("down projection of the experts of block 4"), "{shown}");
    let checked = text(&trine(&["check", path_text(&file)]));
    assert!(checked.contains("loads: maple, 5 blocks"), "{checked}");
    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/maple/one-f32.gguf");
    let traced = text(&trine(&["check", GOLDEN, "--trace", "-p", "The king"]));
    assert!(["ffn_routing", "ffn_routed", "ffn_experts"].iter().all(|part| traced.contains(part)), "{traced}");
    let logits = |file| trine(&["logits", path_text(file), "--ids", "7,299,4,4"]).stdout;
    let expected = logits(&file);
    assert_eq!(expected.len(), 4 * 300 * 4);
    for (to, converted) in [("tq1_0", &smaller), ("i2_s", &whole)] {
        text(&trine(&["convert", path_text(&file), path_text(converted), "--to", to]));
        let verdict = text(&trine(&["diff", path_text(&file), path_text(converted)]));
        assert!(verdict.starts_with("the same model"), "{verdict}");
    }
    assert!(logits(&smaller) == expected, "the same codes and scales give the same bits");
}

#[test]
fn unusual_gains_are_a_warning_that_strict_refuses() {
    let folder = TempDir::new().unwrap();
    let changed = folder.path().join("unusual.gguf");
    let mut bytes = std::fs::read(STORIES).unwrap();
    let tensor = Gguf::open(STORIES).unwrap().tensor("blk.1.attn_norm.weight").unwrap().clone();
    for gain in bytes[tensor.offset as usize..][..tensor.len as usize].as_chunks_mut::<4>().0 {
        *gain = (f32::from_le_bytes(*gain) * 0.001).to_le_bytes();
    }
    std::fs::write(&changed, bytes).unwrap();
    let output = trine(&["check", path_text(&changed)]);
    assert_eq!(output.status.code(), Some(0), "a statistic refuses nothing");
    let warned = errors(&output);
    assert!(warned.contains("warning: ") && warned.contains("blk.1.attn_norm.weight"), "{warned}");
    assert!(warned.contains("an RMS of 0.0006 is unusual"), "{warned}");
    let error = trine(&["check", path_text(&changed), "--strict"]);
    assert_eq!(error.status.code(), Some(1), "{}", errors(&error));
    assert!(errors(&error).contains("--strict"), "{}", errors(&error));
    assert!(text(&trine(&["inspect", path_text(&changed)])).contains("unusual (2)"));
    assert!(text(&trine(&["check", STORIES, "--strict"])).contains("loads"));
}

#[test]
fn a_check_shows_every_tensor_where_asked_with_its_separate_scale() {
    const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/directories/llama");
    let shown = text(&trine(&["check", DIRECTORY, "--tensors"]));
    let row = shown
        .lines()
        .find(|line| line.trim_start().starts_with("model.layers.0.mlp.down_proj.weight "))
        .expect("a row");
    let parts = ["U8, runs as i2_s", "256 x 512", "[Hidden, Ffn]", "down projection of block 0", "31.0 % zeros"];
    assert!(parts.iter().all(|part| row.contains(part)), "{row}");
    assert!(row.contains("scale 0.0353"), "the reciprocal of 28.317, by which products are divided: {row}");
    assert!(text(&trine(&["inspect", DIRECTORY])).contains(row));
    assert_eq!(text(&trine(&["check", DIRECTORY])).lines().count(), 1);
}

#[test]
fn what_a_number_with_several_layouts_means_is_shown() {
    let file = |name: &str| format!("{}/../tests/fixtures/grouped/{name}", env!("CARGO_MANIFEST_DIR"));
    let layouts = [
        ("tied-q2_0.gguf", "type id 42 is Q2_0 in groups of 64: 8 tensors"),
        ("tied-q2_0-legacy.gguf", "type id 42 is Q2_0 in groups of 128 (legacy, the bytes of PQ2_0): 8 tensors"),
    ];
    for (name, layout) in layouts {
        let (path, line) = (file(name), format!("layout  {layout}\n"));
        assert!(text(&trine(&["inspect", &path])).contains(&line), "{name}");
        let checked = text(&trine(&["check", &path]));
        assert_eq!(checked.lines().nth(1), Some(&*format!("{path}: {layout}")), "{checked}");
        let document: serde_json::Value =
            serde_json::from_str(&text(&trine(&["inspect", &path, "--json", "--metadata-only"]))).unwrap();
        assert_eq!((&document["layouts"][0]["id"], &document["layouts"][0]["tensors"]), (&42.into(), &8.into()));
    }
    assert_eq!(text(&trine(&["check", &file("tied-pq2_0.gguf")])).lines().count(), 1, "its number has one layout");
}

/// What llama.cpp does with these files was seen with its own program, by `tools/golden/opens_in_llama_cpp.py`.
#[test]
fn files_that_llama_cpp_reads_otherwise_are_named() {
    let files = [
        ("qwen35/tied-folded.gguf", Some("llama.cpp v0.5.0 loads it and prints wrong text: its matrices are folded")),
        ("grouped/tied-q2_0-legacy.gguf", Some("llama.cpp v0.5.0 refuses it: it reads type id 42 as groups of 64")),
        ("hunyuan/stq1_0.gguf", Some("llama.cpp v0.5.0 refuses it: it reads type id 42 as Q2_0")),
        ("embeddings/qwen3-i2_s.gguf", Some("llama.cpp v0.5.0 refuses it: it does not know the norms of the inputs")),
        ("grouped/tied-q2_0.gguf", None),
        ("qwen35/tied-f32.gguf", None),
    ];
    for (name, remark) in files {
        let path = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let checked = text(&trine(&["check", &path]));
        let document: serde_json::Value = serde_json::from_str(&text(&trine(&["check", &path, "--json"]))).unwrap();
        let remarks = document["elsewhere"].as_array().unwrap();
        match remark {
            Some(remark) => {
                assert!(checked.lines().any(|line| line.starts_with(&format!("{path}: {remark}"))), "{checked}");
                assert!(remarks.len() == 1 && remarks[0].as_str().unwrap().starts_with(remark), "{document}");
            }
            None => assert!(remarks.is_empty() && !checked.contains("llama.cpp"), "{checked}"),
        }
    }
}

#[test]
fn groups_are_those_of_a_quantizer_and_divide_rows() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out.gguf");
    let dense = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/llama_cpp/llama-dense-q4_0.gguf");
    let output = trine(&["convert", dense, path_text(&out), "--to", "q2_0", "--group", "64"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && error.contains("--quantize <METHOD>"), "{error}");
    let quantize = ["--to", "q2_0", "--quantize", "absmean", "--group", "64"];
    let error = failure(&trine(&[&["convert", dense, path_text(&out)], &quantize[..]].concat()), 1);
    assert!(error.contains("ffn_down.weight") && error.contains("multiple of 64"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_policy_corrects_the_file_it_names_and_no_other() {
    let folder = TempDir::new().unwrap();
    let file = Gguf::open(STORIES).unwrap();
    let policy = folder.path().join("policy.json");
    let orders = |digest: &str, tensor: &str| {
        let corrections = serde_json::json!([
            { "type": "rescale_gains", "tensors": ["output_norm.weight"], "rms": 2.5 },
            { "type": "invert_scale", "tensors": [tensor] },
        ]);
        let document = serde_json::json!({ "version": 1, "files": [{ "sha256": digest, "corrections": corrections }] });
        std::fs::write(&policy, document.to_string()).unwrap();
        trine(&["logits", STORIES, "--ids", "1,5", "--policy", path_text(&policy)])
    };
    let digest = trine::model::sha256(&file);
    let corrected = orders(&digest, "blk.2.attn_k.weight");
    let shown = errors(&corrected);
    assert_eq!(corrected.status.code(), Some(0), "{shown}");
    assert!(shown.contains("`output_norm.weight`: gains rescaled, RMS 1.428"), "{shown}");
    assert!(
        shown.contains("2.500000 after") && shown.contains("`blk.2.attn_k.weight`: scale inverted, 0.0"),
        "{shown}"
    );
    assert_ne!(corrected.stdout, trine(&["logits", STORIES, "--ids", "1,5"]).stdout);
    let error = failure(&orders(&"0".repeat(64), "blk.2.attn_k.weight"), 1);
    assert!(error.contains("policy.json") && error.contains(&digest), "{error}");
    let error = failure(&orders(&digest, "token_embd.weight"), 1);
    assert!(error.contains("token_embd.weight") && error.contains("a correction is ordered"), "{error}");
}

#[test]
fn a_trace_shows_every_part_of_a_pass() {
    let shown = text(&trine(&["check", STORIES, "--trace", "-p", "The king"]));
    let row = |block: &str, part: &str| {
        let found = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut found = found.filter(|cells| cells.len() == 4 && cells[0] == block && cells[1] == part);
        let cells = found.next().unwrap_or_else(|| panic!("{block} {part} is not in {shown}"));
        (cells[2].parse::<f64>().unwrap(), cells[3].parse::<f64>().unwrap())
    };
    for block in ["0", "1", "2", "3"] {
        for part in ["attn_norm", "attn_k_rope", "attention", "ffn_sub_norm", "ffn_down", "output"] {
            let (rms, largest) = row(block, part);
            assert!(0.0 < rms && rms <= largest, "{block} {part}: {rms} {largest}");
        }
    }
    // Gains are about 0.6 here: a norm's output has their root mean square.
    assert!((0.3..1.5).contains(&row("0", "attn_norm").0), "{shown}");
    assert!(row("-", "embedding").0 < row("-", "logits").0, "{shown}");
    assert!(shown.contains("forward pass over "), "{shown}");
    assert_eq!(trine(&["check", STORIES, "-p", "The king"]).status.code(), Some(2), "a prompt is for --trace");
}

#[test]
fn a_picture_of_a_pass_shows_where_two_files_begin_to_differ() {
    let folder = TempDir::new().unwrap();
    let picture = folder.path().join("trace.svg");
    text(&trine(&["check", STORIES, "--trace", "-p", "The king", "--svg", path_text(&picture)]));
    let alone = std::fs::read_to_string(&picture).unwrap();
    // Seventeen parts of each of four blocks and three outside of them, by their root mean square and their largest.
    assert_eq!(alone.matches("<rect class=\"cell\"").count(), 2 * (4 * 17 + 3), "{alone}");
    assert_eq!((alone.matches("<g class=\"map\"").count(), alone.matches("cell other").count()), (2, 0));
    assert!(alone.contains("<title>block 2 attn_q: RMS ") && alone.contains("<title>embedding: RMS "), "{alone}");
    assert_eq!(alone.matches('<').count(), alone.matches('>').count());

    // A norm of a block and the one before the head in each other's place: roles that are mixed up.
    let file = Gguf::open(STORIES).unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    let gains = |name: &str| {
        match name {
            "blk.2.attn_norm.weight" => "output_norm.weight",
            "output_norm.weight" => "blk.2.attn_norm.weight",
            other => other,
        }
        .to_owned()
    };
    for info in file.tensors() {
        writer.tensor(gains(&info.name), &info.ne.row_major(), info.kind, file.bytes(info)).unwrap();
    }
    let mixed = folder.path().join("mixed.gguf");
    writer.write_file(&mixed).unwrap();
    let arguments = ["check", path_text(&mixed), "--trace", "-p", "The king", "--svg", path_text(&picture)];
    text(&trine(&[&arguments[..], &["--beside", STORIES]].concat()));
    let both = std::fs::read_to_string(&picture).unwrap();
    assert_eq!(both.matches("<g class=\"map\"").count(), 4);
    let first = both.lines().find(|line| line.contains("cell other first")).unwrap_or_else(|| panic!("{both}"));
    assert!(first.contains("<title>block 2 attn_norm:"), "{first}");
    let before = both.lines().filter(|line| line.contains("cell other"));
    assert!(!before.clone().any(|line| line.contains("block 0 ") || line.contains("block 1 ")), "{both}");

    let error = failure(&trine(&["check", STORIES, "--trace", "--svg", "/nowhere/trace.svg"]), 1);
    assert!(error.contains("/nowhere/trace.svg"), "{error}");
    failure(&trine(&["check", STORIES, "--svg", path_text(&picture)]), 2);
}

#[test]
fn threads_change_no_file_and_no_comparison() {
    let folder = TempDir::new().unwrap();
    let file = |threads: &str| {
        let path = folder.path().join(format!("of-{threads}.gguf"));
        text(&trine(&["synth", path_text(&path), "--blocks", "1", "--threads", threads]));
        path
    };
    let (one, three) = (file("1"), file("3"));
    assert!(std::fs::read(&one).unwrap() == std::fs::read(&three).unwrap());
    for threads in ["1", "2"] {
        let verdict = text(&trine(&["diff", path_text(&one), path_text(&three), "--threads", threads]));
        assert!(verdict.starts_with("the same model"), "{verdict}");
    }
    assert_eq!(trine(&["diff", STORIES, STORIES, "--threads", "0"]).status.code(), Some(2));
}

#[test]
fn a_window_of_one_token_is_refused_with_the_stride_that_it_would_have() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("text.txt");
    std::fs::write(&file, "Once upon a time").unwrap();
    let error = failure(&trine(&["perplexity", STORIES, path_text(&file), "--window", "1"]), 1);
    assert!(error.contains("window 1 and stride 1") && error.contains("2 <= window <= 256"), "{error}");
}

#[test]
fn logits_that_are_no_numbers_are_refused_with_the_name_of_the_file() {
    let folder = TempDir::new().unwrap();
    let changed = folder.path().join("overflowing.gguf");
    let mut bytes = std::fs::read(STORIES).unwrap();
    let tensor = Gguf::open(STORIES).unwrap().tensor("output_norm.weight").unwrap().clone();
    let gains = bytes[tensor.offset as usize..][..tensor.len as usize].as_chunks_mut::<4>().0;
    gains.iter_mut().for_each(|gain| *gain = 3e38f32.to_le_bytes());
    std::fs::write(&changed, bytes).unwrap();
    let output = trine(&["logits", path_text(&changed), "--ids", "1,2"]);
    let errors = errors(&output);
    let last = errors.lines().last().unwrap();
    assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{errors}");
    assert!(last.contains("overflowing.gguf: logit ") && last.contains("at position 0 is "), "{errors}");
}

#[test]
fn a_mean_of_damaged_gains_is_a_short_number() {
    let folder = TempDir::new().unwrap();
    let changed = folder.path().join("damaged.gguf");
    let mut bytes = std::fs::read(STORIES).unwrap();
    let tensor = Gguf::open(STORIES).unwrap().tensor("blk.1.attn_norm.weight").unwrap().clone();
    bytes[tensor.offset as usize..][..tensor.len as usize]
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .for_each(|gain| *gain = 8e35f32.to_le_bytes());
    std::fs::write(&changed, bytes).unwrap();
    let shown = text(&trine(&["inspect", path_text(&changed)]));
    assert!(shown.contains("RMS of gains 8.000e35") && shown.contains("an RMS of 8.000e35 is unusual"), "{shown}");
}

const EMBEDDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/embeddings/qwen3-i2_s.gguf");

#[test]
fn each_line_becomes_a_row() {
    let lines = b"one text\nand another\n";
    let output = text(&trine_reading(lines, &["embed", EMBEDDER]));
    let rows: Vec<serde_json::Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    let raw = trine_reading(lines, &["embed", EMBEDDER, "--raw", "--pooling", "last"]).stdout;
    let raw: Vec<f32> = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(raw.len(), 2 * 128);
    for (index, (row, raw)) in rows.iter().zip(raw.chunks_exact(128)).enumerate() {
        assert_eq!(row["index"], index);
        let numbers = row["embedding"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32);
        assert!(numbers.eq(raw.iter().copied()), "row {index}");
    }
    let joined = text(&trine_reading(b"and another", &["embed", EMBEDDER, "--prefix", "one text\n", "--whole"]));
    let whole = text(&trine_reading(b"one text\nand another", &["embed", EMBEDDER, "--whole"]));
    assert_eq!(joined, whole);
    let mean = text(&trine_reading(lines, &["embed", EMBEDDER, "--pooling", "mean"]));
    assert_ne!(mean, output);
}

#[test]
fn a_model_that_says_of_no_row_that_it_stands_for_a_text_needs_an_option() {
    let output = trine_reading(b"a text", &["embed", STORIES]);
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert!(errors(&output).contains("--pooling last"), "{}", errors(&output));
    assert!(text(&trine_reading(b"a text", &["embed", STORIES, "--pooling", "last"])).contains("\"embedding\":["));
}
