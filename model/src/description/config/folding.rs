//! The keys `prism.hadamard.*` of a GGUF file, which say that matrices are folded.
//!
//! What belongs here: reading the keys, and each contradiction by its key, as a file that is read without its rotation
//! gives fluent wrong text. What does not: what a folded matrix is ([`Fold`](trine_ops::Fold)).

use super::Keys;
use crate::description::{Architecture, ConfigError, Folding, Role};
use std::collections::{BTreeMap, HashSet};
use trine_loader::{Array, TensorInfo, Value};

const PREFIX: &str = "prism.hadamard.";

/// Every key of the prefix.
const KEYS: [&str; 11] = [
    "version",
    "block_size",
    "transform",
    "axis",
    "sign_mode",
    "sign_widths",
    "sign_values",
    "weight_names",
    "inverse_weight_names",
    "gdn_v_grouped",
    "tied_output",
];

/// Architectures whose files may have folded matrices.
const ARCHITECTURES: [Architecture; 3] = [Architecture::Llama, Architecture::Qwen3, Architecture::Qwen35];

const EMBEDDING: &str = "token_embd.weight";
const HEAD: &str = "output.weight";

impl Keys<'_> {
    /// Which matrices are folded; `None` where none is.
    pub(super) fn folding(&self) -> Result<Option<Folding>, ConfigError> {
        let metadata = self.file.metadata();
        let mut given = metadata.iter().filter_map(|(key, _)| key.strip_prefix(PREFIX)).peekable();
        if given.peek().is_none() {
            return Ok(None);
        }
        if let Some(unknown) = given.find(|key| !KEYS.contains(key)) {
            return Err(self.fold_error(unknown, "there", format!("one of {}", KEYS.join(", "))));
        }
        let version = metadata.opt_u32(&format!("{PREFIX}version"))?;
        if !matches!(version, Some(1 | 2)) {
            let found = version.map_or_else(|| "missing".to_owned(), |version| version.to_string());
            return Err(self.fold_error("version", found, "1 or 2"));
        }
        if !ARCHITECTURES.contains(&self.architecture) {
            let expected = format!("no such key, as matrices of `{}` are not folded", self.architecture);
            return Err(self.fold_error("version", version.unwrap_or(0), expected));
        }
        self.expect_text("transform", &["normalized-sylvester-walsh-hadamard"])?;
        self.expect_text("axis", &["input-last-dimension"])?;
        let block = metadata.u32(&format!("{PREFIX}block_size"))? as usize;
        if !block.is_power_of_two() {
            return Err(self.fold_error("block_size", block, "a power of two"));
        }
        let grouped = metadata.opt_bool(&format!("{PREFIX}gdn_v_grouped"))?.unwrap_or(false);
        if grouped && !self.architecture.graph().hybrid {
            return Err(self.fold_error("gdn_v_grouped", true, "false, as no block has the delta rule"));
        }
        let (roles, embedding) = (self.folded_roles()?, self.has_folded_embedding()?);
        self.check_head(version == Some(2), embedding, &roles)?;
        let is_explicit = self.expect_text("sign_mode", &["identity", "explicit"])? == "explicit";
        let folding = Folding { block, signs: self.signs(block, is_explicit)?, roles, embedding, grouped };
        self.check_widths(&folding, is_explicit)?;
        Ok(Some(folding))
    }

    fn fold_error(&self, key: &str, found: impl ToString, expected: impl Into<String>) -> ConfigError {
        ConfigError::value(self.file.label(), format!("{PREFIX}{key}"), found, expected)
    }

    fn expect_text(&self, key: &str, expected: &[&'static str]) -> Result<&'static str, ConfigError> {
        let found = self.file.metadata().str(&format!("{PREFIX}{key}"))?;
        let known = expected.iter().find(|expected| **expected == found);
        known
            .copied()
            .ok_or_else(|| self.fold_error(key, format!("`{found}`"), format!("`{}`", expected.join("` or `"))))
    }

    fn names(&self, key: &str) -> Result<Vec<&str>, ConfigError> {
        match self.file.metadata().get(&format!("{PREFIX}{key}")) {
            None => Ok(Vec::new()),
            Some(Value::Array(Array::String(names))) => Ok((0..names.len()).filter_map(|at| names.get(at)).collect()),
            Some(_) => Err(self.fold_error(key, "no list of names", "a list of names of tensors")),
        }
    }

    fn numbers(&self, key: &str) -> Result<Vec<i64>, ConfigError> {
        match self.file.metadata().get(&format!("{PREFIX}{key}")) {
            None => Ok(Vec::new()),
            Some(Value::Array(Array::I32(numbers))) => Ok(numbers.iter().map(|n| i64::from(*n)).collect()),
            Some(Value::Array(Array::I8(numbers))) => Ok(numbers.iter().map(|n| i64::from(*n)).collect()),
            Some(Value::Array(Array::U32(numbers))) => Ok(numbers.iter().map(|n| i64::from(*n)).collect()),
            Some(_) => Err(self.fold_error(key, "no list of numbers", "a list of i32")),
        }
    }

    /// The matrices that are folded, each a tensor of the file that may be.
    fn folded_roles(&self) -> Result<HashSet<Role>, ConfigError> {
        const KEY: &str = "weight_names";
        let mut roles = HashSet::new();
        for name in self.names(KEY)? {
            if self.file.tensor(name).is_none() {
                return Err(self.fold_error(KEY, format!("`{name}`"), "names of tensors of the file"));
            }
            let may_be_folded = |role: &Role| match role {
                Role::Output => true,
                Role::Matrix(_, matrix) => !matrix.is_never_ternary() && !matrix.is_of_experts(),
                _ => false,
            };
            let Some(role) = Role::from_name(name, &self.architecture.graph()).filter(may_be_folded) else {
                let expected = "matrices of blocks that may be folded, or `output.weight`";
                return Err(self.fold_error(KEY, format!("`{name}`"), expected));
            };
            if !roles.insert(role) {
                return Err(self.fold_error(KEY, format!("`{name}` twice"), "each name once"));
            }
        }
        Ok(roles)
    }

    fn has_folded_embedding(&self) -> Result<bool, ConfigError> {
        const KEY: &str = "inverse_weight_names";
        match self.names(KEY)?[..] {
            [] => Ok(false),
            [EMBEDDING] => Ok(true),
            [first, ..] => Err(self.fold_error(KEY, format!("`{first}`, ..."), format!("`{EMBEDDING}` alone"))),
        }
    }

    /// A head of its own, or an embedding that is rotated and stands for it.
    fn check_head(&self, of_version_2: bool, embedding: bool, roles: &HashSet<Role>) -> Result<(), ConfigError> {
        const KEY: &str = "tied_output";
        let tied = self.file.metadata().opt_bool(&format!("{PREFIX}{KEY}"))?;
        let has_head = self.file.tensor(HEAD).is_some();
        if of_version_2 {
            if tied != Some(true) {
                let found = tied.map_or("missing", |_| "false");
                return Err(self.fold_error(KEY, found, "true, as version 2 says"));
            }
            if has_head {
                return Err(self.fold_error(KEY, true, format!("false, as the file has `{HEAD}`")));
            }
            if !embedding {
                let expected = format!("`{EMBEDDING}`, which `{PREFIX}{KEY}` says is the head too");
                return Err(self.fold_error("inverse_weight_names", "without it", expected));
            }
        } else if tied == Some(true) {
            return Err(self.fold_error(KEY, true, "false, as version 1 says"));
        } else if embedding && !has_head {
            let expected = format!("no `{EMBEDDING}`, as the head is the embedding and `{PREFIX}{KEY}` is not there");
            return Err(self.fold_error("inverse_weight_names", format!("`{EMBEDDING}`"), expected));
        }
        debug_assert!(!roles.contains(&Role::Output) || has_head, "names are of tensors of the file");
        Ok(())
    }

    /// Signs of inputs by their width.
    fn signs(&self, block: usize, is_explicit: bool) -> Result<BTreeMap<usize, Vec<i8>>, ConfigError> {
        let (widths, values) = (self.numbers("sign_widths")?, self.numbers("sign_values")?);
        if !is_explicit {
            return match widths.is_empty() && values.is_empty() {
                true => Ok(BTreeMap::new()),
                false => {
                    Err(self.fold_error("sign_widths", format!("{widths:?}"), "none, as `sign_mode` is `identity`"))
                }
            };
        }
        let mut signs = BTreeMap::new();
        let mut rest = &values[..];
        for found in &widths {
            let width = usize::try_from(*found).unwrap_or(0);
            if width == 0 || !width.is_multiple_of(block) {
                return Err(self.fold_error("sign_widths", found, format!("multiples of the {block} of `block_size`")));
            }
            let Some((of_width, later)) = rest.split_at_checked(width) else {
                let expected = format!("as many as the widths {widths:?} add up to");
                return Err(self.fold_error("sign_values", format!("{} numbers", values.len()), expected));
            };
            if let Some(other) = of_width.iter().find(|sign| sign.abs() != 1) {
                return Err(self.fold_error("sign_values", other, "1 or -1"));
            }
            if signs.insert(width, of_width.iter().map(|sign| *sign as i8).collect()).is_some() {
                return Err(self.fold_error("sign_widths", format!("{width} twice"), "each width once"));
            }
            rest = later;
        }
        match rest.is_empty() {
            true => Ok(signs),
            false => {
                let expected = format!("as many as the widths {widths:?} add up to");
                Err(self.fold_error("sign_values", format!("{} numbers", values.len()), expected))
            }
        }
    }

    /// Whether inputs of each folded matrix are blocks, and have signs where any have.
    fn check_widths(&self, folding: &Folding, is_explicit: bool) -> Result<(), ConfigError> {
        let of_embedding = folding.embedding.then_some(Role::TokenEmbedding);
        for role in folding.roles.iter().copied().chain(of_embedding) {
            let name = role.gguf_name(&self.architecture.graph());
            let Some(width) = self.file.tensor(&name).and_then(columns) else { continue };
            if !width.is_multiple_of(folding.block) {
                let expected = format!("a divisor of {width}, the width of the input of `{name}`");
                return Err(self.fold_error("block_size", folding.block, expected));
            }
            if is_explicit && !folding.signs.contains_key(&width) {
                let found = format!("{:?}", folding.signs.keys().collect::<Vec<_>>());
                let expected = format!("{width} too, the width of the input of `{name}`");
                return Err(self.fold_error("sign_widths", found, expected));
            }
        }
        Ok(())
    }
}

fn columns(tensor: &TensorInfo) -> Option<usize> {
    tensor.ne.row_major().last().copied()
}
