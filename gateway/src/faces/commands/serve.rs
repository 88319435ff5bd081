//! `ecluse serve`: opens the doors.
//!
//! In order: the settings, the right to serve from the data directory, the store, the listeners, what a previous run left
//! behind, and only then the doors. On SIGTERM or Ctrl-C the sessions are told, their recordings closed, and only then the
//! process ends.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use ecluse_policy::Documents;
use ecluse_policy::identity::Doorway;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use super::minutes::each_minute;
use super::talks::Talks;
use super::{administrator, directory};
use crate::archive::changes::end_all_interrupted;
use crate::archive::cut_short;
use crate::archive::keeper::Keeper;
use crate::archive::recovery::close_what_was_left;
use crate::archive::sealing::Sealer;
use crate::archive::space::{Reserve, Space};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::copies::{Absences, Copies};
use crate::door::budget::{Bounds, Budget};
use crate::door::crowd::Crowds;
use crate::door::entrance::Entrance;
use crate::door::listener;
use crate::door::workers::Workers;
use crate::evidence::EvidenceKeys;
use crate::extraction::accounts::Accounts;
use crate::faces::commands::out::Out;
use crate::gateway::Gateway;
use crate::host_ca::HostCa;
use crate::identity::ledger::{Ledger, Measure};
use crate::identity::people::People;
use crate::life;
use crate::live::node_name::{self, NameError};
use crate::live::{Live, agreement, nodes, orders};
use crate::log::{JournalKeys, Ticker};
use crate::memory;
use crate::passage;
use crate::passage::notice::Told;
use crate::passage::purse::Purse;
use crate::readers::Readers;
use crate::screens::keep_screens;
use crate::secrets;
use crate::settings::{LimitSettings, Settings, SshSettings};
use crate::ssh;
use crate::ssh::technician::{Config, overheard};
use crate::store::{Applied, Contradicted, NODE, ServeLock, Store, StoreError, Topics};
use crate::texts::Texts;
use crate::time_source::TimeSource;

/// How long sessions may take to end when the gateway stops.
const SESSIONS_END_WITHIN: Duration = Duration::from_secs(10);
/// How long finishing recordings may hold up the end; what is left is finished at the next start.
const FINISH_WITHIN: Duration = Duration::from_secs(60);
/// How long what sessions did not use of their budgets may take to go back; what is left is spent.
const BUDGETS_SETTLE_WITHIN: Duration = Duration::from_secs(5);
/// How long the last copies may take; what is left is sent after the next start.
const COPIES_END_WITHIN: Duration = Duration::from_secs(5);
/// How long the store is waited for with what is not on record yet.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
/// How often the texts of the documents are compared with the log.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Serve: open the doors until told to stop (SIGTERM or Ctrl-C).
///
/// On the first start, with an empty store, the documents beside the settings file are put in force. Writes `ready` to
/// standard output when the doors are open.
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<()> {
        start_logging();
        overheard::listen().map_err(|error| {
            anyhow::anyhow!("the log of the SSH library cannot be listened to: {error}")
        })?;
        memory::keep_to_itself();
        serve(Settings::read(config)?).await
    }
}

