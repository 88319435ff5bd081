//! The one connection to a target that all forwards of a session share (DESIGN §5): a log-on for each would meet the target's
//! `MaxStartups`, and a browser opens dozens at once.
//!
//! It is dialled by the first forward and stays until the session ends. What a place sends and its technician does not take
//! holds back the others, so that whoever reads nothing for long is ended for their sake (`adr/0054`).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ecluse_policy::capability::destination::{Door, Host, Known, NoForward};
use ecluse_policy::{Capability, ForwardLine, HostPort, TargetId};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, client};
use tokio::sync::{Mutex, oneshot};

use super::channel::{FromTarget, TAKEN_WITHIN, TargetConnection, ToTarget};
use super::intake::{Intake, Intakes};
use super::{LoggedOn, Server, log_on};
use crate::actor::Origin;
use crate::clock;
use crate::door::stream::Socket;
use crate::passage::inflow::{Inflow, TooLarge};
use crate::passage::reach::{Asking, ConnectError, Connected, Greeting, Reached};
use crate::passage::side::End;
use crate::passage::visit::Visit;
use crate::store::Node;

/// How long a target may take to reach a place.
/// Longer than one that nobody reads may keep it waiting (`passage/passing/unread.rs`).
const REACHED_WITHIN: Duration = Duration::from_secs(45);
/// Channels that the gateway closed first, after which the next forward dials anew: the library keeps a little of each.
const LEFT_BEHIND: usize = 4096;
/// Where a connection comes from, as a target is told (RFC 4254 §7.2): nothing about the technician.
const ORIGIN: &str = "127.0.0.1";

/// What the forwards of one session share.
#[derive(Default)]
pub(crate) struct Forwards(Mutex<Shared>);

#[derive(Default)]
struct Shared {
    leg: Option<Arc<Leg>>,
    /// When a log-on failed last, and how.
    failed: Option<(Instant, ConnectError)>,
}

impl Forwards {
    /// The connection, dialled where there is none. Whoever asks meanwhile waits for it.
    async fn leg(
        &self,
        visit: &Visit,
        server: Server<'_>,
        asking: &Asking<'_>,
        greeting: &Greeting,
    ) -> Result<Arc<Leg>, ConnectError> {
        let asked = clock::monotonic();
        let mut shared = self.0.lock().await;
        if let Some(leg) = shared.leg.as_ref().filter(|leg| leg.is_open()) {
            return Ok(Arc::clone(leg));
        }
        // Who waited for a log-on that failed tries none of their own: fifty at once would block the account.
        if let Some((at, error)) = &shared.failed
            && *at >= asked
        {
            return Err(error.once_more());
        }
        match log_on(visit, server, asking, greeting).await {
            Ok(logged_on) => {
                let nodes = visit.gateway().store.gateways().await.unwrap_or_default();
                let leg = Arc::new(Leg::of(logged_on, nodes));
                shared.leg = Some(Arc::clone(&leg));
                Ok(leg)
            }
            Err(error) => {
                shared.failed = Some((clock::monotonic(), error.once_more()));
                Err(error)
            }
        }
    }

    /// Leaves the target. Every forward has ended.
    pub(crate) async fn close(&self) {
        let Some(leg) = self.0.lock().await.leg.take() else {
            return;
        };
        let socket = Arc::clone(leg.socket());
        if let Some(leg) = Arc::into_inner(leg) {
            Box::new(leg.connection).close_gently();
            return;
        }
        // Something that a target has not answered still holds it, for ever where the target likes.
        tokio::spawn(async move {
            tokio::time::sleep(TAKEN_WITHIN).await;
            socket.cut();
        });
    }
}

