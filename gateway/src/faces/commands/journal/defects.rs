//! How severe each defect of the journal is.

use ecluse_recordings::log::Break;
use ecluse_recordings::verify::Verdict;

use crate::store::Defect;

/// What a defect makes of the journal.
pub(super) fn verdict_of(defect: &Defect) -> Verdict {
    match defect {
        Defect::Missing { .. } => Verdict::Missing,
        Defect::Trail {
            found: Break::Gap { .. },
            ..
        } => Verdict::Missing,
        Defect::TrailEnd { counted, found, .. } if counted > found => Verdict::Missing,
        Defect::Misplaced { .. } => Verdict::Reordered,
        Defect::Uncounted { .. } | Defect::RecordPlanted { .. } | Defect::NodePlanted { .. } => {
            Verdict::NotInLog
        }
        Defect::Altered { .. }
        | Defect::RecordDiffers { .. }
        | Defect::Emptied { .. }
        | Defect::DestructionDiffers { .. }
        | Defect::Trail { .. }
        | Defect::TrailEnd { .. }
        | Defect::Node { .. } => Verdict::Altered,
    }
}
