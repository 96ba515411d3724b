//! Fuzzes the parser of search queries.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| server::fuzzing::search(input));
