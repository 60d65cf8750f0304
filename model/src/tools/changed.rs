//! Files of tests that differ from others in an entry or a tensor.

use trine_loader::{Gguf, GgufWriter, Value};

/// The file with the bytes of a tensor changed.
pub(super) fn changed(file: &Gguf, name: &str, change: impl Fn(&mut Vec<u8>)) -> Gguf {
    let entry = |_: &str, value: &Value| Some(value.clone());
    rewritten(file, entry, |found, bytes| {
        if found == name {
            change(bytes);
        }
        found.to_owned()
    })
}

/// The file with what `entry` makes of each entry, and each tensor under the name that `tensor` gives it, which may
/// change its bytes.
pub(super) fn rewritten(
    file: &Gguf,
    entry: impl Fn(&str, &Value) -> Option<Value>,
    tensor: impl Fn(&str, &mut Vec<u8>) -> String,
) -> Gguf {
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter().filter_map(|(key, value)| Some((key, entry(key, value)?))) {
        writer.set(key, value).unwrap();
    }
    for info in file.tensors() {
        let mut bytes = file.bytes(info).to_vec();
        let name = tensor(&info.name, &mut bytes);
        writer.tensor(name, &info.ne.row_major(), info.kind, bytes).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("changed", bytes.into()).unwrap()
}
