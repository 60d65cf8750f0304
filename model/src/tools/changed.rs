//! Files of tests that differ from others in one tensor.

use trine_loader::{Gguf, GgufWriter};

/// The file with the bytes of a tensor changed.
pub(super) fn changed(file: &Gguf, name: &str, change: impl Fn(&mut Vec<u8>)) -> Gguf {
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    for tensor in file.tensors() {
        let mut bytes = file.bytes(tensor).to_vec();
        if tensor.name == name {
            change(&mut bytes);
        }
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, bytes).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("changed", bytes.into()).unwrap()
}
