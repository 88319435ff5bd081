//! What passes at this moment, for whoever looks on.

use ecluse_policy::capability::files::TargetPath;

use super::handles::What;
use super::interceptor::Sftp;

/// The file that passes, and how much of it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doing {
    /// Which.
    pub(crate) path: TargetPath,
    /// Payload bytes to the technician.
    pub(crate) read: u64,
    /// Payload bytes to the target.
    pub(crate) written: u64,
    /// Its size as it was opened.
    pub(crate) size: Option<u64>,
}

impl Doing {
    /// `↓ /srv/app.log 12 MiB/1 GiB`, in numbers of bytes: for whoever looks on.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        let (arrow, bytes) = match self.written {
            0 => ('↓', self.read),
            written => ('↑', written),
        };
        match self.size.filter(|_| self.written == 0) {
            Some(size) => format!("{arrow} {} {bytes}/{size}", self.path),
            None => format!("{arrow} {} {bytes}", self.path),
        }
    }

    /// That it passes, on record.
    #[must_use]
    pub(crate) fn begun(&self) -> String {
        let way = match (self.read, self.written) {
            (0, _) => "to the target",
            (_, 0) => "to the technician",
            (_, _) => "both ways",
        };
        match self.size.filter(|_| self.written == 0) {
            Some(size) => format!("passing {way}: {} ({size} bytes)", self.path),
            None => format!("passing {way}: {}", self.path),
        }
    }
}

impl Sftp {
    /// The file that something was asked of last, while it is open; none where that was no file.
    #[must_use]
    pub(crate) fn doing(&self) -> Option<Doing> {
        let open = self.handles.get(self.busy?)?;
        match &open.what {
            What::File(file) => Some(Doing {
                path: file.path.clone(),
                read: file.read.bytes(),
                written: file.written.bytes(),
                size: file.size,
            }),
            What::Directory { .. } => None,
        }
    }
}
