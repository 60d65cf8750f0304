//! What `config.json` and the files of a tokenizer say, damaged.

use super::{CONFIG, Case, TOKENIZER, replaced, set};
use serde_json::{Value, json};

/// Every one of these cases.
pub(super) fn cases() -> Vec<Case> {
    [wholes(), descriptions(), numbers(), numbers_of_rope_and_vocabulary(), tokenizers()]
        .into_iter()
        .flatten()
        .collect()
}

/// `config.json` as a whole.
fn wholes() -> Vec<Case> {
    vec![
        replaced("a description that is no JSON", "expected JSON as HF transformers writes it", CONFIG, "{\"a\":"),
        replaced("a description that is a list", "expected JSON as HF transformers writes it", CONFIG, "[]"),
        replaced("an empty description", "expected JSON as HF transformers writes it", CONFIG, ""),
        replaced("a description of nothing", "`architectures` is []", CONFIG, "{}"),
        replaced("a description without end", "expected at most 4194304 bytes", CONFIG, vec![b' '; (4 << 20) + 1]),
        replaced(
            "lists within lists without end",
            "recursion limit exceeded",
            CONFIG,
            "{\"a\":".to_owned() + &"[".repeat(9000),
        ),
    ]
}

/// What `config.json` says of the model's kind.
fn descriptions() -> Vec<Case> {
    vec![
        set(
            "another class",
            "`MistralForCausalLM`, expected one of",
            CONFIG,
            "/architectures",
            json!(["MistralForCausalLM"]),
        ),
        set(
            "a class that breaks the line",
            "`Llama\\nForCausalLM`, expected",
            CONFIG,
            "/architectures",
            json!(["Llama\nForCausalLM"]),
        ),
        set(
            "two classes",
            "expected one of `BitNetForCausalLM`",
            CONFIG,
            "/architectures",
            json!(["LlamaForCausalLM", "a"]),
        ),
        set("another activation", "`hidden_act` is \"gelu\"", CONFIG, "/hidden_act", json!("gelu")),
        set("a window", "`sliding_window` is 64: this changes the arithmetic", CONFIG, "/sliding_window", json!(64)),
        set(
            "another quantization",
            "`quantization_config.quant_method` is \"awq\"",
            CONFIG,
            "/quantization_config/quant_method",
            json!("awq"),
        ),
        set(
            "another mode",
            "`quantization_config.quantization_mode` is \"later\"",
            CONFIG,
            "/quantization_config/quantization_mode",
            json!("later"),
        ),
        set(
            "a norm before each matrix",
            "`quantization_config.use_rms_norm` is true",
            CONFIG,
            "/quantization_config/use_rms_norm",
            json!(true),
        ),
        set(
            "a flag that is a text",
            "`quantization_config.use_rms_norm` is \"no\", expected true or false",
            CONFIG,
            "/quantization_config/use_rms_norm",
            json!("no"),
        ),
        set(
            "codes taken for masters",
            "`model.layers.0.mlp.down_proj.weight_scale`",
            CONFIG,
            "/quantization_config/quantization_mode",
            json!("online"),
        ),
        set(
            "a head that is not there",
            "`tie_word_embeddings` is false, expected true, or a tensor `lm_head.weight`",
            CONFIG,
            "/tie_word_embeddings",
            json!(false),
        ),
    ]
}

