//! Metadata that lies about lengths, types, text, nesting and alignment.

use crate::builder::{ARRAY, BOOL, Builder, STRING, U8, U32, U64, valid};

const DAMAGED: &str = "the file is truncated or damaged; download or copy it again";

/// A file with one metadata entry, whose value is to be appended.
fn entry(key: &str, value_type: u32) -> Builder {
    Builder::header(0, 1).key(key, value_type)
}

#[test]
fn string_lengths_beyond_the_file() {
    for length in [1000, u64::MAX] {
        entry("general.name", STRING).u64(length).raw("text").refused(&format!(
            "metadata key \"general.name\", byte 56: a string needs {length} bytes, but the file ends 4 bytes on: \
             {DAMAGED}"
        ));
        Builder::header(0, 1).u64(length).zeros(9).refused(&format!(
            "metadata entry 0, byte 32: metadata key needs {length} bytes, but the file ends 9 bytes on: {DAMAGED}"
        ));
    }
}

#[test]
fn array_counts_beyond_the_file() {
    for (element_type, least) in [(U8, 1), (U32, 4), (U64, 8), (BOOL, 1), (STRING, 8), (ARRAY, 12)] {
        for count in [1 << 40, u64::MAX] {
            entry("a.b", ARRAY).u32(element_type).u64(count).zeros(11).refused(&format!(
                "metadata key \"a.b\", byte 43: {count} array elements need at least {least} bytes each, but only 11 \
                 bytes follow: {DAMAGED}"
            ));
        }
    }
}

#[test]
fn value_types_that_do_not_exist() {
    for found in [13, 255, u32::MAX] {
        let message = format!("byte 35: expected a metadata value type from 0 to 12, found {found}");
        entry("a.b", found).zeros(8).refused(&format!("metadata key \"a.b\", {message}"));
    }
    let message = "metadata key \"a.b\", byte 39: expected a metadata value type from 0 to 12, found 77";
    entry("a.b", ARRAY).u32(77).u64(0).refused(message);
}

#[test]
fn text_that_is_not_utf8() {
    let wrong = b"ab\xff\xfe";
    Builder::header(0, 1).string(wrong).zeros(5).refused(
        "metadata entry 0, byte 24: metadata key is not valid UTF-8: the first wrong byte is at byte 34 of the file",
    );
    entry("a.b", STRING).string(wrong).refused(
        "metadata key \"a.b\", byte 39: a string is not valid UTF-8: the first wrong byte is at byte 49 of the file",
    );
    entry("a.b", ARRAY).u32(STRING).u64(2).string("good").string(wrong).refused(
        "metadata key \"a.b\", byte 63: a string of the array is not valid UTF-8: the first wrong byte is at byte 73 \
         of the file",
    );
}

#[test]
fn keys_that_are_empty_or_too_long() {
    Builder::header(0, 1)
        .string("")
        .u32(U32)
        .zeros(4)
        .refused("metadata entry 0, byte 24: expected a metadata key of 1 to 65535 bytes, found 0");
    entry(&"k".repeat(65_536), U32)
        .u32(1)
        .refused("metadata entry 0, byte 24: expected a metadata key of 1 to 65535 bytes, found 65536");
    assert_eq!(entry(&"k".repeat(65_535), U32).u32(1).open().expect("just short enough").metadata().len(), 1);
}

#[test]
fn long_keys_are_cut_and_escaped_in_messages() {
    let key = format!("line\n{}", "x".repeat(1000));
    entry(&key, 99).zeros(8).refused_with(&["metadata key \"line\\nxxx", "... (1005 bytes), byte 1037"]);
}

#[test]
fn booleans_other_than_0_and_1() {
    entry("a.b", BOOL).raw([2]).refused("metadata key \"a.b\", byte 39: expected a boolean of 0 or 1, found 2");
    entry("a.b", ARRAY)
        .u32(BOOL)
        .u64(3)
        .raw([1, 0, 255])
        .refused("metadata key \"a.b\", byte 53: expected a boolean of 0 or 1, found 255");
}

#[test]
fn arrays_nested_without_end() {
    let nested = |depth: usize| (1..depth).fold(entry("a.b", ARRAY), |builder, _| builder.u32(ARRAY).u64(1));
    assert!(nested(4).u32(U8).u64(1).raw([5]).open().is_ok());
    for depth in [5, 100_000] {
        nested(depth)
            .u32(U8)
            .u64(1)
            .raw([5])
            .refused("metadata key \"a.b\", byte 87: expected arrays nested at most 4 deep, found more");
    }
}

#[test]
fn keys_that_occur_twice() {
    Builder::header(0, 3)
        .key("b", U32)
        .u32(1)
        .key("a", U32)
        .u32(2)
        .key("b", STRING)
        .string("again")
        .refused("metadata key \"b\", byte 58: occurs twice; it was first at byte 24");
}

#[test]
fn alignments_that_are_none() {
    for found in [0, 1, 4, 24, 48, 1 << 21, 1 << 31, u32::MAX] {
        entry("general.alignment", U32).u32(found).refused(&format!(
            "metadata key \"general.alignment\", byte 24: expected a power of two from 8 to 1048576, found {found}"
        ));
    }
    entry("general.alignment", U64)
        .u64(32)
        .refused("metadata key \"general.alignment\", byte 24: expected a value of type u32, found u64 32");
    entry("general.alignment", STRING)
        .string("32")
        .refused("metadata key \"general.alignment\", byte 24: expected a value of type u32, found string");
}

#[test]
fn bytes_after_the_metadata_of_a_file_without_tensors() {
    // The entry ends at byte 42; the data section would begin at byte 64.
    for padding in [0, 1, 22] {
        assert!(entry("ab", U32).u32(1).zeros(padding).open().is_ok(), "{padding}");
    }
    entry("ab", U32).u32(1).zeros(23).refused(
        "byte 64: expected the end of the file at byte 64, after the last tensor and its padding, found 65 bytes: the \
         rest belongs to nothing",
    );
}

#[test]
fn the_valid_file_is_valid() {
    assert_eq!(valid().open().expect("valid").metadata().len(), 3);
}
