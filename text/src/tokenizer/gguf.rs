//! The tokenizer keys of a GGUF file as [`VocabularyData`]. The only place that knows their names and types; what the
//! values mean is decided elsewhere.

use trine_loader::{Gguf, StringArray, Value};

use super::error::TokenizerError;
use super::vocabulary::{SpecialIds, VocabularyData};
use super::{Tokenizer, TokenizerOptions, TokenizerWarning};

/// Architectures whose published file lacks `tokenizer.ggml.pre` though its vocabulary is Llama 3's (Microsoft's
/// BitNet b1.58 2B4T).
const WITHOUT_PRE: [&str; 2] = ["bitnet-b1.58", "bitnet-25"];

/// Number of tokens of Llama 3's vocabulary.
const LLAMA3_TOKENS: usize = 128_256;

impl Tokenizer {
    /// Builds the tokenizer that a file describes; works on vocabulary-only files too.
    ///
    /// A byte-level BPE file must say in `tokenizer.ggml.pre` how text is split before merging. Where it does not,
    /// `options.pre` must; only for `bitnet-b1.58` and `bitnet-25` with 128,256 tokens it is known to be `llama-bpe`,
    /// and [`Tokenizer::warnings`] says so.
    ///
    /// # Errors
    /// [`TokenizerError`] with the file and the key that is missing, of the wrong type, inconsistent or unknown.
    pub fn from_gguf(gguf: &Gguf, options: &TokenizerOptions) -> Result<Tokenizer, TokenizerError> {
        let mut data = read(gguf)?;
        let mut warnings = Vec::new();
        if data.model != "gpt2" {
            if options.pre.is_some() {
                warnings.push(TokenizerWarning::PreIgnored { model: data.model.clone() });
            }
        } else if options.pre.is_some() {
            data.pre.clone_from(&options.pre);
        } else if data.pre.is_none() && lacks_only_the_name(gguf, &data)? {
            warnings.push(TokenizerWarning::PreAssumed);
            data.pre = Some("llama-bpe".to_owned());
        }
        let in_file = |problem| TokenizerError::File { file: gguf.label().to_owned(), problem: Box::new(problem) };
        Ok(Tokenizer::from_data(data).map_err(in_file)?.with_warnings(warnings))
    }
}

fn lacks_only_the_name(gguf: &Gguf, data: &VocabularyData) -> Result<bool, TokenizerError> {
    let architecture = gguf.metadata().opt_str("general.architecture")?;
    Ok(architecture.is_some_and(|name| WITHOUT_PRE.contains(&name)) && data.tokens.len() == LLAMA3_TOKENS)
}

impl VocabularyData {
    /// The keys of a GGUF file that hold these data, all but what [`VocabularyData::not_in_gguf`] says.
    pub fn to_metadata(&self) -> Vec<(String, Value)> {
        let texts = |texts: &Vec<String>| Value::from(texts.iter().collect::<StringArray>());
        let further_ends = (!self.further_ends.is_empty()).then(|| Value::from(self.further_ends.clone()));
        let mut entries = vec![
            ("tokenizer.ggml.model", Some(Value::from(self.model.as_str()))),
            ("tokenizer.ggml.pre", self.pre.as_deref().map(Value::from)),
            ("tokenizer.ggml.tokens", Some(texts(&self.tokens))),
            ("tokenizer.ggml.token_type", self.token_types.clone().map(Value::from)),
            ("tokenizer.ggml.scores", self.scores.clone().map(Value::from)),
            ("tokenizer.ggml.merges", self.merges.as_ref().map(texts)),
            ("tokenizer.ggml.add_bos_token", self.add_bos.map(Value::from)),
            ("tokenizer.ggml.add_eos_token", self.add_eos.map(Value::from)),
            ("tokenizer.ggml.add_space_prefix", self.add_space_prefix.map(Value::from)),
            (VocabularyData::FURTHER_ENDS, further_ends),
        ];
        entries.extend(self.special.roles().map(|(key, id)| (key, id.map(Value::from))));
        entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// Reads every key; checks nothing but presence and type.
fn read(gguf: &Gguf) -> Result<VocabularyData, TokenizerError> {
    let metadata = gguf.metadata();
    let owned = |strings: &StringArray| strings.iter().map(str::to_owned).collect::<Vec<_>>();
    Ok(VocabularyData {
        model: metadata.str("tokenizer.ggml.model")?.to_owned(),
        pre: metadata.opt_str("tokenizer.ggml.pre")?.map(str::to_owned),
        tokens: owned(metadata.string_array("tokenizer.ggml.tokens")?),
        token_types: metadata.opt_i32_array("tokenizer.ggml.token_type")?.map(<[i32]>::to_vec),
        scores: metadata.opt_f32_array("tokenizer.ggml.scores")?.map(<[f32]>::to_vec),
        merges: metadata.opt_string_array("tokenizer.ggml.merges")?.map(owned),
        special: SpecialIds {
            bos: metadata.opt_u32("tokenizer.ggml.bos_token_id")?,
            eos: metadata.opt_u32("tokenizer.ggml.eos_token_id")?,
            eot: metadata.opt_u32("tokenizer.ggml.eot_token_id")?,
            eom: metadata.opt_u32("tokenizer.ggml.eom_token_id")?,
            unknown: metadata.opt_u32("tokenizer.ggml.unknown_token_id")?,
            fim_pad: metadata.opt_u32("tokenizer.ggml.fim_pad_token_id")?,
            fim_rep: metadata.opt_u32("tokenizer.ggml.fim_rep_token_id")?,
            fim_sep: metadata.opt_u32("tokenizer.ggml.fim_sep_token_id")?,
        },
        further_ends: metadata.opt_u32_array(VocabularyData::FURTHER_ENDS)?.unwrap_or_default().to_vec(),
        add_bos: metadata.opt_bool("tokenizer.ggml.add_bos_token")?,
        add_eos: metadata.opt_bool("tokenizer.ggml.add_eos_token")?,
        add_space_prefix: metadata.opt_bool("tokenizer.ggml.add_space_prefix")?,
        added: Vec::new(),
        metaspace: None,
        nfc: false,
    })
}