fn start_logging() {
    // The SSH library logs user names and key offers below `warn`.
    let filter = tracing_subscriber::EnvFilter::try_from_env("ECLUSE_LOG").unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new(format!("info,{},sqlx=warn", ssh::LOG_FILTER))
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let lock = Arc::new(ServeLock::take(&settings.data_dir)?);
    let store = Store::open(&settings).await?;
    let listeners = listen(&settings.ssh).await?;
    apply_first_documents(&store, &settings).await?;
    let journal = journal_keys(&store, &settings).await?;
    let keys = EvidenceKeys::new(Arc::clone(&journal));
    secrets::create_private_dir(&settings.recordings.directory)?;
    let space = Space::over(&settings.recordings.directory, settings.recordings.space);
    make_room_for_sealing(&space.reserve());
    let address = settings.address().context(
        "nobody can tell how people reach this gateway: write `address = \"HOST:PORT\"` under [node]",
    )?;
    agreement::check(&store).await?;
    let own = node_name::take(&settings.data_dir, &lock, &store, &address).await?;
    let node = own.name.clone();
    let left = close_what_was_left(&store, &settings.recordings.directory, &node, &keys).await?;
    for ended in end_all_interrupted(&store, &settings).await? {
        tracing::warn!("{ended}");
    }
    cut_short::tell(&store, &lock, &node, clock::now()).await?;
    let sealer = Sealer::new(keys, store.clone(), Handle::current());
    let host_key = secrets::host_key(&settings.ssh.host_key)?;
    let authority = secrets::host_key(&settings.ssh.host_ca)?;

    let (stop, stopping) = watch::channel(false);
    let (documents, in_force) = watch::channel(store.documents().await?);
    say_what_is_closed(&store);
    say_what_has_no_budget(&in_force.borrow().documents);
    tell_document_faults(&store).await?;
    memory::warn_of_swap(&in_force.borrow().documents);
    let budget = Budget::new(bounds(&settings.limits));
    let talks = Talks::start()?;
    let (readers, reading) = Readers::start()?;
    let time_source = TimeSource::start(&settings.clock.servers, &store, own.serving()).await?;
    let gateway = Arc::new(Gateway {
        keeper: Keeper::start(
            settings.recordings.directory.clone(),
            sealer,
            space.reserve(),
            left,
        )?,
        extraction: Accounts::new(Arc::new(store.clone())),
        store: store.clone(),
        documents: in_force,
        live: Live::default(),
        purse: Purse::common(settings.limits.memory),
        clock: time_source.status(),
        absences: Absences::default(),
        crowds: Crowds::default(),
        ledger: Ledger::new(Measure::of(&settings.limits)),
        people: People::new(settings.limits.log_ons_per_person),
        told: Told::default(),
        space,
        texts: Texts::load()?,
        stopping,
        talks: talks.handle(),
        readers,
        node,
        host_ca: HostCa::of(&authority)?,
        settings,
    });
    store
        .begin_with_settings(&gateway.node, &gateway.settings.parts()?, clock::now())
        .await?;
    lock.serving(clock::now())?;
    gateway.readers.beside(keep_screens(Arc::clone(&gateway)));
    let ticker = Ticker::new(store.clone(), journal);
    let (taken, is_taken) = oneshot::channel();
    let background = [
        tokio::spawn(follow_documents(store.clone(), documents)),
        tokio::spawn(time_source.run()),
        tokio::spawn(Contradicted::name_all(store.clone())),
        tokio::spawn(watch_space(Arc::clone(&gateway))),
        tokio::spawn(watch_doors(Arc::clone(&gateway))),
        tokio::spawn(life::run(Arc::clone(&gateway))),
        tokio::spawn(Arc::clone(&gateway.extraction).run()),
        tokio::spawn(nodes::stay(Arc::clone(&gateway), own.clone(), taken)),
        tokio::spawn(orders::carry_out(Arc::clone(&gateway))),
        tokio::spawn(each_minute(
            Arc::clone(&gateway),
            Arc::clone(&ticker),
            Arc::clone(&lock),
        )),
        tokio::spawn(Arc::clone(&ticker).follow_keys()),
    ];

    let copies = Copies::start(
        &store,
        gateway.documents.clone(),
        &gateway.absences,
        &gateway.node,
    );

    let workers = Arc::new(Workers::start(
        std::thread::available_parallelism().map_or(1, usize::from),
    )?);
    let connections = TaskTracker::new();
    let config = Config::new(host_key, authority);
    let doors: Vec<_> = listeners
        .into_iter()
        .map(|(listener, doorway)| {
            let entrance = Entrance::new(Arc::clone(&gateway), budget.clone());
            let (gateway, workers) = (Arc::clone(&gateway), Arc::clone(&workers));
            let (config, connections) = (config.clone(), connections.clone());
            let stopping = gateway.stopping.clone();
            let door = listener::accept(listener, entrance, stopping, move |tcp, source, place| {
                let (gateway, config) = (Arc::clone(&gateway), config.clone());
                let Ok(tcp) = tcp.into_std() else { return };
                let connection = connections.token();
                workers.carry(move || async move {
                    let _connection = connection;
                    // The socket belongs to the worker's own event queue.
                    if let Ok(tcp) = tokio::net::TcpStream::from_std(tcp) {
                        passage::serve(tcp, source, doorway, place, config, gateway).await;
                    }
                });
            });
            tokio::spawn(door)
        })
        .collect();
    announce()?;

    let taken = until_told_to_stop(is_taken).await?;
    if let Some(taken) = &taken {
        tracing::error!("{taken}");
    }
    tracing::info!("stopping: sessions are told and their recordings closed");
    stop.send_replace(true);
    for door in doors {
        let _ = door.await;
    }
    connections.close();
    if tokio::time::timeout(SESSIONS_END_WITHIN, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            "some connections did not end in time; their recordings are closed at the next start"
        );
    }
    for task in background {
        task.abort();
    }
    gateway.extraction.settle(BUDGETS_SETTLE_WITHIN).await;
    let finishing = Arc::clone(&gateway);
    let unfinished =
        tokio::task::spawn_blocking(move || finishing.keeper.wait_until_finished(FINISH_WITHIN))
            .await?;
    if unfinished > 0 {
        tracing::warn!(unfinished, "recordings are finished at the next start");
    }
    gateway.ledger.close(&store, clock::now()).await;
    gateway.people.close(&store, clock::now()).await;
    let unsettled = store.settle(SETTLED_WITHIN).await;
    if unsettled > 0 {
        tracing::error!(
            unsettled,
            "the store does not answer: what happened is not on record; sessions are ended by the next start"
        );
    }
    let mut stopped =
        AuditRecord::new(AuditKind::GatewayStop, clock::now()).detail(NODE, gateway.node.as_str());
    if taken.is_some() {
        stopped = stopped.reason(
            "another gateway serves under this one's name: one data directory is a copy of the other",
        );
    }
    store.record(&[stopped]).await?;
    if let Err(error) = own.leave(&store).await {
        tracing::debug!(%error, "other nodes will miss this one for a moment");
    }
    lock.ended()?;
    // The last word is signed, before the last copies leave.
    ticker.tick(clock::now()).await;
    copies.finish(COPIES_END_WITHIN).await;
    store.close().await;
    drop(reading);
    drop(lock);
    taken.map_or(Ok(()), |taken| Err(taken.into()))
}

