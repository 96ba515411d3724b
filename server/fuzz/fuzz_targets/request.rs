//! Fuzzes the parser of request targets.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| registry::testing::fuzz::request(input));
