//! A checkpoint that somebody kept, as it is given back: alone, or with the proof that joins an earlier one to it.

use super::{Extension, SignedNote};

/// What was kept.
#[derive(Clone, Debug)]
pub enum Kept {
    /// A checkpoint.
    Checkpoint(SignedNote),
    /// A checkpoint with the proof that an earlier one is its beginning, as `journal proof` prints it.
    Joined(Extension),
}

/// What was given holds no checkpoint.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "it holds no checkpoint ({0}); accepted: what `ecluse journal checkpoint` or `ecluse journal proof` printed, or the file `checkpoint` out of a bundle, not the bundle itself"
)]
pub struct KeptError(String);

impl Kept {
    /// What a file holds.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub fn read(bytes: &[u8]) -> Result<Self, KeptError> {
        let text = std::str::from_utf8(bytes).map_err(|_| KeptError("it is no text".to_owned()))?;
        let fail = |error: &dyn std::fmt::Display| KeptError(error.to_string());
        let kept = match text.starts_with("old ") {
            true => Self::Joined(Extension::parse(text).map_err(|error| fail(&error))?),
            false => Self::Checkpoint(SignedNote::parse(text).map_err(|error| fail(&error))?),
        };
        // Signed notes are made of other things too.
        kept.note().unverified().map_err(|error| fail(&error))?;
        Ok(kept)
    }

    /// The checkpoint.
    #[must_use]
    pub fn note(&self) -> &SignedNote {
        match self {
            Self::Checkpoint(note) => note,
            Self::Joined(joined) => &joined.note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_checkpoint_is_told_with_what_does() {
        for bytes in [&b"\x1f\x8b\0\xff"[..], b"", b"bundle.json\0\0", b"old x\n"] {
            let error = Kept::read(bytes).unwrap_err().to_string();
            assert!(error.contains("ecluse journal checkpoint"), "{error}");
            assert!(error.contains("not the bundle itself"), "{error}");
        }
    }
}
