//! A directory of safetensors files: one, or several with an index that says which tensor is where.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;

use super::header::Texts;
use super::{JSON_BYTES, SHARDS, Safetensors, SafetensorsError, SafetensorsInfo, SafetensorsProblem};
use crate::{Access, read_file};

/// The file where there is one.
const WHOLE: &str = "model.safetensors";
/// The index where there are several.
const INDEX: &str = "model.safetensors.index.json";

/// The weights of a directory, from `model.safetensors` or from the files that `model.safetensors.index.json` names:
/// every tensor is in exactly one of them.
#[derive(Debug)]
pub struct SafetensorsModel {
    files: Vec<Safetensors>,
}

/// The index; its other entries say nothing that the files do not say.
#[derive(Deserialize)]
struct Index {
    weight_map: Texts,
}

impl SafetensorsModel {
    /// Opens the files of a directory. As for HF transformers, one whole file goes before an index. [`Access::Map`]
    /// says what must not happen to files while they are mapped.
    ///
    /// # Errors
    /// [`SafetensorsError`] where there are no such files, one of them is not sound, or index and files differ.
    pub fn open(directory: impl AsRef<Path>, access: Access) -> Result<SafetensorsModel, SafetensorsError> {
        let directory = directory.as_ref();
        let (whole, index) = (directory.join(WHOLE), directory.join(INDEX));
        if whole.exists() {
            return Ok(SafetensorsModel { files: vec![Safetensors::open(whole, access)?] });
        }
        if index.exists() {
            return from_index(directory, &index, access);
        }
        let pickles = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"];
        let has_pickles = pickles.iter().any(|name| directory.join(name).exists());
        Err(SafetensorsError::new(&label(directory), SafetensorsProblem::NoWeights { has_pickles }))
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> &[Safetensors] {
        &self.files
    }

    /// Every tensor with the file that has it.
    pub fn tensors(&self) -> impl Iterator<Item = (&Safetensors, &SafetensorsInfo)> {
        self.files.iter().flat_map(|file| file.tensors().iter().map(move |tensor| (file, tensor)))
    }
}

fn label(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

fn from_index(directory: &Path, path: &Path, access: Access) -> Result<SafetensorsModel, SafetensorsError> {
    let here = label(path);
    let fail = |problem| SafetensorsError::new(&here, problem);
    let json = read_file(path, JSON_BYTES).map_err(|problem| fail(SafetensorsProblem::File(problem)))?;
    let not_json = |error: serde_json::Error| fail(SafetensorsProblem::Json { message: error.to_string() });
    let Index { weight_map: Texts(pairs) } = serde_json::from_slice(&json).map_err(not_json)?;
    let mut indexed = BTreeMap::new();
    for (tensor, shard) in pairs {
        if indexed.insert(tensor.clone(), shard).is_some() {
            let problem = SafetensorsProblem::Json { message: "the name stands twice".to_owned() };
            return Err(fail(problem).of(&tensor));
        }
    }
    let shards: BTreeSet<&String> = indexed.values().collect();
    if shards.len() > SHARDS {
        return Err(fail(SafetensorsProblem::TooManyShards { found: shards.len() }));
    }
    let mut files = Vec::with_capacity(shards.len());
    for shard in shards {
        // Nothing but a name: no path leads out of the directory.
        if shard.is_empty() || Path::new(shard).file_name() != Some(shard.as_ref()) || shard.contains(['/', '\\']) {
            return Err(fail(SafetensorsProblem::FileName { found: shard.clone() }));
        }
        files.push((shard, Safetensors::open(PathBuf::from(directory).join(shard), access)?));
    }
    agree(&indexed, &files).map_err(|(tensor, problem)| fail(problem).of(&tensor))?;
    Ok(SafetensorsModel { files: files.into_iter().map(|(_, file)| file).collect() })
}

/// Whether every tensor is where the index says, and only there.
fn agree(
    indexed: &BTreeMap<String, String>,
    files: &[(&String, Safetensors)],
) -> Result<(), (String, SafetensorsProblem)> {
    let mut found = BTreeSet::new();
    for (shard, file) in files {
        for tensor in file.tensors() {
            let place = indexed.get(&tensor.name);
            if place != Some(shard) {
                let problem = SafetensorsProblem::NotInIndex { shard: shard.to_string(), indexed: place.cloned() };
                return Err((tensor.name.clone(), problem));
            }
            found.insert(&tensor.name);
        }
    }
    match indexed.iter().find(|(tensor, _)| !found.contains(tensor)) {
        Some((tensor, shard)) => Err((tensor.clone(), SafetensorsProblem::NotInShard { shard: shard.clone() })),
        None => Ok(()),
    }
}
