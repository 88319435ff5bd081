//! What was seen of each line of a matrix, and since when each stands there: read of the log.
//!
//! Permits say by which line a channel was opened, ends of sessions by which lines things of files passed, receipts the same of a
//! session that has not ended, or whose gateway was killed. Entries are read page by page; what is kept is counts.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::documents::{Client, Flow};
use ecluse_policy::review::{self, Counted, Used};
use ecluse_policy::{
    Capability, Documents, FileRight, FlowName, InterventionId, Scope, SessionId, TargetId,
    TargetPath, Timestamp,
};

use crate::audit::{AuditKind, AuditRecord, StoredAuditRecord};
use crate::passage::file_lines::FILE_LINES;
use crate::receipts::{self, GIT, RSYNC, Way};
use crate::store::{AuditQuery, InterventionQuery, Store, StoreError};

/// Entries that are read at once.
const PAGE: u32 = 1_000;
/// Interventions that are read at once.
const INTERVENTIONS: u32 = 500;

/// What was seen of one line, or of one flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Interventions that were approved for it.
    pub(super) granted: u64,
    /// Interventions by which it was used.
    pub(super) interventions: BTreeSet<InterventionId>,
    /// Sessions in which it was.
    pub(super) sessions: BTreeSet<SessionId>,
    /// How often.
    pub(super) uses: u64,
    /// When last.
    pub(super) last: Option<Timestamp>,
    /// Uses that may be its or another line's: earlier versions did not say of which.
    pub(super) perhaps: u64,
}

impl Tally {
    fn takes(&mut self, record: &AuditRecord, times: u64) {
        self.interventions.extend(record.intervention);
        self.sessions.extend(record.session);
        self.uses += times;
        self.last = self.last.max(Some(record.at));
    }
}

/// What was seen of a matrix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// By line.
    pub(super) lines: BTreeMap<Counted, Tally>,
    /// By flow.
    pub(super) flows: BTreeMap<usize, Tally>,
    /// Uses of lines that are not there any more.
    pub(super) gone: u64,
    /// Entries whose words retention has removed, or that do not read: what they were uses of is not known.
    pub(super) wordless: u64,
}

/// Files that passed in a session that has not said by which lines: the line, how often, when last.
type Files = BTreeMap<SessionId, Vec<(Counted, AuditRecord)>>;

/// What was seen of a client's matrix since `from`.
pub(super) async fn seen(
    store: &Store,
    documents: &Documents,
    client: &Client,
    from: Timestamp,
) -> Result<Seen, StoreError> {
    let mut reading = Reading::of(review::flows(documents, client));
    let mut query = AuditQuery {
        client: Some(client.id.clone()),
        kinds: vec![AuditKind::Permit, AuditKind::Receipt, AuditKind::SessionEnd],
        from: Some(from),
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    loop {
        let page = store.audit_page(&query).await?;
        let Some(last) = page.last else { break };
        query.after = Some(last);
        reading.seen.wordless += page.unread;
        page.records.iter().for_each(|stored| reading.reads(stored));
        // Nobody waits for who reads long.
        tokio::task::yield_now().await;
    }
    let mut seen = reading.ends();
    granted(store, documents, client, from, &mut seen).await?;
    Ok(seen)
}

struct Reading<'d> {
    flows: &'d [Flow],
    seen: Seen,
    files: Files,
    /// What was counted for which lines before: of many entries most say the same.
    known: BTreeMap<(Option<String>, TargetId, String), Vec<Counted>>,
}

impl<'d> Reading<'d> {
    fn of(flows: &'d [Flow]) -> Self {
        Self {
            flows,
            seen: Seen::default(),
            files: Files::new(),
            known: BTreeMap::new(),
        }
    }

    fn reads(&mut self, stored: &StoredAuditRecord) {
        let record = &stored.record;
        let Some(target) = record.target.as_ref() else {
            // Only its index is left.
            self.seen.wordless += u64::from(record.kind == AuditKind::Permit);
            return;
        };
        if record.kind == AuditKind::Permit {
            self.permit(record, target);
        } else if record.kind == AuditKind::Receipt {
            self.receipt(stored, target);
        } else if let (Some(lines), Some(session)) = (record.detail.get(FILE_LINES), record.session)
        {
            // What it says is exact: of its receipts nothing is counted any more.
            self.files.remove(&session);
            for (line, count) in lines.as_object().into_iter().flatten() {
                let Some((flow, line)) = line.split_once(": ") else {
                    continue;
                };
                let count = count.as_u64().unwrap_or_default();
                match self.by_line(Some(flow), target, line) {
                    found if found.is_empty() => self.seen.gone += count,
                    found => self.counts(&found, record, count),
                }
            }
        }
    }

