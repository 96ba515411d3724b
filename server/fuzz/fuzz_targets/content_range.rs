//! Fuzzes the parser of `Content-Range` headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| registry::testing::fuzz::content_range(input));
