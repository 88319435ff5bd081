//! What strangers say to the interceptors of files, told by the bytes of a fuzzer.
//!
//! The interceptors are pure and are taken here from the gateway's own sources, file by file; nothing of its sockets, its store or its SSH
//! library comes along. A script ([`script::Script`]) drives one: who speaks, what, in which pieces, whether an operator says yes,
//! when a right is lost. What must hold whatever is said is asserted as it goes.

/// The gateway's modules, at the places where they look for one another.
#[path = "../../src/passage"]
mod passage {
    #[path = "kinds"]
    pub(crate) mod kinds {
        #![allow(dead_code, unused_imports, reason = "not all of it is driven here")]

        pub(crate) mod scp;
        pub(crate) mod sftp;
    }
}

pub mod scp;
mod script;
pub mod sftp;
mod target;
mod tree;

use std::time::Instant;

use ecluse_policy::capability::files::FileLine;
use passage::kinds::sftp::coverage::Digest;
use passage::kinds::sftp::{Answer, Operation, Ticket};

/// What the lines name: everything below here, and nothing else.
const INSIDE: &[u8] = b"/srv/in";
/// Where something waits for a yes.
const WAITS: &str = "sftp-write: /srv/in/wait";

/// Every right below [`INSIDE`].
fn lines() -> Vec<FileLine> {
    let families = ["read", "write", "list", "delete", "rename", "mkdir"];
    let patterns = ["/srv/in/**", "/srv/in"];
    let all = families
        .into_iter()
        .flat_map(|family| patterns.map(|pattern| (format!("sftp-{family}"), pattern)));
    all.map(|(family, pattern)| FileLine::parse(&family, pattern).unwrap().unwrap())
        .collect()
}

/// What is asked, and what waits for an answer.
struct Judge {
    lines: Vec<FileLine>,
    next: u64,
    waiting: Vec<Ticket>,
}

impl Judge {
    fn new() -> Self {
        Self {
            lines: lines(),
            next: 0,
            waiting: Vec::new(),
        }
    }

    fn answer(&mut self, operation: &Operation) -> Answer {
        if let Some(need) = operation.request.missing(&self.lines) {
            return Answer::Refuse(format!("{} is missing", operation.missing_line(&need)));
        }
        let mut needs = operation.request.needs().into_iter();
        if needs.any(|need| need.line().starts_with(WAITS)) {
            self.next += 1;
            self.waiting.push(Ticket(self.next));
            return Answer::Wait(Ticket(self.next));
        }
        Answer::Permit
    }
}

/// Counts instead of hashing: what is of interest is which bytes it is given.
#[derive(Default)]
struct Counts(u64);

impl Digest for Counts {
    fn update(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }

    fn finish(self: Box<Self>) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&self.0.to_be_bytes());
        digest
    }
}

/// Whether a path is what the lines name.
fn is_inside(path: &[u8]) -> bool {
    let rest = path.strip_prefix(INSIDE);
    let parts = || path.split(|byte| *byte == b'/');
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        && !parts().any(|part| matches!(part, b".." | b"."))
}

/// One moment: the interceptors know no clock, and nothing of them depends on it.
fn now() -> Instant {
    static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    *BEGAN
}
