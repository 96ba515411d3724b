//! The table of responses as text: a block for each probe, and a line for all actors with the same response.

use std::fmt::Write as _;

use crate::probes::{Probe, ProbeSubject};
use crate::world::COLUMNS;

/// The responses to an actor, by column: a status and a note.
pub(crate) type Cells = Vec<(u16, String)>;

/// Formats the block of a probe from the cells of each actor.
pub(crate) fn block(probe: &Probe, rows: &[(&str, Cells)]) -> String {
    let mut text = format!("{}\n", probe.title());
    if probe.about != ProbeSubject::Nothing {
        let heads = COLUMNS.map(|(column, _)| column);
        writeln!(text, "    {:<9} {:<9} {:<9} {}", heads[0], heads[1], heads[2], heads[3]).unwrap();
    }
    let mut notes: Vec<&str> = Vec::new();
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for (actor, cells) in rows {
        let mut line = String::new();
        for (status, note) in cells {
            let mark = if note.is_empty() { String::new() } else { mark(&mut notes, note) };
            write!(line, "{:<9} ", format!("{status}{mark}")).unwrap();
        }
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, actors)) => actors.push(actor),
            None => lines.push((line, vec![actor])),
        }
    }
    for (line, actors) in lines {
        writeln!(text, "    {line} {}", actors.join(", ")).unwrap();
    }
    for (number, note) in notes.iter().enumerate() {
        writeln!(text, "    {}  {note}", letter(number)).unwrap();
    }
    text
}

/// Returns the letter of a note, which is added to `notes` if it is new.
fn mark<'a>(notes: &mut Vec<&'a str>, note: &'a str) -> String {
    let number = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    format!(" {}", letter(number))
}

fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number).unwrap())
}

/// Returns the blocks that differ between two tables, in both versions; empty if none do.
pub(crate) fn difference(was: &str, is: &str) -> String {
    let blocks = |text: &str| text.split("\n\n").map(|block| block.trim_end().to_owned()).collect::<Vec<_>>();
    let (was, is) = (blocks(was), blocks(is));
    let title = |block: &str| block.lines().next().unwrap_or_default().to_owned();
    let mut text = String::new();
    let mut lines = |sign: char, block: &str| {
        for line in block.lines() {
            writeln!(text, "{sign} {line}").unwrap();
        }
    };
    for old in was.iter().filter(|old| !is.contains(old)) {
        lines('-', old);
        if let Some(new) = is.iter().find(|new| title(new) == title(old)) {
            lines('+', new);
        }
    }
    for new in is.iter().filter(|new| !was.iter().any(|old| title(old) == title(new))) {
        lines('+', new);
    }
    text
}

#[test]
fn a_difference_shows_both_sides_of_what_differs_and_nothing_else() {
    assert_eq!(difference("a\n  1\n\nb\n  2\n", "a\n  1\n\nb\n  2"), "");
    assert_eq!(difference("a\n  1\n\nb\n  2\n\nd\n", "a\n  1\n\nb\n  3\n\nc\n"), "- b\n-   2\n+ b\n+   3\n- d\n+ c\n");
}
