//! What is `"unlimited"` in one place, and who answers for it: for people, not for deciding (P15).

use super::{Extraction, key_in_full};
use crate::derogation::Derogation;
use crate::extraction::Limit;

impl Extraction {
    /// Where it stands, who answers for it, in force or not, and which of its keys are unlimited.
    pub(crate) fn unlimited(&self) -> Option<(u32, &Derogation, Vec<&'static str>)> {
        let derogation = self.derogation.as_ref()?;
        let limits = self.limits.iter();
        let unlimited = limits.filter(|(_, limit)| matches!(limit, Limit::Unlimited));
        let keys = unlimited.map(|((level, way), _)| key_in_full(*level, *way));
        Some((self.line, derogation, keys.collect()))
    }
}
