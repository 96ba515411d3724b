//! Fuzzes the parser of manifests and indexes.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| registry::testing::fuzz::manifest(input));
