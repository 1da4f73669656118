//! Which line of a text a place is in, without counting from its beginning each time.

/// Where the lines of a text end (bytes).
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// Those of `text`.
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line, from 1, of the byte at `at`.
    pub(super) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|&end| end < at) + 1
    }
}