/// The keys that make evidence, tried: a gateway that cannot sign opens no door.
async fn journal_keys(store: &Store, settings: &Settings) -> anyhow::Result<Arc<JournalKeys>> {
    let keys = JournalKeys::open(store, &settings.journal, clock::now()).await?;
    let documents = store.documents().await?.documents.clone();
    keys.self_check(documents, clock::now()).await?;
    tracing::info!(origin = keys.origin(), "evidence can be signed and read");
    Ok(Arc::new(keys))
}

/// Every address the doors are at, and whom each is for (F4).
async fn listen(ssh: &SshSettings) -> anyhow::Result<Vec<(TcpListener, Doorway)>> {
    let own = &ssh.operators_listen;
    let (listen, own_key) = ("listen", "operators-listen");
    let doors = if own.is_empty() {
        vec![(listen, &ssh.listen, Doorway::Everybody)]
    } else {
        vec![
            (listen, &ssh.listen, Doorway::Technicians),
            (own_key, own, Doorway::Operators),
        ]
    };
    let mut listeners = Vec::new();
    for (key, addresses, doorway) in doors {
        for address in addresses {
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}: stop whatever listens there, or change `{key}` under [ssh]")
            })?;
            tracing::info!(address = %listener.local_addr()?, people = ?doorway, "the SSH door opens");
            listeners.push((listener, doorway));
        }
    }
    Ok(listeners)
}

fn announce() -> anyhow::Result<()> {
    let mut out = Out;
    writeln!(out, "ready")?;
    out.flush()?;
    Ok(())
}

/// Waits until somebody says so, or another gateway is found to serve under this one's name, and tells of that.
async fn until_told_to_stop(
    taken: oneshot::Receiver<NameError>,
) -> anyhow::Result<Option<NameError>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        Ok(taken) = taken => Some(taken),
    })
}

fn bounds(limits: &LimitSettings) -> Bounds {
    Bounds {
        per_source: limits.per_source as usize,
        operators: limits.unauthenticated_operators as usize,
        stations: limits.unauthenticated_stations as usize,
        everybody: limits.unauthenticated as usize,
        everybody_per_source: limits.unauthenticated_per_source as usize,
        drop_from: limits.drop_from as usize,
        total: limits.total as usize,
        per_person: limits.per_person as usize,
        kept_for_operators: limits.kept_for_operators as usize,
    }
}

