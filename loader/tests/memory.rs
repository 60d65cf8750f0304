//! How much memory the reader takes for a file, hostile or not. In a program of its own, because it counts every
//! allocation of the process.

use std::alloc::System;

use bytes::Bytes;
use cap::Cap;
use trine_loader::Gguf;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Memory per byte of metadata and tensor table that a file may cost, whatever its counts claim.
const PER_BYTE: usize = 16;

fn opened(name: &str, file: Vec<u8>) -> bool {
    let length = file.len();
    let bytes = Bytes::from(file);
    let before = ALLOCATOR.total_allocated();
    let is_valid = Gguf::from_bytes(name, bytes).is_ok();
    let taken = ALLOCATOR.total_allocated() - before;
    assert!(taken <= PER_BYTE * length + 4096, "{name}: {taken} bytes for a file of {length}");
    is_valid
}

/// Magic number, version 3 and the two counts.
fn header(tensors: u64, entries: u64) -> Vec<u8> {
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend(tensors.to_le_bytes());
    file.extend(entries.to_le_bytes());
    file
}

/// One metadata entry `k`: an array of `count` elements of a type.
fn array(element_type: u32, count: u64) -> Vec<u8> {
    let mut file = header(0, 1);
    file.extend(1u64.to_le_bytes());
    file.push(b'k');
    file.extend(9u32.to_le_bytes());
    file.extend(element_type.to_le_bytes());
    file.extend(count.to_le_bytes());
    file
}

#[test]
fn memory_is_bounded_by_the_length_of_the_file() {
    const COUNT: usize = 100_000;
    for element_type in 0..13 {
        for count in [u64::MAX, 1 << 56, 1 << 32, 1 << 24] {
            assert!(!opened("a count without elements", array(element_type, count)));
        }
    }
    let many = |element_type, element: &[u8]| [array(element_type, COUNT as u64), element.repeat(COUNT)].concat();
    assert!(opened("empty strings", many(8, &[0; 8])));
    assert!(opened("empty arrays", many(9, &[0; 12])));
    assert!(opened("booleans", many(7, &[1])));
    assert!(opened("bytes", many(0, &[7])));
    let entries = (0..COUNT).fold(header(0, COUNT as u64), |mut file, index| {
        file.extend(5u64.to_le_bytes());
        file.extend(format!("{index:05}").as_bytes());
        file.extend([0, 0, 0, 0, 9]);
        file
    });
    assert!(opened("small entries", entries));
    // As many entries as there is room for, the second of which is wrong.
    assert!(!opened("claimed entries", [header(0, 70_000), vec![0; 1_000_000]].concat()));
    assert!(!opened("claimed tensors", [header(30_000, 0), vec![0; 1_000_000]].concat()));
}
