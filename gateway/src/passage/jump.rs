//! A connection within a channel of another one: `ssh -J PERSON@gateway ACCOUNT@TARGET` (`adr/0058-jumps.md`).
//!
//! A client that jumps asks for a channel to the target and speaks SSH on it, encrypted for whoever stands at its end. That is
//! the gateway itself: the channel's bytes go to a second [`Visit`], which is the first one's person on that target, with
//! channels, a session, budgets and a recording as if they had come by the front door. What lies in the outer channel is the
//! same once more, encrypted: neither counted nor recorded. No byte reaches a target's SSH port by any other way.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use ecluse_policy::documents::HostPort;
use ecluse_policy::{AccountName, Capability, FlowRequest, LoginAddress, TargetId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::channel::Opening;
use super::connection::Connection;
use super::knock::{Knock, Within};
use super::side::{End, Piece, Sink, Source};
use super::story;
use super::visit::Visit;
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::door::budget::{Full, Place};
use crate::door::stream::{GuardedStream, Socket};
use crate::ssh::technician::Config;
use crate::store;

/// The port of SSH, which a client asks for where it was told no other.
const SSH: u16 = 22;
/// Most that is read at once of what goes back.
const READ: usize = 32 << 10;
/// What a jump costs beside its connection: the buffers of the pair of sockets, and what is read at once.
pub(crate) const COST: usize = 512 << 10;

/// Where somebody asks to be led.
#[derive(Debug, Clone)]
pub(crate) struct Jump {
    /// The target.
    pub(crate) target: TargetId,
    /// How its client names it, for the certificate.
    pub(crate) called: String,
}

impl Jump {
    /// The target that `host` and `port` name, by its id or by the address that its document says, where the matrix has
    /// anything of it for this person: whoever may not ask for it is told of a forward, which tells nobody what there is.
    pub(crate) fn aim(visit: &Visit, host: &str, port: u16) -> Option<Self> {
        let [target] = <[TargetId; 1]>::try_from(named(visit, host, port)).ok()?;
        Some(Self {
            target,
            called: called(host),
        })
    }
}

/// As it is called: with its last dot it is the same name (RFC 1034 §3.1).
fn called(host: &str) -> String {
    let called = host.to_ascii_lowercase();
    called.strip_suffix('.').unwrap_or(&called).to_owned()
}

/// The targets of this person that `host` and `port` name.
fn named(visit: &Visit, host: &str, port: u16) -> Vec<TargetId> {
    let applied = visit.gateway().applied();
    let Ok(technician) = visit.visitor().as_technician(&applied) else {
        return Vec::new();
    };
    let called = called(host);
    let address = HostPort::parse(&format!("{called}:{port}"))
        .or_else(|_| HostPort::parse(&format!("[{called}]:{port}")))
        .ok();
    let mut found = technician
        .reaches()
        .into_iter()
        .flat_map(|reach| reach.scope.targets)
        .filter(|id| {
            let Some((_, target)) = applied.documents.target(id) else {
                return false;
            };
            let by_id = id.as_str() == called && (port == SSH || port == target.address.port());
            by_id || address.as_ref() == Some(&target.address)
        })
        .collect::<Vec<_>>();
    found.sort();
    found.dedup();
    found
}

/// The targets of this person to whose doors by SSH a forward would go, as they are seen from the target `from`.
pub(super) fn doors(visit: &Visit, from: Option<&TargetId>, flow: &FlowRequest) -> Vec<TargetId> {
    let FlowRequest::DirectTcpip { host, port } = flow else {
        return Vec::new();
    };
    let named = u16::try_from(*port).map(|port| named(visit, host, port));
    let named = named.unwrap_or_default();
    let applied = visit.gateway().applied();
    let own = from.and_then(|from| applied.documents.target(from));
    if let (true, Some((_, own)), Some(place)) = (named.is_empty(), own, flow.place()) {
        let door = applied.documents.never(own, &Capability::Forward(place));
        let reaches = visit
            .visitor()
            .as_technician(&applied)
            .map(|it| it.reaches());
        let reaches = reaches.unwrap_or_default();
        let is_theirs = |id: &TargetId| reaches.iter().any(|it| it.scope.targets.contains(id));
        return door.filter(is_theirs).into_iter().collect();
    }
    named
}

impl Jump {
    /// There is no place for it: that is on record. The words for whoever asked.
    pub(crate) fn no_place(&self, visit: &Arc<Visit>, full: Full) -> String {
        let (reason, words) = match full {
            Full::Person => (
                "too many connections of this person",
                "door-too-many-of-person",
            ),
            Full::Source => (
                "too many connections of this source",
                "door-too-many-of-source",
            ),
            Full::Often | Full::Early | Full::Pool | Full::Total => {
                ("no place after log-on", "door-too-many-inside")
            }
        };
        let documents = &visit.gateway().applied().documents;
        let record = visit.visitor().record(AuditKind::Admission, clock::now());
        let record = record.names(documents, Some(&self.target)).refused();
        let record = record.detail("named", self.target.as_str()).reason(reason);
        let at = Arc::clone(visit);
        // Callbacks of the SSH library must not wait for the store.
        visit
            .tasks()
            .spawn(async move { at.audit_refusal(record).await });
        visit.count_refusal();
        visit.say(words)
    }
}

/// Serves the connection that `opening`, a channel of `outer`, brings, until either of them ends.
pub(crate) async fn serve(
    outer: Arc<Knock>,
    visit: Arc<Visit>,
    mut opening: Opening,
    jump: Jump,
    place: Place,
    config: Config,
) {
    if let Err(error) = lead(&outer, &visit, &mut opening, jump, place, config).await {
        tracing::error!(%error, "a connection within another one cannot begin");
    }
    story::close(&mut opening).await;
}

async fn lead(
    outer: &Arc<Knock>,
    visit: &Arc<Visit>,
    opening: &mut Opening,
    jump: Jump,
    place: Place,
    config: Config,
) -> io::Result<()> {
    let gateway = Arc::clone(visit.gateway());
    let config = config
        .within(&[jump.target.as_str(), &jump.called], clock::now())
        .map_err(io::Error::other)?;
    let id = store::new_id(clock::now()).map_err(io::Error::other)?;
    let (ours, theirs) = UnixStream::pair()?;
    let stream = GuardedStream::within(theirs);
    let socket = stream.socket();
    let connection = Connection::new(
        Arc::clone(&socket),
        &gateway.purse,
        config.renewal(),
        gateway.settings.limits.channels_per_connection as usize,
    );
    let within = Within {
        outer: Arc::clone(visit),
        target: jump.target,
    };
    let knock = Knock::within(outer, within, Arc::clone(&connection), id, place);
    let serving = async {
        super::attend(stream, connection, knock, config, gateway).await;
        // What was said last still goes out; then the channel ends.
        socket.hang_up();
    };
    let carrying = async {
        carry(&mut opening.end, ours, &socket).await;
        // The channel has gone: nothing more can be said on the connection within it.
        socket.cut();
    };
    tokio::join!(serving, carrying);
    Ok(())
}

/// Carries bytes between the outer channel and the connection within it, until either ends.
async fn carry(channel: &mut End, pair: UnixStream, socket: &Socket) {
    let End { source, sink, .. } = channel;
    let (back, there) = pair.into_split();
    tokio::select! {
        () = up(source.as_mut(), there) => {}
        () = down(back, sink.as_mut(), socket) => {}
        () = socket.until_cut() => {}
    }
}

/// What the technician sends; ends when their channel does.
async fn up(source: &mut dyn Source, mut there: OwnedWriteHalf) {
    while let Some(piece) = source.next().await {
        let done = match piece {
            Piece::Data(bytes) => there.write_all(&bytes).await,
            Piece::Eof => there.shutdown().await,
            Piece::Close => return,
            // Of a channel to a port there is no more than bytes.
            Piece::ErrorData(_)
            | Piece::Resize(_)
            | Piece::Signal(_)
            | Piece::Exit(_)
            | Piece::Refused
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Remark(_) => Ok(()),
        };
        if done.is_err() {
            break;
        }
    }
    // Nobody reads any more; what was said last still goes back.
    while !matches!(source.next().await, Some(Piece::Close) | None) {}
}

/// What goes back; ends when the connection within does. Nothing of it goes on once that is cut (invariant 6).
async fn down(mut back: OwnedReadHalf, sink: &mut dyn Sink, socket: &Socket) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ);
        match back.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) if socket.is_cut() => return,
            Ok(_) => {}
        }
        let bytes: Bytes = buffer.split().freeze();
        if sink.send(&mut Piece::Data(bytes)).await.is_err() {
            return;
        }
    }
}

