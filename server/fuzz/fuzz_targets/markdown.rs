//! Fuzzes the rendering of Markdown.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| server::fuzzing::markdown(input));
