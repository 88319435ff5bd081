//! What an operator reads who would say yes, where whoever asked would read of what they may ask for.

use super::{InterventionNumber, Refusal};

impl Refusal {
    /// The same for who decides on an intervention: what helps is a yes to less.
    pub(crate) fn told_to_who_decides(self, number: InterventionNumber) -> Self {
        if let Self::NotInMatrix { capability, target } = self {
            return Self::OutsideMatrix {
                number,
                capability,
                target,
            };
        }
        if let Self::Length { asked, at_most } = self {
            return Self::LengthToGrant {
                number,
                asked,
                at_most,
            };
        }
        if let Self::Bytes { asked, at_most } = self {
            return Self::BytesToGrant {
                number,
                asked,
                at_most,
            };
        }
        if let Self::Posture(mut posture) = self {
            posture.decides = Some(number);
            return Self::Posture(posture);
        }
        self
    }
}