/// Connects to the place of a permit, as the target sees it.
///
/// # Errors
/// [`ConnectError`]; nothing stays open then that the session's other forwards do not use.
pub(crate) async fn forward(
    visit: &Visit,
    server: Server<'_>,
    asking: &Asking<'_>,
    greeting: &Greeting,
) -> Result<Reached, ConnectError> {
    // By no other capability is a forward permitted.
    let Capability::Forward(place) = asking.permit.capability() else {
        return Err(ConnectError::Lost);
    };
    let own = (asking.permit.target(), server.destination);
    let leg = asking.forwards.leg(visit, server, asking, greeting);
    let leg = leg.await?;
    // Whatever becomes of the place: an operator's cut reaches it.
    asking.seated.session.live().dialled(leg.socket());
    if is_own_door(visit, own, &leg, place) {
        return Err(ConnectError::OwnDoor(place.to_string()));
    }
    // However long somebody holds it.
    asking.until_free(visit).await;
    let channel = leg.reach(place).await?;
    let id = channel.id();
    let (read, write) = channel.split();
    let intake = Intake::new(Arc::clone(&leg.inflow));
    leg.intakes.list(id, &intake);
    let begun = intake.begin(read);
    let write = Arc::new(write);
    let on_leg = OnLeg {
        id,
        write: Arc::clone(&write),
        intake: Arc::clone(&intake),
        leg,
    };
    begun.map_err(|TooLarge(_)| ConnectError::Lost)?;
    let handle = on_leg.leg.handle().ok_or(ConnectError::Lost)?;
    let sink = ToTarget::new(write, &handle, &intake);
    let end = End::new(Box::new(FromTarget::unasked(&intake)), Box::new(sink));
    Ok(Reached::new(end, Box::new(on_leg)))
}

/// Whether a place is a door of the gateway (F4), by the address that the target sees it at and all others that are known.
fn is_own_door(
    visit: &Visit,
    (target, own): (&TargetId, &HostPort),
    leg: &Leg,
    place: &ForwardLine,
) -> bool {
    let settings = &visit.gateway().settings;
    let listens = settings.ssh.listen.iter();
    let listens = || listens.clone().chain(&settings.ssh.operators_listen);
    let told = settings.address();
    let mut hosts: Vec<String> = listens().map(|door| door.ip().to_string()).collect();
    hosts.extend(leg.socket().local().map(|ip| ip.to_string()));
    if leg.socket().is_within_a_machine() {
        hosts.push(Ipv4Addr::LOCALHOST.to_string());
    }
    hosts.extend(leg.nodes.iter().map(|node| node.host().to_owned()));
    // As the technician reached it, also where they came by another connection's channel.
    let Origin::Ssh { door, .. } = visit.visitor().origin;
    hosts.push(door.ip().to_canonical().to_string());
    hosts.extend(told.as_ref().map(|told| told.host().to_owned()));
    let hosts: Vec<Host> = hosts
        .iter()
        .filter_map(|host| Host::parse(host).ok())
        .collect();
    let mut ports: Vec<u16> = listens().map(|door| door.port()).collect();
    ports.extend(told.as_ref().map(HostPort::port));
    ports.extend(leg.nodes.iter().map(HostPort::port));
    let known = Known {
        gateway: &hosts,
        gateway_ports: &ports,
        own: &Door::of(target, own.host(), own.port()),
        others: &[],
    };
    match known.never(place) {
        Some(NoForward::Gateway) => true,
        // Doors of targets are no matter of an address: policy has left them out.
        Some(NoForward::Door(_)) | None => false,
    }
}

/// The connection.
struct Leg {
    connection: TargetConnection,
    inflow: Arc<Inflow>,
    intakes: Arc<Intakes>,
    left_behind: AtomicUsize,
    /// How many wait for the target's answer.
    opening: Arc<AtomicUsize>,
    /// Where the gateways are that share the store.
    nodes: Vec<HostPort>,
}

