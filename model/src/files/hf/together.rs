//! Tensors of a directory that belong together: words of codes and the numbers beside them, and the matrices of the
//! experts of a block, where each is a tensor of its own.
//!
//! What belongs here: finding them. What does not: what they hold ([`weights`](crate::weights)), and what names stand
//! for (`names.rs`).

use super::names;
use crate::description::Role;
use crate::files::{Encoding, SourceTensor, Words};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The names of the tensors that may lie beside one in words.
pub(super) fn names_beside(words: &str) -> impl Iterator<Item = String> {
    let module = words.strip_suffix("weight").unwrap_or_default();
    let kinds = [Words::TernaryRows, Words::Affine64].into_iter().flat_map(Words::beside);
    kinds.map(move |kind| format!("{module}{kind}"))
}

/// The tensors, those in words with what lies beside them, which then are no tensors by themselves. Words beside which
/// scales of rows lie are of that kind.
pub(super) fn with_groups(tensors: Vec<SourceTensor>) -> Vec<SourceTensor> {
    let by_name: HashMap<_, _> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let found = |tensor: &SourceTensor| {
        let Encoding::Words(usual) = tensor.encoding else { return None };
        let module = tensor.name.strip_suffix("weight")?;
        let beside = |words: Words| {
            let names = words.beside().iter().map(|kind| format!("{module}{kind}"));
            names.map(|name| by_name.get(name.as_str()).copied().cloned()).collect::<Option<Vec<_>>>()
        };
        let of_rows = Some(Words::TernaryRows).filter(|rows| rows.bits() == usual.bits());
        let mut kinds = of_rows.into_iter().chain([usual]);
        kinds.find_map(|words| Some((words, beside(words)?)))
    };
    let found: Vec<_> = tensors.iter().map(found).collect();
    let beside = found.iter().flatten().flat_map(|(_, groups)| groups);
    let taken: HashSet<String> = beside.map(|tensor| tensor.name.clone()).collect();
    let with_its_groups = |(tensor, found)| match found {
        Some((words, groups)) => {
            SourceTensor { encoding: Encoding::Words(words), groups: Some(Vec::into(groups)), ..tensor }
        }
        None => tensor,
    };
    let tensors = tensors.into_iter().zip(found).map(with_its_groups);
    tensors.filter(|tensor| !taken.contains(&tensor.name)).collect()
}

/// Which experts have a tensor of their own, for each matrix of experts of which some have.
pub(super) fn experts<'n>(
    names: impl Iterator<Item = &'n str>,
    expert: impl Fn(&str) -> Option<(Role, usize)>,
) -> Vec<(Role, BTreeSet<usize>)> {
    let (mut places, mut found) = (HashMap::new(), Vec::<(Role, BTreeSet<usize>)>::new());
    for (role, number) in names.filter_map(expert) {
        let place = *places.entry(role).or_insert(found.len());
        if place == found.len() {
            found.push((role, BTreeSet::new()));
        }
        found[place].1.insert(number);
    }
    found
}

/// The tensors, those of the experts of a matrix as parts of one, in the order of their numbers.
pub(super) fn with_experts(
    tensors: Vec<SourceTensor>,
    expert: impl Fn(&str) -> Option<(Role, usize)>,
) -> Vec<SourceTensor> {
    let mut of_role: HashMap<Role, Vec<(usize, SourceTensor)>> = HashMap::new();
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for (place, tensor) in tensors.into_iter().enumerate() {
        match expert(&tensor.name) {
            Some((role, number)) => {
                let parts = of_role.entry(role).or_default();
                if parts.is_empty() {
                    first.push((place, role));
                }
                parts.push((number, tensor));
            }
            None => others.push((place, tensor)),
        }
    }
    let stacks = first.into_iter().map(|(place, role)| (place, stacked(of_role.remove(&role).unwrap_or_default())));
    others.extend(stacks.filter_map(|(place, stack)| Some((place, stack?))));
    others.sort_by_key(|(place, _)| *place);
    others.into_iter().map(|(_, tensor)| tensor).collect()
}

/// One tensor of those of experts with their numbers; none of none.
fn stacked(mut parts: Vec<(usize, SourceTensor)>) -> Option<SourceTensor> {
    parts.sort_by_key(|(number, _)| *number);
    let parts: Vec<SourceTensor> = parts.into_iter().map(|(_, tensor)| tensor).collect();
    let first = parts.first()?.clone();
    Some(SourceTensor {
        name: names::of_all_experts(&first.name),
        dims: [&[parts.len()], &first.dims[..]].concat(),
        bytes: bytes::Bytes::new(),
        groups: None,
        parts: Some(parts.into()),
        ..first
    })
}
