//! What a person reads on their visit, in their language.

use ecluse_policy::{Lang, Permit, Refusal};
use ecluse_recordings as recordings;

use super::Visit;
use crate::clock;
use crate::live::Stop;

impl Visit {
    /// A refusal in the person's language.
    pub(crate) fn words_of(&self, refusal: &Refusal) -> String {
        self.gateway
            .texts
            .refusal(self.lang(), refusal, clock::now())
    }

    /// Words without anything to put in, in the person's language.
    pub(crate) fn say(&self, text_id: &str) -> String {
        self.gateway.texts.say(self.lang(), text_id, &[])
    }

    /// Words about a target, in the technician's language.
    pub(crate) fn say_about(&self, text_id: &str, permit: &Permit) -> String {
        let target = permit.target().to_string();
        let account = permit.account().to_string();
        self.gateway.texts.say(
            self.lang(),
            text_id,
            &[
                ("target", target.as_str().into()),
                ("account", account.as_str().into()),
            ],
        )
    }

    /// Words about a target's host key, with both fingerprints (C3).
    pub(crate) fn say_host_key(&self, permit: &Permit, got: &str, pinned: &[String]) -> String {
        let (target, pinned) = (permit.target().to_string(), pinned.join(", "));
        self.gateway.texts.say(
            self.lang(),
            "target-host-key",
            &[
                ("target", target.as_str().into()),
                ("got", got.into()),
                ("pinned", pinned.as_str().into()),
            ],
        )
    }

    /// Words for the end of a session.
    pub(crate) fn words_for(&self, stop: &Stop) -> String {
        let lang = self.lang();
        let texts = &self.gateway.texts;
        match stop {
            Stop::Right(reason) => texts.end_reason(lang, reason, clock::now()),
            Stop::Cut {
                by, reason: None, ..
            } => texts.say(lang, "end-cut", &[("by", by.as_str().into())]),
            Stop::Cut {
                by,
                reason: Some(reason),
                ..
            } => {
                let reason = recordings::neutralise(reason);
                texts.say(
                    lang,
                    "end-cut-because",
                    &[
                        ("by", by.as_str().into()),
                        ("reason", reason.as_str().into()),
                    ],
                )
            }
            Stop::Unrecorded(_) => texts.say(lang, "end-unrecorded", &[]),
            Stop::Unread { session } => {
                texts.say(lang, "end-unread", &[("session", (*session).into())])
            }
            Stop::Overflow => texts.say(lang, "end-overflow", &[]),
            Stop::GatewayStops => texts.say(lang, "end-gateway-stops", &[]),
        }
    }

    pub(crate) fn lang(&self) -> Lang {
        self.visitor.authenticated.lang()
    }
}
