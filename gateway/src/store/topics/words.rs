//! A commit in words, as one gateway says them to the others of its store, with a mark that only they can make.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, InterventionId};
use uuid::Uuid;

use super::Topic;
use crate::secrets::StoreKey;
use crate::store::binding::{from_hex, hex};

/// Stands before the mark, which is last.
const MARK: &str = " = ";
/// Longest words of one commit: PostgreSQL takes 8000 bytes.
const LONGEST: usize = 7000;

/// A commit in words, for other processes.
pub(in crate::store) fn words(key: &StoreKey, epoch: u64, topics: &BTreeSet<Topic>) -> String {
    let words = plain(epoch, topics);
    let mark = hex(&key.mark(&words));
    format!("{words}{MARK}{mark}")
}

fn plain(epoch: u64, topics: &BTreeSet<Topic>) -> String {
    let mut words = epoch.to_string();
    for topic in topics {
        words.push(' ');
        words.push_str(&word(topic));
        if words.len() > LONGEST {
            return format!("{epoch} *");
        }
    }
    words
}

fn word(topic: &Topic) -> String {
    match topic {
        Topic::Documents => "documents".to_owned(),
        Topic::Interventions => "interventions".to_owned(),
        Topic::Intervention(id) => format!("intervention:{}", id.as_uuid()),
        Topic::Trail(client) => format!("trail:{}", client.as_ref().map_or("", ClientId::as_str)),
        Topic::Checkpoints => "checkpoints".to_owned(),
        Topic::Keys => "keys".to_owned(),
        Topic::Orders => "orders".to_owned(),
    }
}

/// A commit, from its words; without topics where one of them is not understood, which then may be anything. `None` where
/// they are no words of a gateway of this store, or of one so old that it marked none: its commits are counted.
pub(in crate::store) fn read(
    key: &StoreKey,
    words: &str,
) -> Option<(u64, Option<BTreeSet<Topic>>)> {
    let (words, mark) = words.rsplit_once(MARK)?;
    if !key.is_marked(words, &from_hex(mark)?) {
        return None;
    }
    let mut words = words.split(' ');
    let epoch = words.next()?.parse().ok()?;
    Some((epoch, words.map(topic).collect()))
}

fn topic(word: &str) -> Option<Topic> {
    let (name, of) = word.split_once(':').unwrap_or((word, ""));
    Some(match (name, of) {
        ("documents", "") => Topic::Documents,
        ("interventions", "") => Topic::Interventions,
        ("intervention", id) => {
            Topic::Intervention(InterventionId::from_uuid(Uuid::parse_str(id).ok()?))
        }
        ("trail", "") => Topic::Trail(None),
        ("trail", client) => Topic::Trail(Some(ClientId::parse(client).ok()?)),
        ("checkpoints", "") => Topic::Checkpoints,
        ("keys", "") => Topic::Keys,
        ("orders", "") => Topic::Orders,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> StoreKey {
        StoreKey::create(tempfile::tempdir().unwrap().path()).unwrap()
    }

    fn intervention(number: u128) -> Topic {
        Topic::Intervention(InterventionId::from_uuid(Uuid::from_u128(number)))
    }

    fn hopital() -> ClientId {
        ClientId::parse("hopital").unwrap()
    }

    #[test]
    fn a_commit_in_words_reads_as_it_was_and_what_is_not_understood_may_be_anything() {
        let key = key();
        let all = BTreeSet::from([
            Topic::Documents,
            Topic::Interventions,
            intervention(7),
            Topic::Trail(None),
            Topic::Trail(Some(hopital())),
            Topic::Checkpoints,
            Topic::Keys,
            Topic::Orders,
        ]);
        assert_eq!(read(&key, &words(&key, 12, &all)), Some((12, Some(all))));
        let marked = |words: &str| format!("{words}{MARK}{}", hex(&key.mark(words)));
        assert_eq!(read(&key, &marked("3 documents budgets")), Some((3, None)));
        assert_eq!(read(&key, &marked("nonsense")), None);
        let many: BTreeSet<Topic> = (0..1000).map(intervention).collect();
        assert_eq!(read(&key, &words(&key, 5, &many)), Some((5, None)));
    }

    /// Whoever can connect to the database can say anything; only a gateway of this store is heard.
    #[test]
    fn words_of_nobody_of_this_store_are_none() {
        let key = key();
        let said = words(&key, 12, &BTreeSet::from([Topic::Keys]));
        let (plain, mark) = said.rsplit_once(MARK).unwrap();
        for forged in [
            plain.to_owned(),
            format!("13 keys{MARK}{mark}"),
            format!("12 documents{MARK}{mark}"),
            format!("{plain}{MARK}"),
            format!("{plain}{MARK}{}", hex(&self::key().mark(plain))),
        ] {
            assert_eq!(read(&key, &forged), None, "{forged}");
        }
    }
}
