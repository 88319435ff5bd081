//! What a person reads on their visit, in their language.

use ecluse_policy::extraction::Level;
use std::time::Duration;

use ecluse_policy::{
    AccountName, Admission, ClientId, FileNeed, FlowRequest, Lang, Permit, Refusal, Span, TargetId,
    could_ask_for,
};
use ecluse_recordings as recordings;

use super::Visit;
use crate::clock;
use crate::faces::lobby::{next, shown};
use crate::live::{Exhausted, Holder, Stop, budget_key};
use crate::passage::jump;
use crate::passage::kinds::sftp::Operation;
use crate::texts::{Value, amounts, times};

impl Visit {
    /// A refusal in the person's language.
    pub(crate) fn words_of(&self, refusal: &Refusal) -> String {
        self.gateway
            .texts
            .refusal(self.lang(), refusal, clock::now())
    }

    /// A refusal's words as the gateway's own, and how to see what may be asked for.
    pub(crate) fn explained(&self, words: String) -> String {
        let words = next::announced(&self.gateway, self.lang(), &words);
        format!("{words}\n{}", next::flows(&self.gateway, &self.visitor))
    }

    /// Why a flow is not part of what `admission` permits, and what helps: to ask for it, where the matrix has it.
    pub(crate) fn words_of_flow(
        &self,
        admission: &Admission,
        flow: &FlowRequest,
        refusal: &Refusal,
    ) -> String {
        let words = next::announced(&self.gateway, self.lang(), &self.words_of(refusal));
        let not_part = matches!(
            refusal,
            Refusal::FlowNotListed { .. }
                | Refusal::Command { .. }
                | Refusal::DerogationOver { .. }
        );
        if !not_part {
            return words;
        }
        let (target, account) = (admission.target(), admission.account());
        let helps = if let Some(words) = self.door_of(Some(target), flow) {
            words
        } else if self.could_ask_for((target, account), flow) {
            next::ask(&self.gateway, &self.visitor, target, Some(account))
        } else if flow.could_be_listed() {
            let contacts = [("contacts", self.contacts(target).into())];
            let words = self.words_with("gateway-not-in-flows", &contacts);
            format!("{words}\n{}", next::flows(&self.gateway, &self.visitor))
        } else {
            next::flows(&self.gateway, &self.visitor)
        };
        format!("{words}\n{helps}")
    }

    fn could_ask_for(
        &self,
        (target, account): (&TargetId, &AccountName),
        flow: &FlowRequest,
    ) -> bool {
        let (applied, person) = (self.gateway.applied(), self.visitor.person());
        let now = clock::now();
        could_ask_for(&applied.documents, person, target, account, flow, now)
    }

    /// Whom of a target's client to call.
    fn contacts(&self, target: &TargetId) -> String {
        let applied = self.gateway.applied();
        shown::contacts(applied.documents.target(target).map(|(client, _)| client))
    }

    /// Why a connection to a place without a target leads nowhere, and what does.
    pub(crate) fn say_no_way(&self, flow: &FlowRequest) -> String {
        let words = self.door_of(None, flow);
        words.unwrap_or_else(|| self.say("forward-no-target"))
    }

    /// Where a forward would go to the door by SSH of targets that this person may ask for, which no line gives: how one works
    /// there.
    fn door_of(&self, from: Option<&TargetId>, flow: &FlowRequest) -> Option<String> {
        let targets = jump::doors(self, from, flow);
        let first = targets.first()?;
        let place = ("place", Value::Exact(flow.missing_flow().into()));
        if targets.len() == 1 {
            let command = self.visitor.ssh(Some((first, None)));
            let args = [
                place,
                ("target", first.as_str().into()),
                ("command", command.into()),
            ];
            return Some(self.words_with("forward-target-door", &args));
        }
        let names: Vec<&str> = targets.iter().map(TargetId::as_str).collect();
        let command = self.visitor.jump();
        let args = [
            place,
            ("targets", names.join(", ").into()),
            ("command", command.into()),
        ];
        Some(self.words_with("forward-several-targets", &args))
    }

    /// That something of files is not part of what is permitted, on one line, and what can be done about it.
    pub(crate) fn say_file_missing(
        &self,
        (target, account): (&TargetId, &AccountName),
        operation: &Operation,
        need: &FileNeed,
    ) -> String {
        let lines = operation.missing_lines(need);
        let line = recordings::neutralise(lines.join(&format!(" {} ", self.say("word-or"))));
        let line = ("line", Value::Exact(line.into()));
        let flows = format!("{} flows", self.visitor.ssh(None));
        // Whether a line gives what stands behind a link would tell where that leads.
        if !operation.is_as_typed(need) {
            return self.words_with("files-missing", &[line, ("command", flows.into())]);
        }
        if self.could_ask_for((target, account), &FlowRequest::File(need.clone())) {
            let command = next::request(&self.gateway, &self.visitor, target, Some(account));
            return self.words_with("files-missing-ask", &[line, ("command", command.into())]);
        }
        let contacts = ("contacts", self.contacts(target).into());
        let args = [line, contacts, ("command", flows.into())];
        self.words_with("files-missing-nowhere", &args)
    }

    /// Words without anything to put in, in the person's language.
    pub(crate) fn say(&self, text_id: &str) -> String {
        self.gateway.texts.say(self.lang(), text_id, &[])
    }