/// Lets the outer connection's person in as `user`, which is the account; whether it is one, and is on record.
pub(crate) async fn enter(knock: &Knock, within: &Within, user: &str) -> bool {
    let Ok(account) = AccountName::parse(user) else {
        return false;
    };
    let outer = within.outer.visitor();
    let address = LoginAddress {
        person: outer.person().clone(),
        target: Some(within.target.clone()),
        account: Some(account),
    };
    let visitor = Actor {
        connection: knock.id(),
        ..Actor::clone(outer)
    };
    let record = log_on(knock, within, &visitor, user);
    let gateway = knock.gateway();
    let record = gateway.people.logs_on(visitor.person(), record);
    let written = gateway
        .store_for(visitor.authenticated.role())
        .log_on(visitor.person(), None, None, clock::agreed(), record)
        .await;
    match written {
        Ok(entered) => {
            if entered {
                knock.let_in(visitor, address);
            }
            entered
        }
        // No trace, no entry.
        Err(error) => {
            tracing::error!(%error, "nobody can log on: the store does not answer");
            false
        }
    }
}

/// The entry of the log-on: by what they proved themselves stands in that of the outer connection.
fn log_on(knock: &Knock, within: &Within, visitor: &Actor, user: &str) -> AuditRecord {
    let documents = &knock.gateway().applied().documents;
    visitor
        .record(AuditKind::LogOn, clock::agreed())
        .names(documents, Some(&within.target))
        .permitted()
        .detail("user-name", ecluse_recordings::neutralise(user))
        .detail("within", within.outer.visitor().connection.to_string())
}
