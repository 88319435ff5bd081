//! What kind of channel passes, and what that kind asks of its channel beside the pump.

use std::borrow::Cow;
use std::sync::Arc;

use ecluse_policy::capability::transfer::Transfer;
use ecluse_policy::{FileConfirmation, FileNeed, FlowRequest, Permit, Refusal, SFTP, Span, Term};
use ecluse_recordings as recordings;
use ecluse_recordings::{ChannelKind, ChannelOpened, Event, FileEntry, Legs, RecordError};
use tokio::sync::mpsc;

use super::Passing;
use crate::audit::AuditKind;
use crate::clock;
use crate::passage::caps;
use crate::passage::channel::Start;
use crate::passage::confirming::{self, Wanted};
use crate::passage::kinds::copying::Copying;
use crate::passage::kinds::files::{Files, Reads};
use crate::passage::kinds::forward::Forward;
use crate::passage::kinds::opaque::Opaque;
use crate::passage::kinds::scp;
use crate::passage::kinds::sftp::{Doing, Operation, Words};
use crate::passage::kinds::tree::{self, Tree};
use crate::passage::kinds::{Kind, Step, Ticket, Verdict};
use crate::passage::receipts;
use crate::passage::right::Right;
use crate::passage::session::Session;
use crate::passage::tap::Tape;
use crate::passage::visit::sessions::Seated;
use crate::passage::visit::{Visit, with_command};
use crate::passage::window::TerminalRequest;
use crate::receipts::{GIT, RSYNC};

/// What passes on a channel that was started so.
pub(super) fn kind_of(visit: &Arc<Visit>, seated: &Seated, start: &Start) -> Box<dyn Kind> {
    let in_words = || InWords {
        visit: Arc::clone(visit),
        session: Arc::clone(&seated.session),
        right: Arc::clone(&seated.right),
    };
    match start {
        Start::Shell | Start::Command(_) => Box::new(Opaque::default()),
        Start::Copy(copy) => match copy.means.clone() {
            Transfer::Scp(command) => Box::new(Copying::new(command, in_words())),
            transfer @ (Transfer::Rsync(_) | Transfer::Git(_)) => {
                Box::new(Tree::new(transfer, &copy.typed, in_words()))
            }
        },
        Start::Files => Box::new(Files::new(in_words())),
        Start::Forward(_) => Box::new(Forward::default()),
    }
}

/// What the recording says of a channel that opens.
pub(super) fn opened(
    start: &Start,
    permit: &Permit,
    terminal: Option<&(&Term, TerminalRequest)>,
) -> ChannelOpened {
    ChannelOpened {
        kind: match start {
            Start::Shell => ChannelKind::Shell,
            Start::Command(_) | Start::Copy(_) => ChannelKind::Exec,
            Start::Files => ChannelKind::Sftp,
            Start::Forward(_) => ChannelKind::Forward,
        },
        command: match start {
            Start::Shell | Start::Files => None,
            Start::Command(command) => Some(command.as_slice().into()),
            Start::Copy(copy) => Some(copy.typed.as_slice().into()),
            Start::Forward(_) => Some(permit.capability().to_string().as_str().into()),
        },
        account: Some(permit.account().to_string()),
        pty: terminal.map(|(term, terminal)| recordings::Pty {
            term: term.to_string(),
            cols: terminal.cols,
            rows: terminal.rows,
            modes: terminal.modes.clone(),
        }),
        env: permit
            .terms()
            .environment()
            .iter()
            .map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()))
            .collect(),
    }
}

/// How the technician of a visit reads what is refused of files.
#[derive(Clone)]
struct InWords {
    visit: Arc<Visit>,
    session: Arc<Session>,
    right: Arc<Right>,
}

impl Reads for InWords {
    fn own(&self, words: Words) -> String {
        self.visit.say(words.text_id())
    }

    fn copying(&self, words: scp::Words) -> String {
        self.visit.say(words.text_id())
    }

    fn tree(&self, words: &tree::Words) -> String {
        match words.option() {
            Some(option) => {
                let args = [("option", option.into())];
                self.visit.words_with(words.text_id(), &args)
            }
            None => self.visit.say(words.text_id()),
        }
    }

    fn refused(&self, refusal: &Refusal, operation: &Operation, need: &FileNeed) -> String {
        if let Refusal::FlowNotListed { .. } = refusal {
            let facts = self.session.live().facts();
            let place = (&facts.target, &facts.account);
            self.visit.say_file_missing(place, operation, need)
        } else {
            self.visit.words_of(refusal)
        }
    }

    fn waits(&self, operation: &Operation) -> Option<Wanted> {
        let live = self.session.live();
        let files = self.right.files();
        let asked = {
            let files = files.borrow();
            let needs = operation.request.needs();
            files.as_ref()?.confirmation(&needs, live.now())
        };
        let FileConfirmation {
            terms,
            named,
            beside,
        } = asked?;
        let wanted = Wanted::new(&named.join(caps::TOGETHER), &beside, terms);
        let is_agreed = live.hands().borrow().confirms().is_agreed(&wanted.what);
        (terms.each || !is_agreed).then_some(wanted)
    }
}

