//! What the desk says: the prompt, what became of the code before, and why none is looked at.
//!
//! The same for everybody until their keys are proven; and where a person may not work, the same whatever they answer.

use ecluse_policy::{AccountFacts, Barred, Lang, LoginRefusal, Timestamp};

use super::super::outcome::Told;
use super::{Answer, Desk};
use crate::clock;
use crate::store::StoreError;
use crate::terminal::layout;
use crate::texts::times;

impl Desk {
    /// Asks for the code, in words that are the same for everybody; or says why none is looked at.
    pub(super) async fn ask(&mut self) -> Answer {
        let lang = self.lang();
        let now = clock::agreed();
        match self.barred(now).await {
            Ok(None) => {
                let refused = self.code_refused(lang, now).await;
                let words = self.gateway.texts.say(lang, "login-instructions", &[]);
                let lines = layout::wrap(&format!("{refused}{words}"), layout::UNKNOWN, 0);
                Answer::Ask {
                    instructions: lines.join("\n"),
                    prompt: self.gateway.texts.say(lang, "login-code", &[]),
                }
            }
            Ok(Some(barred)) => {
                let told = self.tells(&barred, now);
                self.refused(&LoginRefusal::Barred(barred)).await;
                told
            }
            Err(error) => {
                self.store_failed(&error);
                self.no()
            }
        }
    }

    /// Why no code is looked at. Nothing more is asked of them on this connection.
    pub(super) fn tells(&mut self, barred: &Barred, now: Timestamp) -> Answer {
        self.code_next = false;
        let words = self.gateway.texts.barred(self.lang(), barred, now);
        Answer::Tell {
            words: layout::wrap(&words, layout::UNKNOWN, 0).join("\n"),
        }
    }

    /// That of whoever's keys are proven, so that it tells nobody anything.
    fn lang(&self) -> Lang {
        let proven = self.keys_proven();
        proven.map_or(self.gateway.settings.lang, |(_, lang)| lang)
    }

    /// What became of the code before, and how many wrong ones more bring about a block; nothing for who did not prove to be
    /// at their place. A code that was right once and one that never was read alike (`policy/adr/0009`).
    async fn code_refused(&mut self, lang: Lang, now: Timestamp) -> String {
        match self.told.take() {
            None => return String::new(),
            Some(Told::NoCode) => {
                let words = self.gateway.texts.say(lang, "login-code-shape", &[]);
                return format!("{words}\n");
            }
            Some(Told::Wrong) => {}
        }
        let claimed = self.claimed();
        let claim = self.claim(&claimed, now);
        match self.gateway.store.tries_left(&claim).await {
            Ok(left) => {
                let block = claim.rules.person.block;
                let args = [
                    ("left", left.into()),
                    ("length", times::spelled(lang, block).into()),
                ];
                let words = self.gateway.texts.say(lang, "login-code-refused", &args);
                format!("{words}\n")
            }
            Err(error) => {
                self.store_failed(&error);
                String::new()
            }
        }
    }

    /// Why no code of this person is looked at, if none is.
    pub(super) async fn barred(&self, now: Timestamp) -> Result<Option<Barred>, StoreError> {
        let applied = self.gateway.applied();
        let Some(person) = self.login.proven_person(&applied.documents) else {
            return Ok(None);
        };
        let store = &self.gateway.store;
        let facts = AccountFacts {
            blocked_until: store
                .blocked_until(&self.claim(person.as_str(), now))
                .await?,
            usage: store
                .enrolment(&person)
                .await?
                .map(|enrolment| enrolment.usage),
            unused: self.gateway.settings.authentication.unused,
        };
        Ok(self.login.barred(&applied.documents, &facts, now))
    }

    /// Whether the code brought about a block is said at once: of a client that asks three times there is no fourth prompt.
    pub(super) async fn after_a_no(&mut self, now: Timestamp) -> Answer {
        match self.barred(now).await {
            Ok(Some(barred)) => self.tells(&barred, now),
            Ok(None) => self.no(),
            Err(error) => {
                self.store_failed(&error);
                self.no()
            }
        }
    }
}
