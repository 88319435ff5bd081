//! A bundle as files in memory: put together, signed, and verified as a `tar`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ecluse_recordings::bundle::{self, write_sums};
use ecluse_recordings::evidence::signature::{BUNDLE_NAMESPACE, HeldKey, sign_file};
use ecluse_recordings::verify::{Options, Report, verify};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Recording, trusting};

/// The files of a bundle, before or after they are signed.
#[derive(Clone, Default)]
pub struct Bundle {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    pub fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), bytes.into());
    }

    pub fn put_recording(&mut self, recording: &Recording) {
        self.put_recording_as(recording, recording.manifest.session());
    }

    pub fn put_recording_as(&mut self, recording: &Recording, session: Uuid) {
        for (name, bytes) in &recording.files {
            self.put(&format!("recordings/{session}/{name}"), bytes.clone());
        }
    }

    /// Makes the list of files anew and signs it.
    pub fn sign(&mut self, signer: &HeldKey) {
        let sums = self
            .files
            .iter()
            .filter(|(name, _)| !name.starts_with("SHA256SUMS"))
            .map(|(name, bytes)| (name.clone(), Sha256::digest(bytes).into()))
            .collect();
        let text = write_sums(&sums);
        let signature = sign_file(signer, BUNDLE_NAMESPACE, text.as_bytes()).unwrap();
        self.put(bundle::SUMS, text);
        self.put(bundle::SUMS_SIGNATURE, signature);
    }

    /// Turns one bit of one file.
    pub fn flip(&mut self, name: &str) {
        let bytes = self
            .files
            .get_mut(name)
            .unwrap_or_else(|| panic!("no file {name}"));
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x04;
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            builder
                .append_data(&mut header, name, bytes.as_slice())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }

    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("bundle.tar");
        std::fs::write(&path, self.tar()).unwrap();
        path
    }

    /// Verifies it as somebody would who knows the gateway's keys and kept nothing else.
    pub fn verify(&self) -> Report {
        self.verify_with(&trusting())
    }

    pub fn verify_with(&self, options: &Options) -> Report {
        let directory = tempfile::tempdir().unwrap();
        verify(&self.write(directory.path()), options).unwrap()
    }
}
