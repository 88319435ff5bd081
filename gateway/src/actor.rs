//! Who acts, and through what.
//!
//! Every face makes an [`Actor`] of whoever proved who they are, and every deed takes one. It holds no right: the right to
//! an act is asked of the documents in force when the act is done ([`ecluse_policy::mandate`]). It is the only maker of a
//! person's audit record, so that each says who, from where and through what (R4).

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ecluse_policy::{
    AccountName, AsAuditor, AsOperator, AsTechnician, Authenticated, CodeOutcome, Lang, PersonId,
    ProvenCode, Refusal, Role, TargetId, Timestamp,
};
use uuid::Uuid;

use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Applied;

/// A person inside the gateway, and how they got there.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who they proved to be.
    pub authenticated: Authenticated,
    /// Through what they act.
    pub origin: Origin,
    /// Their connection.
    pub connection: Uuid,
    /// The last code proven on it, shared by everything that goes on there.
    pub(crate) code: Arc<Mutex<ProvenCode>>,
}

/// Through what somebody acts. As a text it is their terminal in the audit trail (R4): `ssh 192.0.2.10:53122`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A connection of SSH.
    Ssh {
        /// From where they connect.
        source: SocketAddr,
        /// The address of the gateway that they connected to, for the commands it tells them to type.
        door: SocketAddr,
    },
}

impl Origin {
    /// From where they connect.
    pub fn source(self) -> SocketAddr {
        let Self::Ssh { source, .. } = self;
        source
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ssh { source, .. } = self;
        write!(f, "ssh {source}")
    }
}

impl Actor {
    /// Who.
    pub fn person(&self) -> &PersonId {
        self.authenticated.person()
    }

    /// The language they read.
    pub(crate) fn lang(&self) -> Lang {
        self.authenticated.lang()
    }

    /// Their right to act as a technician, as the documents say now (A2).
    pub(crate) fn as_technician<'a>(
        &'a self,
        applied: &'a Applied,
    ) -> Result<AsTechnician<'a>, Refusal> {
        self.authenticated
            .as_technician(&applied.documents, clock::agreed())
    }

    /// Their right to act as an operator, as the documents say now (A2).
    pub(crate) fn as_operator<'a>(
        &'a self,
        applied: &'a Applied,
    ) -> Result<AsOperator<'a>, Refusal> {
        self.authenticated
            .as_operator(&applied.documents, clock::agreed())
    }

    /// Their right to act as an auditor, as the documents say now (A2).
    pub(crate) fn as_auditor<'a>(&'a self, applied: &'a Applied) -> Result<AsAuditor<'a>, Refusal> {
        self.authenticated
            .as_auditor(&applied.documents, clock::agreed())
    }

    /// The last code they proved on this connection.
    pub(crate) fn proven_code(&self) -> ProvenCode {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another of their codes was looked at on this connection.
    pub(crate) fn code_judged(&self, outcome: CodeOutcome, now: Timestamp) {
        self.code
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .judged(outcome, now);
    }

    /// An audit record of what this person does, from where (R4).
    pub(crate) fn record(&self, kind: AuditKind, now: Timestamp) -> AuditRecord {
        AuditRecord::new(kind, now)
            .person(self.person())
            .station(self.authenticated.station())
            .source(self.origin.source().ip())
            .terminal(&self.origin.to_string())
            .detail("connection", self.connection.to_string())
    }

    /// The record of an act that is not theirs, or not now (R5: attempts too).
    pub(crate) fn refused(&self, act: &str) -> AuditRecord {
        let record = self
            .record(AuditKind::ActRefused, clock::now())
            .detail("act", act)
            .refused();
        match self.authenticated.role() {
            Role::Technician { .. } => record,
            Role::Operator { client } | Role::Auditor { client } => record.client(client),
        }
    }

    /// How this person reaches the gateway with `ssh`: `ssh -p 2222 alice@192.0.2.1`.
    pub(crate) fn ssh(&self, target: Option<(&TargetId, Option<&AccountName>)>) -> String {
        match target {
            None => self.ssh_as(""),
            Some((target, None)) => self.ssh_to(target.as_str()),
            Some((target, Some(account))) => self.ssh_to(&format!("{account}@{target}")),
        }
    }

    /// The same towards something on the gateway, `db01` or `postgres@db01`.
    pub(crate) fn ssh_to(&self, aim: &str) -> String {
        self.ssh_as(&format!("+{aim}"))
    }

    /// The `ssh` command that jumps by the gateway, up to where it leads: `ssh -J alice@192.0.2.1:2222`.
    pub(crate) fn jump(&self) -> String {
        let Origin::Ssh { door, .. } = self.origin;
        let (ip, port) = (door.ip().to_canonical(), door.port());
        let place = match port {
            22 => ip.to_string(),
            port => SocketAddr::new(ip, port).to_string(),
        };
        format!("ssh -J {}@{place}", self.person())
    }

    fn ssh_as(&self, aim: &str) -> String {
        let Origin::Ssh { door, .. } = self.origin;
        let port = if door.port() == 22 {
            String::new()
        } else {
            format!("-p {} ", door.port())
        };
        // A listener on :: shows an IPv4 client's own way to it as ::ffff:a.b.c.d.
        format!(
            "ssh {port}{}{aim}@{}",
            self.person(),
            door.ip().to_canonical()
        )
    }
}
