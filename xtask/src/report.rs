//! Reads the numbers of passed and failed tests from the summaries of cargo, nextest, node and our own scripts. A check
//! passes if its exit status is success and no test failed.

/// The numbers of passed and failed tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl Counts {
    /// Adds the counts of a line, if it is a summary.
    ///
    /// Known summaries are nextest's `Summary [0.1s] 5 tests run: 4 passed, 1 failed`, cargo's
    /// `test result: ok. 3 passed; 0 failed`, node's `ℹ pass 3` and `ℹ fail 0`, and `3 passed, 0 failed` alone on a
    /// line.
    pub(crate) fn read(&mut self, line: &str) {
        let words: Vec<&str> =
            line.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["ℹ", "pass", number] | ["pass", number] => self.passed += parse(number),
            ["ℹ", "fail" | "cancelled", number] | ["fail" | "cancelled", number] => {
                self.failed += parse(number);
            }
            ["Summary", ..] | ["test", "result", ..] | [_, "passed", _, "failed"] => {
                for pair in words.windows(2) {
                    match pair {
                        [number, "passed"] => self.passed += parse(number),
                        [number, "failed" | "timed"] => self.failed += parse(number),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the sum of both.
    pub(crate) fn and(self, other: Counts) -> Counts {
        Counts { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

fn parse(word: &str) -> u32 {
    word.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Counts;

    fn read(lines: &[&str]) -> (u32, u32) {
        let mut counts = Counts::default();
        for line in lines {
            counts.read(line);
        }
        (counts.passed, counts.failed)
    }

    #[test]
    fn the_summary_of_each_runner_is_understood() {
        let nextest = "Summary [   1.204s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(read(&[nextest]), (6, 3));
        let cargo = "test result: ok. 3 passed; 1 failed; 0 ignored; 0 measured";
        assert_eq!(read(&[cargo]), (3, 1));
        assert_eq!(read(&["ℹ tests 5", "ℹ pass 4", "ℹ fail 1"]), (4, 1));
        assert_eq!(read(&["12 passed, 0 failed"]), (12, 0));
    }

    #[test]
    fn a_line_that_only_mentions_tests_counts_nothing() {
        assert_eq!(read(&["PASS [0.1s] 3 passed over", "fail 2 times"]), (0, 0));
    }
}
