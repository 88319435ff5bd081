//! How large a terminal is.

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// The size as a client told it. A client may say 0 (not known) or nonsense: 0 becomes 80 × 24,
    /// and nothing is larger than 1000 × 500, so that a size can never cost memory.
    pub fn told(cols: u32, rows: u32) -> Self {
        let sane = |told: u32, unknown: u16, most: u16| match told {
            0 => unknown,
            told => u16::try_from(told).unwrap_or(most).min(most),
        };
        Self {
            cols: sane(cols, 80, 1000),
            rows: sane(rows, 24, 500),
        }
    }
}
