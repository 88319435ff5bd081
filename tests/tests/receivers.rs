//! A receiver that is to be trusted otherwise: who was trusted until then has everything first, and nothing is lost. R8.

use std::time::Duration;

use anyhow::Result;
use ecluse_tests::receiver::{Authority, Message, Rsyslog};
use ecluse_tests::{Site, wait};

const PATIENCE: Duration = Duration::from_secs(60);

fn site(tail: String) -> Result<Site> {
    Site::start_with(|plan| {
        plan.documents.client_tail = tail;
        Ok(())
    })
}

/// The place of the entry that tells of another authority, once it has arrived.
fn change(receiver: &Rsyslog) -> Result<Option<u64>> {
    let messages = receiver.messages()?;
    let told = messages.iter().find(|one| {
        one.head.contains(" document-change ") && one.text.contains("copies.syslog-ca: ")
    });
    Ok(told.and_then(Message::seq))
}

/// Who exchanges the authority does not do it behind the back of the receiver: the change arrives there, with a checkpoint
/// that covers it, before another authority counts.
#[test]
fn r8_another_authority_is_told_first_to_the_receiver_that_was_trusted() -> Result<()> {
    let (authority, other) = (
        Authority::new("IP:127.0.0.1")?,
        Authority::new("IP:127.0.0.1")?,
    );
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let mut site = site(receiver.document(&authority)?)?;
    wait::until_true("the first entries", PATIENCE, || {
        Ok(receiver.messages()?.iter().any(|one| one.seq().is_some()))
    })?;
    let tail = receiver.document(&other)?;
    site.apply(|documents| {
        documents.client_tail = tail;
        Ok(())
    })?;
    let told = wait::until("the change at the receiver", PATIENCE, || change(&receiver))?;
    wait::until_true("a checkpoint that covers it", PATIENCE * 2, || {
        let messages = receiver.messages()?;
        Ok(messages.iter().any(|one| {
            let size = one.field("size").and_then(|size| size.parse::<u64>().ok());
            size.is_some_and(|size| size >= told)
        }))
    })?;
    // Then the new one counts, and this receiver does not prove itself by it.
    // What was told settles first, which takes a minute where all is quiet.
    wait::until_true("the refusal in the log", PATIENCE * 3, || {
        let log = site.process()?.errors();
        Ok(log.contains("it does not prove who it is"))
    })
}

/// An authority that was wrong holds up nobody: what waits goes to who proves itself by the right one, at once.
#[test]
fn r8_the_right_authority_counts_at_once_where_the_wrong_one_reached_nobody() -> Result<()> {
    let (authority, other) = (
        Authority::new("IP:127.0.0.1")?,
        Authority::new("IP:127.0.0.1")?,
    );
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let mut site = site(receiver.document(&other)?)?;
    wait::until_true("the refusal in the log", PATIENCE, || {
        let log = site.process()?.errors();
        Ok(log.contains("it does not prove who it is"))
    })?;
    let tail = receiver.document(&authority)?;
    site.apply(|documents| {
        documents.client_tail = tail;
        Ok(())
    })?;
    wait::until("the change at the receiver", PATIENCE, || change(&receiver))?;
    Ok(())
}
