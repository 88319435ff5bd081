//! Copies that leave the machine as events arise, received by a real rsyslog. R8, R9.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::receiver::{Authority, Message, Rsyslog};
use ecluse_tests::{Site, store, wait};
use sha2::{Digest, Sha256};

const PATIENCE: Duration = Duration::from_secs(60);

fn site(receiver: &Rsyslog, authority: &Authority) -> Result<Site> {
    let tail = receiver.document(authority)?;
    Site::start_with(|plan| {
        plan.documents.client_tail = tail;
        Ok(())
    })
}

/// Waits until every entry of the client arrived, and returns all that did.
fn wait_for_all(site: &Site, receiver: &Rsyslog) -> Result<Vec<Message>> {
    wait::until("every entry at the receiver", PATIENCE, || {
        let wanted: BTreeSet<u64> = store::entries(site, "hopital")?
            .into_iter()
            .map(|(seq, _, _)| seq)
            .collect();
        let messages = receiver.messages()?;
        let arrived: BTreeSet<u64> = messages.iter().filter_map(Message::seq).collect();
        Ok(wanted.is_subset(&arrived).then_some(messages))
    })
}

/// In order, each at its first arrival; whole, and the client's own.
fn check(site: &Site, messages: &[Message]) -> Result<()> {
    let entries = store::entries(site, "hopital")?;
    let mut seen = BTreeSet::new();
    let mut last = 0;
    for message in messages {
        let Some(seq) = message.seq() else { continue };
        if seen.insert(seq) {
            ensure!(seq > last, "{seq} came after {last}");
            last = seq;
        }
        let (_, leaf, entry) = entries
            .iter()
            .find(|(number, _, _)| *number == seq)
            .with_context(|| format!("{seq} is not the client's: {message:?}"))?;
        ensure!(
            message.text == *entry,
            "{seq} arrived as {:?}, and is {entry:?}",
            message.text
        );
        ensure!(message.field("leaf") == Some(leaf), "{message:?}");
        let mut hash = Sha256::new_with_prefix([0]);
        hash.update(message.text.as_bytes());
        let hash: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        ensure!(
            hash == *leaf,
            "what arrived is not what was hashed: {message:?}"
        );
        ensure!(message.field("client") == Some("hopital"), "{message:?}");
    }
    Ok(())
}

/// R8: stopped, killed, started again: everything arrives, in order, and is what was hashed.
#[test]
fn everything_arrives_at_a_receiver_that_comes_and_goes() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let site = site(&receiver, &authority)?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    let messages = wait_for_all(&site, &receiver)?;
    check(&site, &messages)?;
    let message = messages
        .iter()
        .find(|message| message.head.contains(" session-start "))
        .context("the session is not there")?;
    ensure!(message.head.starts_with("<109>1 2"), "{message:?}");
    ensure!(message.field("person") == Some("alice"), "{message:?}");
    ensure!(
        message.json()?.get("kind").and_then(|kind| kind.as_str()) == Some("session-start"),
        "{message:?}"
    );

    for at_once in [false, true] {
        receiver.stop(at_once)?;
        site.ssh("alice+db01")
            .run("echo away")
            .answer()?
            .success()?;
        site.ssh("alice+nowhere").run("true").answer()?;
        receiver.start()?;
        check(&site, &wait_for_all(&site, &receiver)?)?;
    }
    Ok(())
}

/// R8: what was not taken is sent after the gateway's own end too.
#[test]
fn everything_arrives_though_the_gateway_is_killed_or_stopped() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    let mut site = site(&receiver, &authority)?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    site.kill()?;
    receiver.start()?;
    site.open()?;
    check(&site, &wait_for_all(&site, &receiver)?)?;

    // Stopped in order, everything has arrived: nothing comes twice afterwards.
    site.ssh("alice+db01").run("echo two").answer()?.success()?;
    site.close()?;
    let before = wait_for_all(&site, &receiver)?;
    site.open()?;
    site.ssh("alice+db01")
        .run("echo three")
        .answer()?
        .success()?;
    let after = wait_for_all(&site, &receiver)?;
    check(&site, &after)?;
    let again = after
        .iter()
        .skip(before.len())
        .find(|message| message.seq().is_some() && before.contains(message));
    ensure!(again.is_none(), "{again:?} came twice");
    Ok(())
}

/// A receiver that proves nothing is told nothing.
#[test]
fn a_receiver_with_a_wrong_certificate_gets_nothing() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    for impostor in [
        Authority::new("IP:127.0.0.1")?,
        Authority::new("DNS:other.example")?,
    ] {
        let mut receiver = Rsyslog::new(&impostor)?;
        receiver.start()?;
        let mut site = site(&receiver, &authority)?;
        site.approved("alice", "db01")?;
        site.ssh("alice+db01")
            .run("echo secret")
            .answer()?
            .success()?;
        wait::until_true("the refusal in the log", PATIENCE, || {
            Ok(site
                .process()?
                .errors()
                .contains("it does not prove who it is"))
        })?;
        let arrived = receiver.messages()?;
        ensure!(arrived.is_empty(), "{arrived:?}");
    }
    // The right authority, the wrong name.
    let elsewhere = Authority::new("DNS:other.example")?;
    let mut receiver = Rsyslog::new(&elsewhere)?;
    receiver.start()?;
    let mut site = site(&receiver, &elsewhere)?;
    site.approved("alice", "db01")?;
    wait::until_true("the refusal in the log", PATIENCE, || {
        Ok(site
            .process()?
            .errors()
            .contains("it does not prove who it is"))
    })?;
    let arrived = receiver.messages()?;
    ensure!(arrived.is_empty(), "{arrived:?}");
    Ok(())
}

/// R9: another client's entries, and the gateway's own, do not go out.
#[test]
fn a_receiver_gets_its_own_clients_entries_only() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let site = site(&receiver, &authority)?;
    // A stranger knocks: that is the gateway's own business.
    site.ssh("mallory").run("true").answer()?;
    site.approved("alice", "db01")?;
    let messages = wait_for_all(&site, &receiver)?;
    check(&site, &messages)?;
    ensure!(
        !messages
            .iter()
            .any(|message| message.head.contains(" serve-start ")),
        "the gateway's own entries went out"
    );
    Ok(())
}
