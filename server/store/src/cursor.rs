//! Cursors for lists ordered by a number and an id, and the check for NUL in text.

use model::fault::Fault;
use model::reason::Reason;

use crate::error::{Error, Result};

/// Formats a cursor from the last item's number and id.
pub(crate) fn format(number: i64, id: i64) -> String {
    format!("{number}.{id}")
}

/// Parses a cursor into a number and an id.
pub(crate) fn parse(text: &str) -> Result<(i64, i64)> {
    let (number, id) = text.split_once('.').ok_or_else(wrong)?;
    Ok((number.parse().map_err(|_| wrong())?, id.parse().map_err(|_| wrong())?))
}

/// The error for an invalid cursor.
pub(crate) fn wrong() -> Error {
    Error::Fault(Fault::invalid("cursor", Reason::CursorInvalid))
}

/// Rejects NUL, which PostgreSQL cannot store in text.
pub(crate) fn no_zero(field: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::Fault(Fault::invalid(field, Reason::UnsupportedCharacter)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        assert_eq!(parse(&format(-7, i64::MAX)).unwrap(), (-7, i64::MAX));
        for bad in ["", ".", "1", "1.", "x.1", "1.2.3"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
