//! `ecluse host-ca`: the line by which clients know the targets that they jump to.

use anyhow::Context;
use clap::Args;

use super::in_force;
use crate::faces::commands::out::outln;
use crate::host_ca::HostCa;
use crate::secrets;
use crate::settings::Settings;
use crate::store::Store;

/// Print the line for `known_hosts` by which clients know the targets that they jump to (`ssh -J`).
///
/// It names every target of the documents in force, by its id and by its address, and trusts this gateway for these alone. A
/// technician has the line of their own targets by `ssh PERSON@GATEWAY host-ca`.
#[derive(Debug, Args)]
pub(super) struct PrintHostCa {}

impl PrintHostCa {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let path = &settings.ssh.host_ca;
        anyhow::ensure!(
            path.exists(),
            "{}: it is not there yet; the gateway makes it at its first start: ecluse serve",
            path.display()
        );
        let authority = HostCa::of(&secrets::host_key(path)?)?;
        let applied = in_force(store).await?;
        let targets = applied.documents.targets().map(|(_, target)| &target.id);
        let line = authority
            .line(&applied.documents, targets)
            .context("no document in force names a target; apply one: ecluse apply DIR")?;
        outln!("{line}");
        Ok(())
    }
}
