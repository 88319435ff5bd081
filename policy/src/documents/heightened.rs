//! Documents whose clients are in heightened posture ([`crate::posture`]): their flows are tightened where they stand.

use std::collections::BTreeMap;

use super::{Client, Documents, Flow};
use crate::extraction::Budgets;
use crate::name::ClientId;
use crate::posture::{Heightened, InPosture};
use crate::time::Timestamp;

impl Documents {
    /// The posture of a client, where it is heightened.
    #[must_use]
    pub fn posture(&self, client: &ClientId) -> Option<&InPosture> {
        self.high.get(client)
    }

    /// A client's flows as they are written.
    pub(crate) fn written<'d>(&'d self, client: &'d Client) -> &'d [Flow] {
        self.high
            .get(&client.id)
            .map_or(client.flows.as_slice(), |high| high.written())
    }

    /// The budgets of a client, within its posture.
    pub(crate) fn within_posture(&self, client: &ClientId, budgets: Budgets) -> Budgets {
        match self.posture(client) {
            Some(posture) => posture.rules.extraction.least(budgets),
            None => budgets,
        }
    }

    /// The same without any posture.
    #[must_use]
    pub fn as_written(mut self) -> Self {
        for (id, high) in std::mem::take(&mut self.high) {
            if let Some(client) = self.clients.get_mut(&id) {
                client.flows = high.into_written();
            }
        }
        self
    }

    /// The same with each client in the posture that its operators said.
    pub(crate) fn in_their_postures(self) -> Self {
        let mut documents = self.as_written();
        let said: Vec<_> = documents
            .clients
            .values()
            .filter_map(|client| {
                let said = documents.clearances.of(&client.id)?.posture.clone()?;
                let over = u32::try_from(said.over.len()).unwrap_or(u32::MAX);
                (over < client.posture.normal_by).then(|| (client.id.clone(), said))
            })
            .collect();
        for (client, said) in said {
            documents.heighten(&client, said);
        }
        documents
    }

    /// The same as if an operator of each client had said it at `now`: for asking beforehand.
    #[must_use]
    pub fn as_if_heightened(self, now: Timestamp, reason: &str) -> Self {
        let mut documents = self;
        let clients = documents.clients.values();
        let by = clients.filter_map(|client| {
            let operator = client.operators.first()?;
            Some((client.id.clone(), operator.id.clone()))
        });
        for (client, by) in by.collect::<Vec<_>>() {
            let reason = reason.to_owned();
            let said = Heightened {
                by,
                at: now,
                reason,
                over: BTreeMap::new(),
            };
            documents.heighten(&client, said);
        }
        documents
    }

    fn heighten(&mut self, id: &ClientId, said: Heightened) {
        if self.high.contains_key(id) {
            return;
        }
        if let Some(client) = self.clients.get_mut(id) {
            let high = InPosture::of(client, said);
            self.high.insert(id.clone(), high);
        }
    }
}