/// What a channel rests on, and where what it does is told.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) visit: &'a Arc<Visit>,
    pub(super) seated: &'a Seated,
    pub(super) number: u32,
    pub(super) start: &'a Start,
}

impl Beside<'_> {
    /// Asks what stands of the channel's right.
    pub(super) fn decide(&self, request: &FlowRequest) -> Result<(), Refusal> {
        let now = self.seated.session.live().now();
        if let FlowRequest::File(need) = request
            && let Some(files) = &*self.seated.right.files().borrow()
        {
            return files.decide(need, now);
        }
        self.seated.permit.decide(request, now)
    }

    /// How long until the next line of files closes.
    pub(super) fn line_left(&self) -> Option<Span> {
        let now = self.seated.session.live().now();
        let files = self.seated.right.files();
        let end = files.borrow().as_ref()?.next_end(now)?;
        Some(end.since(now))
    }

    /// Puts on record that something of files was refused.
    pub(super) fn refused_file(&self, line: &str) {
        let record = self
            .seated
            .session
            .record(self.visit, AuditKind::FlowRefused);
        let flow = self.start.flow();
        let record = record.refused().reason(line);
        let record = record.detail("flow", flow.to_string());
        let record = with_command(record, &flow);
        let visit = Arc::clone(self.visit);
        // The pump waits for nobody.
        self.visit
            .tasks()
            .spawn(async move { visit.audit_refusal(record).await });
    }

    /// A file has passed, or not: its receipt.
    pub(super) fn logs(&self, entry: &FileEntry) {
        let protocol = match self.start {
            Start::Copy(copy) => match copy.means {
                Transfer::Scp(_) => "scp",
                Transfer::Rsync(_) => RSYNC,
                Transfer::Git(_) => GIT,
            },
            Start::Shell | Start::Command(_) | Start::Files | Start::Forward(_) => SFTP,
        };
        let session = &self.seated.session;
        if let Some(files) = &*self.seated.right.files().borrow() {
            session.file_lines().counts(files, protocol, entry);
        }
        receipts::passed(self.visit, session, self.number, protocol, entry);
    }

    /// Asks the operators for something of files.
    pub(super) fn confirms(
        &self,
        ticket: Ticket,
        wanted: Wanted,
        answers: mpsc::Sender<(Ticket, Verdict)>,
    ) {
        let receiver = confirming::ask(self.visit, &self.seated.session, self.number, wanted);
        // The pump waits for nobody.
        self.visit.tasks().spawn(async move {
            let verdict = tokio::select! {
                said = receiver => match said {
                    Ok(Ok(())) => Verdict::Permit,
                    Ok(Err(unconfirmed)) => Verdict::Refuse(unconfirmed.words),
                    // Whoever asked is gone, and the session with it.
                    Err(_) => return,
                },
                // The channel has ended.
                () = answers.closed() => return,
            };
            let _ = answers.send((ticket, verdict)).await;
        });
    }

    /// Shows what passes to whoever looks on.
    pub(super) fn shows(&self, doing: &Doing) {
        let live = self.seated.session.live();
        live.is_doing(self.number, doing.shown());
    }
}

impl Passing<'_> {
    /// Puts on record what a forward was: where to, from when, how much each way, and how it ended.
    pub(super) async fn forwarded(&mut self, closed: &str, passed: &Legs) {
        let Start::Forward(flow) = self.start else {
            return;
        };
        let Seated {
            session, permit, ..
        } = self.seated;
        let outcome = match self.opening.reached {
            true => "ended",
            false => "not-reached",
        };
        let record = session
            .record(self.visit, AuditKind::Forwarded)
            .reason(closed)
            .detail("flow", flow.to_string())
            .detail("to", permit.capability().to_string())
            .detail("channel", self.number)
            .detail("opened", self.began.as_micros())
            .detail("ended", clock::now().as_micros())
            .detail("to-target", passed.to_target)
            .detail("to-technician", passed.to_technician)
            .detail("outcome", outcome);
        self.visit.audit(record).await;
    }

    /// What is still open goes on record as it is.
    pub(super) fn finishes(&mut self) -> Result<(), RecordError> {
        let mut steps = Vec::new();
        self.kind.finish(clock::monotonic(), &mut steps);
        let beside = Beside {
            visit: self.visit,
            seated: self.seated,
            number: self.number,
            start: self.start,
        };
        let mut open = Vec::new();
        for step in steps {
            match step {
                Step::Log(entry) => open.push(*entry),
                Step::Note(note) => self.tap.event(Event::Note(&note))?,
                // Nobody gets any of it any more.
                Step::Pass(..)
                | Step::Hold(..)
                | Step::Release(_)
                | Step::Record(..)
                | Step::Send { .. }
                | Step::Beside { .. }
                | Step::Confirm(..)
                | Step::Run(_)
                | Step::Refused { .. }
                | Step::Stop(_)
                | Step::End { .. } => {}
            }
        }
        for entry in self.unsettled.over(open) {
            self.tap.event(Event::File(Cow::Borrowed(&entry)))?;
            beside.logs(&entry);
        }
        Ok(())
    }
}
