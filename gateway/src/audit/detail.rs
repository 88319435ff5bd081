//! Names of details by which the log is read again: never renamed, old entries bear them.

/// The detail of an entry that a sealed secret is not the one on record: which. Whose matter it is the documents say.
pub(crate) const SECRET: &str = "secret";
/// The detail of an entry about what a client keeps out: what, such as `person alice` or `all`.
pub(crate) const KEPT_OUT: &str = "kept-out";
/// The detail of an entry about whom a client accepts: the people, such as `maintech/alice`.
pub(crate) const PEOPLE: &str = "people";
/// The detail of a gateway's start by which every client in force has a word about people: who is not named is not accepted.
/// Since when a posture is heightened that is heightened anew before it was over. **Unit**: microseconds.
pub(crate) const POSTURE_SINCE: &str = "since";
pub(crate) const PEOPLE_TOLD: &str = "people-told";
/// The detail of an entry that a code was accepted: its step. A code of that step is accepted no more.
pub(crate) const CODE_STEP: &str = "code-step";
/// The detail of an entry of a try that counts: when, by whom it counts against.
pub(crate) const COUNTED: &str = "counted-against";
/// The detail of an entry about a person whose last signs of life lose their words with it: when each was.
pub(crate) const LAST_USE: &str = "last-use";
/// The detail of a removal of words that says so of each such person: no row is believed for what it took.
pub(crate) const USES_TOLD: &str = "uses-told";
/// The detail of an entry after which the log tells of every sealed secret that lets somebody in, whatever retention takes: a row of
/// which it does not opens nothing.
pub(crate) const SECRETS_TOLD: &str = "secrets-told";