    fn permit(&mut self, record: &AuditRecord, target: &TargetId) {
        let text = |key: &str| record.detail.get(key).and_then(|text| text.as_str());
        let flow = text("matrix-line");
        let nth = flow.and_then(|flow| self.nth(flow));
        if let Some(nth) = nth {
            self.seen.flows.entry(nth).or_default().takes(record, 1);
        }
        let variables = record
            .detail
            .get("variables")
            .and_then(|all| all.as_array());
        for name in variables
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str())
        {
            let used = Used::Variable(name.to_owned());
            let found = self.found(None, target, name, |_| Some(used));
            self.counts(&found, record, 1);
        }
        // A channel of files is opened by all of its lines: what passed by which is told at its end.
        if record.detail.contains_key("lines") {
            return;
        }
        match text("allow") {
            Some(line) => match self.by_line(flow, target, line) {
                found if found.is_empty() => self.seen.gone += 1,
                found => self.counts(&found, record, 1),
            },
            None => {
                let family = text("flow").unwrap_or_default();
                let family = family.split(':').next().unwrap_or_default().to_owned();
                let of = |family: &str| Some(Used::Family(family.to_owned()));
                let found = self.found(flow, target, &family, of);
                match found.as_slice() {
                    [_] => self.counts(&found, record, 1),
                    several => {
                        for line in several {
                            self.seen.lines.entry(*line).or_default().perhaps += 1;
                        }
                    }
                }
            }
        }
    }

    fn receipt(&mut self, stored: &StoredAuditRecord, target: &TargetId) {
        let (Some(receipt), Some(session)) = (receipts::read(stored), stored.record.session) else {
            return;
        };
        let Ok(path) = TargetPath::canonical(receipt.path.as_bytes()) else {
            return;
        };
        let right = match (receipt.protocol.as_str(), receipt.way) {
            (RSYNC, Way::Out) => FileRight::RsyncRead,
            (RSYNC, Way::In) => FileRight::RsyncWrite,
            (GIT, Way::Out) => FileRight::GitRead,
            (GIT, Way::In) => FileRight::GitWrite,
            (_, Way::Out) => FileRight::Read,
            (_, Way::In) => FileRight::Write,
        };
        let used = Used::File(right, path);
        let found = review::counted_for(self.flows, None, target, &used);
        let files = self.files.entry(session).or_default();
        files.extend(found.into_iter().map(|line| (line, stored.record.clone())));
    }

    fn nth(&self, flow: &str) -> Option<usize> {
        let mut flows = self.flows.iter();
        flows.position(|one| one.name.as_str() == flow)
    }

    fn by_line(&mut self, flow: Option<&str>, target: &TargetId, line: &str) -> Vec<Counted> {
        self.found(flow, target, line, |line| {
            Capability::parse(line).ok().map(Used::By)
        })
    }

    fn found(
        &mut self,
        flow: Option<&str>,
        target: &TargetId,
        what: &str,
        used: impl FnOnce(&str) -> Option<Used>,
    ) -> Vec<Counted> {
        let key = (flow.map(str::to_owned), target.clone(), what.to_owned());
        let flows = self.flows;
        let found = self.known.entry(key).or_insert_with(|| {
            let flow = flow.map(FlowName::parse);
            match (flow, used(what)) {
                (Some(Err(_)), _) | (_, None) => Vec::new(),
                (None, Some(used)) => review::counted_for(flows, None, target, &used),
                (Some(Ok(flow)), Some(used)) => {
                    review::counted_for(flows, Some(&flow), target, &used)
                }
            }
        });
        found.clone()
    }

    fn counts(&mut self, lines: &[Counted], record: &AuditRecord, times: u64) {
        for line in lines {
            self.seen
                .lines
                .entry(*line)
                .or_default()
                .takes(record, times);
        }
    }

    fn ends(mut self) -> Seen {
        for (line, record) in std::mem::take(&mut self.files).into_values().flatten() {
            self.counts(&[line], &record, 1);
        }
        self.seen
    }
}

