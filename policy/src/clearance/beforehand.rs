//! What keeps somebody out, for who asks beforehand: the station is not known then.

use super::{Bar, Clearance, KeepOut, Kept, bar};
use crate::documents::{Client, Documents};
use crate::name::{ClientId, PersonId, ProviderId, StationId, TargetId};
use crate::verdict::Refusal;

/// What a client keeps a technician from a target by, whichever station they come from.
pub(crate) fn bar_of(
    documents: &Documents,
    client: &Client,
    provider: &ProviderId,
    person: &PersonId,
    target: &TargetId,
) -> Option<Refusal> {
    let bar = bar(documents, client, provider, person, None, Some(target))?;
    Some(bar.refusal(client))
}

/// Why a client does not let a technician come to a target, for who asks beforehand; the station is not known then.
pub(crate) fn why_not(
    documents: &Documents,
    client: &Client,
    provider: &ProviderId,
    person: &PersonId,
    target: &TargetId,
) -> Option<String> {
    Some(
        match bar(documents, client, provider, person, None, Some(target))? {
            Bar::Kept(kept, KeepOut { by, at, reason }) => {
                format!("{by} keeps {kept} out since {at}: {reason}")
            }
            Bar::NotAccepted(Some(Clearance::Refused { by, at })) => {
                format!("{by} refused {person} at {at}")
            }
            Bar::NotAccepted(_) => format!(
                "no operator of {} has accepted {person}: people accept {person}",
                client.id
            ),
        },
    )
}

impl Documents {
    /// Whether a client keeps a station out.
    pub(crate) fn keeps_out(&self, client: &ClientId, station: &StationId) -> bool {
        let said = self.clearances().of(client);
        let kept = Kept::Station(station.clone());
        said.is_some_and(|said| said.kept_out.contains_key(&kept))
    }
}