impl Leg {
    fn of(logged_on: LoggedOn, nodes: Vec<Node>) -> Self {
        let LoggedOn {
            handle,
            guard,
            inflow,
            intake: _,
            beside: _,
            forwards: intakes,
            until: _,
        } = logged_on;
        let by = Arc::clone(&intakes);
        let connection = TargetConnection::new(
            guard.keep(),
            Arc::new(handle),
            move || by.any(),
            Arc::clone(&inflow),
        );
        Self {
            connection,
            inflow,
            intakes,
            left_behind: AtomicUsize::new(0),
            opening: Arc::default(),
            nodes: nodes.into_iter().map(|node| node.address).collect(),
        }
    }

    fn handle(&self) -> Option<Arc<client::Handle<super::Target>>> {
        self.connection.handle()
    }

    fn socket(&self) -> &Arc<Socket> {
        self.connection.socket()
    }

    /// Whether another forward may go by it.
    fn is_open(&self) -> bool {
        let worn = self.left_behind.load(Relaxed) >= LEFT_BEHIND;
        !worn && self.handle().is_some_and(|handle| !handle.is_closed())
    }

    /// Opens a channel to a place, in the spelling of its line.
    async fn reach(
        self: &Arc<Self>,
        place: &ForwardLine,
    ) -> Result<Channel<client::Msg>, ConnectError> {
        let (tell, told) = oneshot::channel();
        let handle = self.handle().ok_or(ConnectError::Lost)?;
        let (leg, to) = (Arc::clone(self), place.clone());
        // Whoever waits may leave meanwhile: what is opened then is closed, and stays open at no target.
        tokio::spawn(async move {
            let opened = match &to {
                ForwardLine::Forward(place) => {
                    let (host, port) = (place.host().to_string(), u32::from(place.port()));
                    handle
                        .channel_open_direct_tcpip(host, port, ORIGIN, 0)
                        .await
                }
                ForwardLine::Socket(path) => {
                    let path = String::from_utf8_lossy(path.path().as_bytes()).into_owned();
                    handle.channel_open_direct_streamlocal(path).await
                }
            };
            if let Err(Ok(channel)) = tell.send(opened) {
                leg.left_behind.fetch_add(1, Relaxed);
                let _ = channel.close().await;
            }
        });
        let there = || place.to_string();
        let _opening = Opening::of(&self.opening);
        match tokio::time::timeout(REACHED_WITHIN, told).await {
            Err(_) => Err(ConnectError::Unreachable(there())),
            Ok(Ok(Ok(channel))) => Ok(channel),
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(
                ChannelOpenFailure::AdministrativelyProhibited,
            )))) => Err(ConnectError::Prohibited(there())),
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(_)))) => {
                Err(ConnectError::Unreachable(there()))
            }
            Ok(Ok(Err(_)) | Err(_)) => Err(ConnectError::Lost),
        }
    }
}

/// One that waits for the target's answer, while it does.
struct Opening(Arc<AtomicUsize>);

impl Opening {
    fn of(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Relaxed);
        Self(Arc::clone(all))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// One forward on the connection; its channel is closed when it is dropped, the connection is not.
struct OnLeg {
    id: ChannelId,
    write: Arc<ChannelWriteHalf<client::Msg>>,
    intake: Arc<Intake>,
    leg: Arc<Leg>,
}

impl Connected for OnLeg {
    fn socket(&self) -> &Arc<Socket> {
        self.leg.socket()
    }

    fn holds_others_back(&self) -> bool {
        let waits = self.leg.intakes.len() > 1 || self.leg.opening.load(Relaxed) > 0;
        self.leg.inflow.is_shut() && waits
    }

    fn close_gently(self: Box<Self>) {}
}

impl Drop for OnLeg {
    fn drop(&mut self) {
        self.leg.intakes.forget(self.id);
        if !self.intake.is_over() {
            self.leg.left_behind.fetch_add(1, Relaxed);
        }
        let (write, leg) = (Arc::clone(&self.write), Arc::clone(&self.leg));
        // Behind what was sent to it, in the library's own order.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = write.close().await;
                drop(leg);
            });
        }
    }
}