/// Counts the interventions that were approved since `from`, for each line of which they were granted anything.
async fn granted(
    store: &Store,
    documents: &Documents,
    client: &Client,
    from: Timestamp,
    seen: &mut Seen,
) -> Result<(), StoreError> {
    // Many ask for the same.
    let mut scopes: BTreeMap<String, (Scope, u64)> = BTreeMap::new();
    let mut query = InterventionQuery {
        client: Some(client.id.clone()),
        limit: Some(INTERVENTIONS),
        ..InterventionQuery::default()
    };
    loop {
        let page = store.interventions(&query).await?;
        let Some(last) = page.last() else { break };
        query.before = Some(last.number());
        let is_past = page.iter().all(|one| one.request().requested_at < from);
        for one in &page {
            let Some((scope, _)) = one.last_granted() else {
                continue;
            };
            if one.request().requested_at < from {
                continue;
            }
            let key = serde_json::to_string(scope).unwrap_or_default();
            scopes.entry(key).or_insert_with(|| (scope.clone(), 0)).1 += 1;
        }
        if is_past {
            break;
        }
        tokio::task::yield_now().await;
    }
    for (nth, flow) in review::flows(documents, client).iter().enumerate() {
        for (scope, count) in scopes.values() {
            if scope.targets.is_disjoint(&flow.targets)
                || scope.accounts.is_disjoint(&flow.accounts)
            {
                continue;
            }
            let places = review::given(flow, scope);
            if !places.is_empty() {
                seen.flows.entry(nth).or_default().granted += count;
            }
            for place in places {
                seen.lines.entry((nth, place)).or_default().granted += count;
            }
        }
    }
    Ok(())
}

/// Since when a flow's lines stand in the matrix, where that is not longer ago than it was looked.
pub(super) type Since = BTreeMap<Counted, Timestamp>;

/// The lines that were written since `from`, and when.
pub(super) async fn since(
    store: &Store,
    client: &Client,
    flows: &[Flow],
    from: Timestamp,
) -> Result<Since, StoreError> {
    let mut query = AuditQuery {
        client: Some(client.id.clone()),
        kinds: vec![AuditKind::DocumentChange],
        from: Some(from),
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    let mut since = Since::new();
    loop {
        let page = store.audit(&query).await?;
        let Some(last) = page.last() else {
            return Ok(since);
        };
        query.after = Some(last.seq);
        for stored in &page {
            changed(&stored.record, client, flows, &mut since);
        }
    }
}

fn changed(record: &AuditRecord, client: &Client, flows: &[Flow], since: &mut Since) {
    let text = |key: &str| record.detail.get(key).and_then(|text| text.as_str());
    let object = text("object").unwrap_or_default();
    let flow = object
        .strip_prefix("flow ")
        .and_then(|name| name.split_once('/'));
    let Some((_, name)) = flow.filter(|(of, _)| *of == client.id.as_str()) else {
        return;
    };
    let found = flows
        .iter()
        .enumerate()
        .find(|(_, flow)| flow.name.as_str() == name);
    let Some((nth, flow)) = found else { return };
    let lines = record
        .detail
        .get("lines")
        .and_then(|lines| lines.as_array());
    for (place, entry) in flow.allow.iter().enumerate() {
        let written = entry.line();
        let is_it = |line: &str, sign: &str| {
            let line = line
                .strip_prefix("allow: ")
                .and_then(|line| line.strip_prefix(sign));
            let rest = line.and_then(|line| line.strip_prefix(&written));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        };
        let is_new = match (text("change"), lines) {
            (Some("changed"), Some(lines)) => {
                let says = |sign: &str| {
                    let mut lines = lines.iter().filter_map(|line| line.as_str());
                    lines.any(|line| is_it(line, sign))
                };
                says("+ ") && !says("- ")
            }
            // A text that was too long to be kept may have said so.
            (Some("changed"), None) | (Some("created"), _) => true,
            (Some(_) | None, _) => false,
        };
        if is_new {
            since.insert((nth, place), record.at);
        }
    }
}

#[cfg(test)]
mod tests;