/// Numbers of `config.json`.
fn numbers() -> Vec<Case> {
    let number = |name, says, pointer, value| set(name, says, CONFIG, pointer, value);
    vec![
        number("no width", "as `hidden_size`, but there is no such entry", "/hidden_size", Value::Null),
        number(
            "a width of zero",
            "`hidden_size` is 0, expected a whole number of at least 1",
            "/hidden_size",
            json!(0),
        ),
        number("a negative width", "`hidden_size` is -60, expected a whole number", "/hidden_size", json!(-60)),
        number("a broken width", "`hidden_size` is 60.5, expected a whole number", "/hidden_size", json!(60.5)),
        number(
            "a width beyond 32 bits",
            "`hidden_size` is 4294967296, expected a whole number",
            "/hidden_size",
            json!(1u64 << 32),
        ),
        number("another width", "`model.embed_tokens.weight` should be", "/hidden_size", json!(72)),
        number("another feed-forward width", "mlp.gate_proj.weight", "/intermediate_size", json!(96)),
        number("a feed-forward width without end", "4294967295", "/intermediate_size", json!(u32::MAX)),
        number(
            "heads that do not group",
            "6 heads do not group over 4 key/value heads",
            "/num_key_value_heads",
            json!(4),
        ),
        number("more blocks than tensors", "`num_hidden_layers` is 3, expected 2", "/num_hidden_layers", json!(3)),
        number(
            "blocks without end",
            "`num_hidden_layers` is 4294967295, expected 2",
            "/num_hidden_layers",
            json!(u32::MAX),
        ),
        number(
            "positions without end",
            "`max_position_embeddings` is 4294967295",
            "/max_position_embeddings",
            json!(u32::MAX),
        ),
        number("an epsilon of zero", "`rms_norm_eps` is 0.0, expected a positive number", "/rms_norm_eps", json!(0.0)),
        number(
            "an epsilon beyond f32",
            "`rms_norm_eps` is 1e+300, expected a positive number",
            "/rms_norm_eps",
            json!(1e300),
        ),
        number(
            "a negative base",
            "`rope_parameters.rope_theta` is -1.0, expected a positive",
            "/rope_parameters/rope_theta",
            json!(-1.0),
        ),
    ]
}

/// Numbers of `config.json` that RoPE and the vocabulary have.
fn numbers_of_rope_and_vocabulary() -> Vec<Case> {
    let number = |name, says, pointer, value| set(name, says, CONFIG, pointer, value);
    vec![
        number(
            "another scaling",
            "`rope_parameters.rope_type` is `dynamic`",
            "/rope_parameters/rope_type",
            json!("dynamic"),
        ),
        number(
            "a scaling without its factor",
            "as `rope_parameters.factor`, but there is no such",
            "/rope_parameters/rope_type",
            json!("linear"),
        ),
        number("more tokens than embeddings", "`model.embed_tokens.weight` should be", "/vocab_size", json!(311)),
        number(
            "tokens without end",
            "`vocab_size` is 1073741824, expected at most 65536 more than tokenizer.json has tokens",
            "/vocab_size",
            json!(1 << 30),
        ),
        number("fewer tokens than the vocabulary", "outside the vocabulary of 5 tokens", "/vocab_size", json!(5)),
    ]
}

/// The files of a tokenizer.
fn tokenizers() -> Vec<Case> {
    let of = |name, says, pointer, value| set(name, says, TOKENIZER, pointer, value);
    vec![
        replaced("a tokenizer that is no JSON", "expected JSON as HF transformers writes it", TOKENIZER, "vocab"),
        replaced("a tokenizer without a model", "missing field `model`", TOKENIZER, "{}"),
        of("another model", "`model.type` is", "/model/type", json!("Unigram")),
        of("a token beyond the vocabulary", "outside the vocabulary of 310 tokens", "/model/vocab/a", json!(310)),
        of("a negative token", "`model.vocab` is", "/model/vocab/a", json!(-1)),
        of("two texts for one token", "token 5 is", "/model/vocab/zzzz", json!(5)),
        of("a merge of one token", "`model.merges` is", "/model/merges/0", json!("joined")),
        of(
            "a merge of three tokens",
            "expected JSON as HF transformers writes it",
            "/model/merges/0",
            json!(["a", "b", "c"]),
        ),
        of("a merge of what is no token", "merge", "/model/merges/0", json!("\u{4f60} \u{597d}")),
        of("another normalizer", "`normalizer` is", "/normalizer", json!({ "type": "Lowercase" })),
        of("another way to cut text", "`pre_tokenizer` is", "/pre_tokenizer", json!({ "type": "Whitespace" })),
        of(
            "an expression of another model",
            "`pre_tokenizer` is",
            "/pre_tokenizer/pretokenizers/0/pattern/Regex",
            json!("(a+)+$"),
        ),
        of("another post-processor", "`post_processor` is", "/post_processor", json!({ "type": "BertProcessing" })),
        replaced("settings that are no JSON", "tokenizer_config.json: expected JSON", "tokenizer_config.json", "{"),
        replaced(
            "a template that is not valid",
            "tokenizer.chat_template is not a valid template",
            "chat_template.jinja",
            "{% for x in",
        ),
        replaced(
            "a template that is no text",
            "chat_template.jinja: expected UTF-8 text",
            "chat_template.jinja",
            [0xff, 0xfe],
        ),
    ]
}
