//! Fuzzes the parser of `Authorization` headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| server::fuzzing::authorization(input));