/// Puts the documents beside the settings file in force when none ever were.
async fn apply_first_documents(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    if store.documents().await?.version > 0 {
        return Ok(());
    }
    let beside = settings.file.parent().unwrap_or(Path::new("."));
    let texts = match directory::read(beside) {
        Ok(texts) => texts,
        Err(directory::DirectoryError::Empty { .. }) => {
            tracing::warn!(
                "no documents are in force, so nobody can log on; run: ecluse apply DIR"
            );
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    store
        .apply_documents(&texts, &administrator(), clock::now())
        .await?;
    Ok(())
}

/// Says which doors are closed, why, and what opens them.
fn say_what_is_closed(store: &Store) {
    for fault in store.document_faults() {
        tracing::error!(
            "{fault}; find out who changed the store, then put the right text in force: ecluse apply DIR"
        );
    }
}

/// Says of which flows nobody wrote how much may leave: documents from before budgets are in force without one.
fn say_what_has_no_budget(documents: &Documents) {
    for error in documents.without_budget() {
        tracing::warn!("no budget of what leaves: {error}");
    }
}

/// Puts documents that are not the ones on record there, each once.
async fn tell_document_faults(store: &Store) -> Result<(), StoreError> {
    store.tell_document_faults(clock::now()).await
}

/// Takes new versions of the documents into force as they are applied, and closes the doors of those that the log
/// contradicts.
async fn follow_documents(store: Store, documents: watch::Sender<Arc<Applied>>) {
    let mut changes = store.changes(Topics::documents());
    let mut was_closed = !store.document_faults().is_empty();
    // Beats whatever else happens: what is announced again and again must not put off the look at what nobody announces.
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Whoever changes the tables by hand announces nothing.
        let looked = tokio::select! {
            biased;
            _ = looks.tick() => store.look_at_documents().await,
            changed = changes.changed() => match changed {
                // The same version may stand beside other words of clients.
                Ok(()) => store.look_at_documents().await,
                Err(_) => return,
            },
        };
        if let Err(error) = tell_document_faults(&store).await {
            tracing::error!(%error, "a document that is not the one on record could not be put on record");
        }
        match looked {
            Ok(applied) => {
                documents.send_if_modified(|current| {
                    let newer = !Arc::ptr_eq(&applied, current);
                    if newer {
                        if applied.version != current.version {
                            tracing::info!(version = applied.version, "new documents are in force");
                        } else if was_closed && store.document_faults().is_empty() {
                            tracing::info!(
                                version = applied.version,
                                "the documents are the ones on record again"
                            );
                        }
                        was_closed = !store.document_faults().is_empty();
                        say_what_is_closed(&store);
                        memory::warn_of_swap(&applied.documents);
                        *current = applied;
                    }
                    newer
                });
            }
            // The version in force stays; a client's change that cannot be read must not open anything.
            Err(error) => tracing::error!(%error, "the documents cannot be read"),
        }
    }
}

/// What a previous run left open is sealed on a full disk too.
fn make_room_for_sealing(reserve: &Reserve) {
    match reserve.take_if_full() {
        Ok(false) => {}
        Ok(true) => tracing::warn!(
            "the disk is full: the reserve is used for what a previous run left open"
        ),
        Err(error) => tracing::debug!(%error, "the reserve cannot be used"),
    }
}

async fn watch_doors(gateway: Arc<Gateway>) {
    gateway.crowds.run(&gateway.store).await;
}

async fn watch_space(gateway: Arc<Gateway>) {
    gateway.space.run(gateway.store.clone()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        for (own, key) in [
            (Vec::new(), "`listen`"),
            (vec![address], "`operators-listen`"),
        ] {
            let ssh = SshSettings {
                listen: if own.is_empty() {
                    vec![address]
                } else {
                    vec!["127.0.0.1:0".parse().unwrap()]
                },
                operators_listen: own,
                host_key: "unused".into(),
                host_ca: "unused".into(),
                banner: crate::settings::Banner::Usual,
            };
            let error = format!("{:#}", listen(&ssh).await.unwrap_err());
            assert!(error.contains(&format!("change {key}")), "{error}");
        }
    }
}
