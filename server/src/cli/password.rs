//! Passwords for accounts created by operators: read from standard input, or generated and shown once.

use std::io::{self, BufRead as _};

use data_encoding::BASE32_NOPAD;

use crate::cli::Error;

/// The length of a generated password in bytes: 120 bits.
const MADE_UP: usize = 15;

/// A password, and whether to show it.
#[derive(Debug)]
pub(super) struct Password {
    /// The password.
    pub text: String,
    /// Whether it was generated.
    pub made_up: bool,
}

impl Password {
    /// Reads a password from the first line of standard input, or generates one.
    pub(super) fn get(from_stdin: bool) -> Result<Self, Error> {
        if !from_stdin {
            let bytes: [u8; MADE_UP] = rand::random();
            return Ok(Self { text: BASE32_NOPAD.encode(&bytes).to_lowercase(), made_up: true });
        }
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Error::Input(format!("cannot read the password from standard input: {error}")))?;
        let text = line.trim_end_matches(['\n', '\r']).to_owned();
        if text.is_empty() {
            return Err(Error::Input("standard input holds no password".to_owned()));
        }
        Ok(Self { text, made_up: false })
    }
}