    /// Words with something to put in, in the person's language.
    pub(crate) fn words_with(&self, text_id: &str, args: &[(&str, Value)]) -> String {
        self.gateway.texts.say(self.lang(), text_id, args)
    }

    /// What a technician is told of bytes that they typed while nothing passed.
    pub(crate) fn say_refused_keys(&self, bytes: u64) -> String {
        let args = [("count", bytes.into())];
        self.gateway
            .texts
            .say(self.lang(), "budget-refused-keys", &args)
    }

    /// What a technician is told of a terminal at which nobody types, so long before it ends.
    pub(crate) fn say_idle(&self, left: Duration) -> String {
        let (lang, texts) = (self.lang(), &self.gateway.texts);
        let left = times::countdown(lang, Span::from_secs(left.as_secs()));
        texts.say(lang, "idle-warned", &[("left", left.into())])
    }

    /// And once it has.
    pub(crate) fn say_idle_over(&self, after: Span, permit: &Permit) -> String {
        let (lang, texts) = (self.lang(), &self.gateway.texts);
        let args = [
            ("length", times::length_in(lang, after).into()),
            ("flow", permit.flow().as_str().into()),
        ];
        texts.say(lang, "idle-over", &args)
    }

    /// What they are told whose forward finds that nothing may pass, and how they see what does.
    pub(crate) fn say_unpaid(&self) -> String {
        let command = format!("{} quota", self.visitor.ssh(None));
        let words = self.words_with("forward-unpaid", &[("command", command.into())]);
        next::announced(&self.gateway, self.lang(), &words)
    }

    fn budget(&self, over: &Exhausted) -> String {
        let key = budget_key(over.level, over.way);
        self.gateway.texts.budget(self.lang(), &key)
    }

    /// What they are told who begin something while a budget or an operator holds their session.
    pub(crate) fn say_held(&self, holder: &Holder, client: &ClientId) -> String {
        let lang = self.lang();
        let over = match holder {
            Holder::Budget(over) => over,
            Holder::Hand(held) => {
                let by = [("by", self.gateway.texts.holder(lang, &held.by).into())];
                return self.gateway.texts.say(lang, "hold-new", &by);
            }
        };
        let args = [
            ("key", self.budget(over).into()),
            ("limit", amounts::size(lang, over.limit.as_u64()).into()),
            ("client", client.as_str().into()),
        ];
        self.gateway.texts.say(lang, "budget-held-new", &args)
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
                (
                    "place",
                    Value::Exact(permit.capability().to_string().into()),
                ),
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

    /// Words for the end of what was no session yet: a dialogue, or a wait for an answer.
    pub(crate) fn words_without_session(&self, stop: &Stop) -> String {
        let (by, reason) = match stop {
            Stop::Cut { by, reason, .. } => (by, reason),
            Stop::Right(_)
            | Stop::Unrecorded(_)
            | Stop::Quota(_)
            | Stop::Overflow
            | Stop::Unread { .. }
            | Stop::EndedOnRecord
            | Stop::GatewayStops => return self.words_for(stop),
        };
        let by = ("by", by.as_str().into());
        let texts = &self.gateway.texts;
        match reason {
            None => texts.say(self.lang(), "end-connection-cut", &[by]),
            Some(reason) => {
                let args = [by, ("reason", reason.as_str().into())];
                texts.say(self.lang(), "end-connection-cut-because", &args)
            }
        }
    }

    /// Words for the end of a session.
    pub(crate) fn words_for(&self, stop: &Stop) -> String {
        let lang = self.lang();
        let texts = &self.gateway.texts;
        match stop {
            Stop::Right(reason) => {
                let words = texts.end_reason(lang, reason, clock::now());
                next::announced(&self.gateway, lang, &words)
            }
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
            Stop::Quota(over) => self.words_of_quota(over),
            Stop::Overflow => texts.say(lang, "end-overflow", &[]),
            Stop::EndedOnRecord => texts.say(lang, "end-ended-on-record", &[]),
            Stop::GatewayStops => texts.say(lang, "end-gateway-stops", &[]),
        }
    }

    /// A budget is spent: which, how much passed, and what to ask for.
    fn words_of_quota(&self, over: &Exhausted) -> String {
        let (lang, texts) = (self.lang(), &self.gateway.texts);
        let args = [
            ("key", self.budget(over).into()),
            ("limit", amounts::size(lang, over.limit.as_u64()).into()),
            (
                "spent",
                texts
                    .passed(lang, over.passed.as_u64(), over.spent.as_u64())
                    .into(),
            ),
        ];
        let words = texts.say(lang, "end-quota", &args);
        let helps = match over.level {
            Level::Channel | Level::Session => texts.say(lang, "quota-helps-session", &[]),
            Level::Intervention => match &self.address.target {
                Some(target) => next::ask(&self.gateway, &self.visitor, target, None),
                None => next::flows(&self.gateway, &self.visitor),
            },
            Level::Node | Level::Client | Level::Target | Level::TechnicianDay => {
                texts.say(lang, "quota-helps-day", &[])
            }
        };
        format!("{words}\n{helps}")
    }

    pub(crate) fn lang(&self) -> Lang {
        self.visitor.authenticated.lang()
    }
}
